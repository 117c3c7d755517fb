#include "daemon/keys/reads.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "wire/utf8.h"

enum entry_state { ENTRY_FREE, ENTRY_OPEN, ENTRY_SENT };
enum { ENTRY_VERSION = 1, KEY_BYTES_MAX = 1024 };

/* Fixed, so that a program that starts again finds its way. `version` is written last and read first. */
struct keys_read {
	uint32_t version, state;
	uint64_t second, count, ticket;
	char account[16], caller_account[16];
	char caller_arn[IAM_ARN_BYTES_MAX], caller_id[96], access_key[32];
	char source[40], name[40], error_code[64], bucket[64], request_id[CALL_REQUEST_ID_BYTES + 1],
		peer[CALL_PEER_BYTES_MAX];
	char key[KEY_BYTES_MAX + 1];
	uint32_t version_count;
	uint8_t versions[KEYS_READ_VERSIONS_MAX][16];
};

enum { SPOOL_BYTES = KEYS_READS_MAX * sizeof(struct keys_read) };

/* A file that was altered while the program was down must not make it read past a text. */
static void terminate(struct keys_read *e)
{
	char *const texts[] = {e->account, e->caller_account, e->caller_arn, e->caller_id,  e->access_key, e->source,
	                       e->name,    e->error_code,     e->bucket,     e->request_id, e->peer,       e->key};
	const size_t sizes[] = {sizeof e->account,    sizeof e->caller_account, sizeof e->caller_arn,
	                        sizeof e->caller_id,  sizeof e->access_key,     sizeof e->source,
	                        sizeof e->name,       sizeof e->error_code,     sizeof e->bucket,
	                        sizeof e->request_id, sizeof e->peer,           sizeof e->key};

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		texts[i][sizes[i] - 1] = 0;
	if (e->version_count > KEYS_READ_VERSIONS_MAX)
		e->version_count = KEYS_READ_VERSIONS_MAX;
}

