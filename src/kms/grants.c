#include "kms/grants.h"

#include <inttypes.h>
#include <string.h>

#include "kms/keystore_internal.h"

static int encode(const struct kms_grant *g, struct buf *into, struct why *reterr_why)
{
	TRY(buf_put_lp(into, slice_str("kms_grant"), reterr_why));
	TRY(buf_put_lp(into, slice_str(g->job_id), reterr_why));
	TRY(buf_put_lp(into, slice_str(g->account), reterr_why));
	TRY(buf_put_lp(into, slice_str(g->caller), reterr_why));
	TRY(buf_put_lp(into, slice_str(g->role), reterr_why));
	TRY(buf_put_lp(into, slice_of(g->body_digest, sizeof g->body_digest), reterr_why));
	TRY(kms_row_put_u64(into, g->nodes, reterr_why));
	TRY(kms_row_put_u64(into, g->attempts, reterr_why));
	TRY(kms_row_put_u64(into, g->created_wall_ms, reterr_why));
	TRY(kms_row_put_u64(into, g->expires_wall_ms, reterr_why));
	return kms_row_put_u64(into, g->is_ended, reterr_why);
}

static int encode_release(struct slice job_id, uint64_t node, uint64_t attempt, struct buf *into,
                          struct why *reterr_why)
{
	TRY(buf_put_lp(into, slice_str("kms_grant_release"), reterr_why));
	TRY(buf_put_lp(into, job_id, reterr_why));
	TRY(kms_row_put_u64(into, node, reterr_why));
	return kms_row_put_u64(into, attempt, reterr_why);
}

#define GRANT_COLUMNS "job_id, account, caller, role, body_digest, nodes, attempts, created_ms, expires_ms, is_ended"

static int read_grant(struct db_stmt *q, struct kms_grant *ret_grant, struct why *reterr_why)
{
	struct kms_grant g = {0};
	struct slice digest = db_column(q, 4);

	TRY(slice_to_str(db_column(q, 0), g.job_id, sizeof g.job_id, reterr_why));
	TRY(slice_to_str(db_column(q, 1), g.account, sizeof g.account, reterr_why));
	TRY(slice_to_str(db_column(q, 2), g.caller, sizeof g.caller, reterr_why));
	TRY(slice_to_str(db_column(q, 3), g.role, sizeof g.role, reterr_why));
	ENSURE(digest.len == sizeof g.body_digest, ERR_TAMPERED, reterr_why,
	       "the keys database holds a digest of %zu bytes", digest.len);
	memcpy(g.body_digest, digest.ptr, digest.len);
	g.nodes = (uint32_t)db_column_i64(q, 5);
	g.attempts = (uint32_t)db_column_i64(q, 6);
	g.created_wall_ms = (uint64_t)db_column_i64(q, 7);
	g.expires_wall_ms = (uint64_t)db_column_i64(q, 8);
	g.is_ended = db_column_i64(q, 9) != 0;
	*ret_grant = g;
	return ERR_OK;
}

static int tally_releases(struct kms_keystore *ks, struct kms_tally *tally, struct why *reterr_why)
{
	struct db_stmt *q;
	bool has_row;

	TRY(db_sql(ks->db, "SELECT job_id, node, attempt FROM kms_grant_release", &q, reterr_why));
	for (;;) {
		TRY(db_step(q, &has_row, reterr_why));
		if (!has_row)
			break;
		kms_rows_reset(ks);
		TRY(encode_release(db_column(q, 0), (uint64_t)db_column_i64(q, 1), (uint64_t)db_column_i64(q, 2),
		                   ks->after, reterr_why));
		kms_tally_row(tally, buf_slice(ks->after));
	}
	db_reset(q);
	return ERR_OK;
}

int kms_grants_tally(struct kms_keystore *ks, struct kms_tally *tally, struct why *reterr_why)
{
	struct kms_grant grant;
	struct db_stmt *q;
	bool has_row;

	TRY(db_sql(ks->db, "SELECT " GRANT_COLUMNS " FROM kms_grant", &q, reterr_why));
	for (;;) {
		TRY(db_step(q, &has_row, reterr_why));
		if (!has_row)
			break;
		TRY(read_grant(q, &grant, reterr_why));
		kms_rows_reset(ks);
		TRY(encode(&grant, ks->after, reterr_why));
		kms_tally_row(tally, buf_slice(ks->after));
	}
	db_reset(q);
	return tally_releases(ks, tally, reterr_why);
}

/* Inserts or replaces, as one generation. */
static int put(struct kms_keystore *ks, const struct kms_grant *before, const struct kms_grant *g,
               struct why *reterr_why)
{
	CLEANUP(kms_change_clear) struct kms_change change = {0};
	struct db_stmt *q;

	kms_rows_reset(ks);
	if (before)
		TRY(encode(before, ks->before, reterr_why));
	TRY(encode(g, ks->after, reterr_why));
	TRY(kms_change_begin(&change, &ks->state, reterr_why));
	TRY(db_sql(ks->db,
	           "INSERT INTO kms_grant (" GRANT_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
	           " ON CONFLICT (job_id) DO UPDATE SET is_ended = ?10",
	           &q, reterr_why));
	TRY(db_bind_text(q, 1, slice_str(g->job_id), reterr_why));
	TRY(db_bind_text(q, 2, slice_str(g->account), reterr_why));
	TRY(db_bind_text(q, 3, slice_str(g->caller), reterr_why));
	TRY(db_bind_text(q, 4, slice_str(g->role), reterr_why));
	TRY(db_bind_blob(q, 5, slice_of(g->body_digest, sizeof g->body_digest), reterr_why));
	TRY(db_bind_i64(q, 6, g->nodes, reterr_why));
	TRY(db_bind_i64(q, 7, g->attempts, reterr_why));
	TRY(db_bind_i64(q, 8, (int64_t)g->created_wall_ms, reterr_why));
	TRY(db_bind_i64(q, 9, (int64_t)g->expires_wall_ms, reterr_why));
	TRY(db_bind_i64(q, 10, g->is_ended, reterr_why));
	TRY(db_run(q, reterr_why));
	kms_change_row(&change, buf_slice(ks->before), buf_slice(ks->after));
	return kms_change_commit(&change, reterr_why);
}