int keys_reads_open(struct keys_reads *r, int dir_fd, struct keys_outbox *outbox, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = -1;
	void *map;

	TRY(path_open_beneath(dir_fd, KEYS_READS_FILE, O_RDWR | O_CREAT, 0600, &fd, reterr_why));
	ENSURE_SYS(ftruncate(fd, SPOOL_BYTES) == 0, reterr_why, "cannot size %s", KEYS_READS_FILE);
	map = mmap(NULL, SPOOL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ENSURE_SYS(map != MAP_FAILED, reterr_why, "cannot map %s", KEYS_READS_FILE);
	r->entries = map;
	r->outbox = outbox;
	for (size_t i = 0; i < KEYS_READS_MAX; i++) {
		struct keys_read *e = &r->entries[i];

		if (e->version != ENTRY_VERSION || e->state > ENTRY_SENT)
			memset(e, 0, sizeof *e);
		terminate(e);
		if (e->state == ENTRY_SENT) /* by the process before; whether it arrived is not known */
			e->state = ENTRY_OPEN;
	}
	return ERR_OK;
}

void keys_reads_close(struct keys_reads *r)
{
	if (r->entries)
		(void)!munmap(r->entries, SPOOL_BYTES);
	r->entries = NULL;
}

static bool is_same(const struct keys_read *e, const struct keys_read_spec *s)
{
	return e->state == ENTRY_OPEN && e->second == s->now_ms / 1000 && strcmp(e->account, s->account) == 0 &&
	       strcmp(e->caller_arn, s->caller_arn) == 0 && strcmp(e->bucket, s->bucket) == 0 &&
	       strcmp(e->name, s->name) == 0 && strcmp(e->source, s->source) == 0 &&
	       strcmp(e->error_code, s->error_code) == 0 && (e->caller_arn[0] || slice_is_str(s->peer, e->peer));
}

static void copy_cut(char *out, size_t size, struct slice text)
{
	size_t len = text.len < size - 1 ? text.len : size - 1;

	while (!utf8_is_valid(slice_of(text.ptr, len)))
		len--;
	if (len)
		memcpy(out, text.ptr, len);
	out[len] = 0;
}

static void begin(struct keys_read *e, const struct keys_read_spec *s)
{
	memset(e, 0, sizeof *e);
	e->second = s->now_ms / 1000;
	snprintf(e->account, sizeof e->account, "%s", s->account);
	snprintf(e->caller_account, sizeof e->caller_account, "%s", s->caller_account);
	snprintf(e->caller_arn, sizeof e->caller_arn, "%s", s->caller_arn);
	snprintf(e->caller_id, sizeof e->caller_id, "%s", s->caller_id);
	snprintf(e->access_key, sizeof e->access_key, "%s", s->access_key);
	snprintf(e->source, sizeof e->source, "%s", s->source);
	snprintf(e->name, sizeof e->name, "%s", s->name);
	snprintf(e->error_code, sizeof e->error_code, "%s", s->error_code);
	snprintf(e->bucket, sizeof e->bucket, "%s", s->bucket);
	snprintf(e->request_id, sizeof e->request_id, "%s", s->request_id);
	copy_cut(e->peer, sizeof e->peer, s->peer);
	copy_cut(e->key, sizeof e->key, s->key);
	e->version = ENTRY_VERSION;
	e->state = ENTRY_OPEN;
}

/* A source of failed proofs too many is counted with the others. */
static void fold_source(const struct keys_reads *r, struct keys_read_spec *spec)
{
	size_t refusals = 0;

	if (spec->caller_arn[0])
		return;
	for (size_t i = 0; i < KEYS_READS_MAX; i++) {
		if (is_same(&r->entries[i], spec))
			return;
		if (r->entries[i].state != ENTRY_FREE && !r->entries[i].caller_arn[0])
			refusals++;
	}
	if (refusals < KEYS_REFUSALS_MAX)
		return;
	spec->peer = slice_str("");
	spec->error_code = "";
	spec->access_key = "";
}

int keys_reads_note(struct keys_reads *r, const struct keys_read_spec *given, struct why *reterr_why)
{
	struct keys_read_spec folded = *given;
	const struct keys_read_spec *spec = &folded;
	struct keys_read *found = NULL;

	fold_source(r, &folded);

	for (size_t i = 0; i < KEYS_READS_MAX; i++) {
		struct keys_read *e = &r->entries[i];

		if (is_same(e, spec)) {
			found = e;
			break;
		}
		if (e->state == ENTRY_FREE && !found)
			found = e;
	}
	ENSURE(found, ERR_UNAVAILABLE, reterr_why, "too many reads wait for the log: try again in a moment");
	if (found->state == ENTRY_FREE)
		begin(found, spec);
	found->count++;
	if (spec->version_id && found->version_count < KEYS_READ_VERSIONS_MAX)
		memcpy(found->versions[found->version_count++], spec->version_id, 16);
	return ERR_OK;
}

static int put_parameters(const struct keys_read *e, json_t *parameters, struct why *reterr_why)
{
	json_t *versions = json_array();

	ENSURE(versions && json_object_set_new(parameters, "versionIds", versions) == 0, ERR_UNAVAILABLE, reterr_why,
	       "out of memory for a record");
	for (size_t i = 0; i < e->version_count; i++) {
		char hex[33];

		hex_encode(slice_of(e->versions[i], 16), hex);
		ENSURE(json_array_append_new(versions, json_string(hex)) == 0, ERR_UNAVAILABLE, reterr_why,
		       "out of memory for a record");
	}
	TRY(json_set_int(parameters, "count", (int64_t)e->count, reterr_why));
	if (e->bucket[0])
		TRY(json_set_str(parameters, "bucketName", slice_str(e->bucket), reterr_why));
	return e->key[0] ? json_set_str(parameters, "key", slice_str(e->key), reterr_why) : ERR_OK;
}

/* The entry's caller, as far as a record shows one. */
static void fill_caller(const struct keys_read *e, struct iam_caller *caller)
{
	caller->principal.kind = strstr(e->caller_arn, ":assumed-role/") ? IAM_SESSION
	                         : strstr(e->caller_arn, ":user/")       ? IAM_USER
	                                                                 : IAM_ROOT;
	snprintf(caller->account, sizeof caller->account, "%.12s", e->caller_account);
	snprintf(caller->arn, sizeof caller->arn, "%s", e->caller_arn);
	snprintf(caller->id, sizeof caller->id, "%.80s", e->caller_id);
	snprintf(caller->access_key, sizeof caller->access_key, "%.20s", e->access_key);
}

static int send(struct keys_reads *r, struct keys_read *e, struct why *reterr_why)
{
	CLEANUP(json_freep) json_t *parameters = json_object();
	CLEANUP(json_freep) json_t *record = NULL;
	struct call_head head = {.peer = slice_str(e->peer)};
	struct iam_caller caller = {0};
	const struct keys_event event = {
		.source = e->source,
		.name = e->name,
		.is_read_only = true,
		.is_data = e->bucket[0] != 0,
		.now_ms = e->second * 1000,
		.head = &head,
		.caller = e->caller_arn[0] ? &caller : NULL,
		.access_key = e->access_key,
		.error_code = e->error_code[0] ? e->error_code : NULL,
		.request_parameters = parameters,
	};

	ENSURE(parameters, ERR_UNAVAILABLE, reterr_why, "out of memory for a record");
	snprintf(head.request_id, sizeof head.request_id, "%s", e->request_id);
	fill_caller(e, &caller);
	TRY(put_parameters(e, parameters, reterr_why));
	TRY(keys_event_record(&event, &record, reterr_why));
	return keys_outbox_put(r->outbox, e->account, record, &e->ticket, reterr_why);
}

static void sent(void *arg, int err, const struct why *why)
{
	struct keys_read *e = arg;
	(void)why;

	/* When keys stops, the entry stays for the next process. */
	if (err == ERR_OK)
		e->state = ENTRY_FREE;
}

void keys_reads_flush(struct keys_reads *r, uint64_t now_ms, bool all)
{
	for (size_t i = 0; i < KEYS_READS_MAX; i++) {
		struct keys_read *e = &r->entries[i];
		struct why why;

		if (e->state != ENTRY_OPEN || (!all && e->second == now_ms / 1000))
			continue;
		if (send(r, e, &why) != ERR_OK)
			return; /* the outbox is full: later */
		e->state = ENTRY_SENT;
		if (keys_outbox_wait(r->outbox, e->ticket, sent, e, &why) != ERR_OK)
			e->state = ENTRY_OPEN; /* it goes again */
	}
}