static int check_grant(const struct kms_grant *g, struct why *reterr_why)
{
	ENSURE(g->job_id[0] && g->account[0] && g->caller[0] && g->role[0], ERR_INVALID, reterr_why,
	       "a grant names a job, an account, a caller and a role");
	ENSURE(g->nodes >= 1 && g->nodes <= KMS_GRANT_NODES_MAX, ERR_INVALID, reterr_why,
	       "a grant of %u nodes; 1 to %d are accepted", g->nodes, KMS_GRANT_NODES_MAX);
	ENSURE(g->attempts >= 1 && g->attempts <= KMS_GRANT_ATTEMPTS_MAX, ERR_INVALID, reterr_why,
	       "a grant of %u attempts; 1 to %d are accepted", g->attempts, KMS_GRANT_ATTEMPTS_MAX);
	ENSURE(g->expires_wall_ms > g->created_wall_ms && !g->is_ended, ERR_INVALID, reterr_why,
	       "a grant must be made before it ends");
	return ERR_OK;
}

int kms_grant_put(struct kms_keystore *ks, const struct kms_grant *grant, struct why *reterr_why)
{
	struct kms_grant taken;
	int err;

	TRY(check_grant(grant, reterr_why));
	err = kms_grant_get(ks, slice_str(grant->job_id), &taken, reterr_why);
	ENSURE(err != ERR_OK, KMS_ERR_EXISTS, reterr_why, "job %s has a grant already", grant->job_id);
	return err == ERR_NOTFOUND ? put(ks, NULL, grant, reterr_why) : err;
}

int kms_grant_get(struct kms_keystore *ks, struct slice job_id, struct kms_grant *ret_grant, struct why *reterr_why)
{
	struct db_stmt *q;
	bool has_row = false;
	int err = ERR_OK;

	ENSURE(job_id.len > 0 && job_id.len <= KMS_JOB_ID_BYTES_MAX, ERR_INVALID, reterr_why,
	       "a job id of %zu characters; 1 to %d are accepted", job_id.len, KMS_JOB_ID_BYTES_MAX);
	TRY(db_sql(ks->db, "SELECT " GRANT_COLUMNS " FROM kms_grant WHERE job_id = ?", &q, reterr_why));
	TRY(db_bind_text(q, 1, job_id, reterr_why));
	TRY(db_step(q, &has_row, reterr_why));
	if (has_row)
		err = read_grant(q, ret_grant, reterr_why);
	db_reset(q);
	TRY(err);
	ENSURE(has_row, ERR_NOTFOUND, reterr_why, "there is no grant for that job");
	return ERR_OK;
}

int kms_grant_end(struct kms_keystore *ks, struct slice job_id, struct why *reterr_why)
{
	struct kms_grant before, after;

	TRY(kms_grant_get(ks, job_id, &before, reterr_why));
	if (before.is_ended)
		return ERR_OK;
	after = before;
	after.is_ended = true;
	return put(ks, &before, &after, reterr_why);
}

static int check_use(const struct kms_grant *g, uint32_t node, uint32_t attempt, uint64_t now_wall_ms,
                     struct why *reterr_why)
{
	ENSURE(!g->is_ended, ERR_DENIED, reterr_why, "the grant of job %s has ended", g->job_id);
	ENSURE(now_wall_ms < g->expires_wall_ms, ERR_DENIED, reterr_why, "the grant of job %s has expired", g->job_id);
	ENSURE(node < g->nodes, ERR_DENIED, reterr_why, "job %s was granted %u nodes; node %u is not one of them",
	       g->job_id, g->nodes, node);
	ENSURE(attempt < g->attempts, ERR_DENIED, reterr_why, "job %s was granted %u attempts; attempt %u is too many",
	       g->job_id, g->attempts, attempt);
	return ERR_OK;
}

int kms_grant_take(struct kms_keystore *ks, struct slice job_id, uint32_t node, uint32_t attempt, uint64_t now_wall_ms,
                   struct why *reterr_why)
{
	CLEANUP(kms_change_clear) struct kms_change change = {0};
	struct kms_grant grant;
	struct db_stmt *q;
	int err;

	TRY(kms_grant_get(ks, job_id, &grant, reterr_why));
	TRY(check_use(&grant, node, attempt, now_wall_ms, reterr_why));
	TRY(kms_change_begin(&change, &ks->state, reterr_why));
	TRY(db_sql(ks->db, "INSERT INTO kms_grant_release (job_id, node, attempt) VALUES (?, ?, ?)", &q, reterr_why));
	TRY(db_bind_text(q, 1, job_id, reterr_why));
	TRY(db_bind_i64(q, 2, node, reterr_why));
	TRY(db_bind_i64(q, 3, attempt, reterr_why));
	err = db_run(q, reterr_why);
	ENSURE(err != ERR_CONFLICT, ERR_CONFLICT, reterr_why,
	       "the keys for node %u, attempt %u of job %s were released already", node, attempt, grant.job_id);
	TRY(err);
	kms_rows_reset(ks);
	TRY(encode_release(job_id, node, attempt, ks->after, reterr_why));
	kms_change_row(&change, slice_of(NULL, 0), buf_slice(ks->after));
	return kms_change_commit(&change, reterr_why);
}
