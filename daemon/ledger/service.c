#include "daemon/ledger/service.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit/history.h"
#include "base/time.h"
#include "daemon/ledger/service_state.h"

static void tell(struct log_service *s, enum event_severity severity, const char *name, const char *detail)
{
	if (s->options.sink.event)
		s->options.sink.event(s->options.sink.context, severity, name, detail);
}

void log_service_fail(struct log_service *s, int err, const struct why *why)
{
	s->failed = err;
	s->failed_why = *why;
}

int log_service_check(const struct log_service *s, struct why *reterr_why)
{
	ENSURE(s->failed == ERR_OK, s->failed, reterr_why, "%s", s->failed_why.text);
	return ERR_OK;
}

int log_service_usable(const struct log_service *s, struct why *reterr_why)
{
	TRY(log_service_check(s, reterr_why));
	ENSURE(s->ledger, ERR_UNAVAILABLE, reterr_why, "the log is not open");
	return ERR_OK;
}

const char *log_service_vkey(const struct log_service *s)
{
	return s->vkey;
}

/* --- the ledger's own records ------------------------------------------------------------------------------------- */

static int stage_own(struct log_service *s, const char *event_name, struct slice parameters, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *record = NULL;
	struct ledger_input input = {
		.producer = slice_str(LEDGER_OWN_PRODUCER),
		.account = slice_str(LEDGER_OPERATOR),
		.key = &s->own,
	};
	struct ledger_output output;

	TRY(buf_new(8192, &record, reterr_why));
	TRY(own_record_put(event_name, parameters, record, reterr_why));
	input.record = buf_slice(record);
	return ledger_stage(s->ledger, &input, &output, reterr_why);
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* "history" has an entry of fixed size for each leaf. */
static enum ledger_check choose_check(int dir_fd)
{
	struct stat st;

	if (fstatat(dir_fd, "history", &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    st.st_size / HISTORY_ENTRY_BYTES <= LEDGER_CHECK_ALL_LEAVES_MAX)
		return LEDGER_CHECK_ALL;
	return LEDGER_CHECK_EDGE;
}

/* Opening writes a little. On a full disk, the reserve is there for that. */
static int open_log(struct log_service *s, enum ledger_check check, struct why *reterr_why)
{
	const struct ledger_options options = {.signer = s->key.signer, .check = check};
	int err;

	TRY(reserve_make_room(&s->reserve, reterr_why));
	err = ledger_open(s->options.dir_fd, &options, &s->ledger, reterr_why);
	if (err == ERR_OK)
		err = log_service_find_state(s, reterr_why);
	return err;
}

static int note_start(struct log_service *s, bool is_new, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *parameters = NULL;
	const struct own_start start = {
		.leaves = ledger_head(s->ledger)->size,
		.torn_bytes = ledger_torn_bytes(s->ledger),
		.starts = s->options.starts,
		.state = &s->state,
	};

	TRY(buf_new(1024, &parameters, reterr_why));
	if (is_new) {
		TRY(buf_put_fmt(parameters, reterr_why, "{\"vkey\":\"%s\"}", s->vkey));
		TRY(stage_own(s, "LedgerKeyCreated", buf_slice(parameters), reterr_why));
		buf_reset(parameters);
	}
	TRY(own_start_put(&start, parameters, reterr_why));
	TRY(stage_own(s, "LedgerStarted", buf_slice(parameters), reterr_why));
	TRY(ledger_commit(s->ledger, reterr_why));
	return ledger_tend(s->ledger, reterr_why);
}

static void tell_start(struct log_service *s, bool is_new)
{
	char detail[1024];

	snprintf(detail, sizeof detail, "{\"vkey\":\"%s\",\"leaves\":%" PRIu64 "}", s->vkey,
	         ledger_head(s->ledger)->size);
	tell(s, EVENT_INFO, is_new ? "ledger.key_created" : "ledger.opened", detail);
	if (ledger_torn_bytes(s->ledger) == 0)
		return;
	snprintf(detail, sizeof detail, "{\"bytes\":%" PRIu64 "}", ledger_torn_bytes(s->ledger));
	tell(s, EVENT_WARNING, "ledger.torn_batch_dropped", detail);
}

static int load_key(struct log_service *s, bool *ret_is_new, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *vkey = NULL;
	int err = log_key_load(s->options.dir_fd, &s->key, reterr_why);

	*ret_is_new = err == ERR_NOTFOUND;
	if (err == ERR_NOTFOUND) {
		TRY(log_key_create(s->options.dir_fd, slice_str(""), reterr_why));
		err = log_key_load(s->options.dir_fd, &s->key, reterr_why);
	}
	TRY(err);
	memcpy(s->own.id, own_key_id, sizeof s->own.id);
	s->own.secret = s->key.own;
	TRY(buf_new(sizeof s->vkey, &vkey, reterr_why));
	TRY(log_key_put_vkey(&s->key, vkey, reterr_why));
	return slice_to_str(buf_slice(vkey), s->vkey, sizeof s->vkey, reterr_why);
}

static int make(const struct log_service_options *options, struct log_service **ret_service, struct why *reterr_why)
{
	CLEANUP(log_service_freep) struct log_service *s = calloc(1, sizeof *s);

	ENSURE(s, ERR_UNAVAILABLE, reterr_why, "out of memory for the log");
	s->options = *options;
	s->reserve = (struct reserve){.fd = -1, .measure = options->measure};
	s->requests = calloc(LEDGER_BATCH_LEAVES_MAX, sizeof *s->requests);
	ENSURE(s->requests, ERR_UNAVAILABLE, reterr_why, "out of memory for the requests of a batch");
	TRY(hour_keys_new(&s->hours, reterr_why));
	TRY(buf_new(LEDGER_VIEW_BYTES_MAX, &s->scratch, reterr_why));
	TRY(buf_new(RECORD_BYTES_MAX, &s->record, reterr_why));
	*ret_service = take_ptr(s);
	return ERR_OK;
}

int log_service_open(const struct log_service_options *options, struct log_service **ret_service,
                     struct why *reterr_why)
{
	CLEANUP(log_service_freep) struct log_service *s = NULL;
	bool is_new;

	TRY(make(options, &s, reterr_why));
	TRY(load_key(s, &is_new, reterr_why));
	TRY(reserve_open(&s->reserve, options->dir_fd, reterr_why));
	TRY(open_log(s, choose_check(options->dir_fd), reterr_why));
	TRY(note_start(s, is_new, reterr_why));
	tell_start(s, is_new);
	*ret_service = take_ptr(s);
	return ERR_OK;
}

void log_service_free(struct log_service *s)
{
	if (!s)
		return;
	ledger_free(s->ledger);
	reserve_close(&s->reserve);
	hour_keys_free(s->hours);
	log_key_clear(&s->key);
	buf_free(s->scratch);
	buf_free(s->record);
	free(s->requests);
	free(s);
}

void log_service_freep(struct log_service **s)
{
	log_service_free(*s);
	*s = NULL;
}

int log_service_close(struct log_service *s, struct why *reterr_why)
{
	log_service_commit(s);
	TRY(log_service_usable(s, reterr_why));
	return ledger_settle(s->ledger, reterr_why);
}

/* --- when the disk fails ------------------------------------------------------------------------------------------ */

/* What is in the file is known again only once it was read again: after a full disk as after a failed fdatasync. What
 * is found behind the last commit counts as logged, although whoever asked was refused. */
static void open_anew(struct log_service *s, const struct why *because)
{
	struct why why;
	int err;

	tell(s, EVENT_ALERT, "ledger.disk_failed", "{}");
	ledger_freep(&s->ledger);
	s->request_count = 0;
	err = open_log(s, LEDGER_CHECK_EDGE, &why);
	if (err == ERR_OK)
		return;
	ledger_freep(&s->ledger);
	why_prefix(&why, "%s, and then the log could not be opened again: ", because->text);
	log_service_fail(s, err, &why);
}

static void tend(struct log_service *s)
{
	struct why why;

	if (ledger_tend(s->ledger, &why) != ERR_OK)
		open_anew(s, &why);
}

/* --- appending ---------------------------------------------------------------------------------------------------- */

static void refuse(struct log_service *s, void *request, int err, const struct why *why)
{
	s->options.sink.appended(s->options.sink.context, request, err, NULL, why);
}

/* Which key a record is sealed under, and whether it tells a database generation. */
static int choose_key(struct log_service *s, const struct ledger_entry *entry, struct record_key *ret_key,
                      struct why *reterr_why)
{
	struct ledger_state state;
	bool is_state;

	TRY(own_record_state(entry->record, &is_state, &state, reterr_why));
	if (!is_state)
		return hour_keys_newest(s->hours, entry->account, ret_key, reterr_why);
	ENSURE(slice_is_str(entry->account, LEDGER_OPERATOR), ERR_INVALID, reterr_why,
	       "a database generation is a record of account " LEDGER_OPERATOR);
	s->staged_state = state;
	*ret_key = s->own;
	return ERR_OK;
}

static int stage_entry(struct log_service *s, struct slice producer, const struct ledger_entry *entry,
                       uint64_t *ret_index, struct why *reterr_why)
{
	struct ledger_input input = {.producer = producer, .account = entry->account, .record = entry->record};
	struct ledger_output output;
	struct record_key key;

	TRY(choose_key(s, entry, &key, reterr_why));
	input.key = &key;
	TRY(ledger_stage(s->ledger, &input, &output, reterr_why));
	*ret_index = output.index;
	return ERR_OK;
}

/* All records of a request, or none. */
static int stage_request(struct log_service *s, struct slice producer, const struct ledger_append *append,
                         uint64_t *ret_first, struct why *reterr_why)
{
	struct ledger_state state = s->staged_state;
	struct ledger_savepoint before;
	uint64_t index = 0;

	ledger_save(s->ledger, &before);
	for (size_t i = 0; i < append->count; i++) {
		int err = stage_entry(s, producer, &append->entries[i], &index, reterr_why);

		if (err == ERR_OK)
			continue;
		ledger_revert(s->ledger, &before);
		s->staged_state = state;
		return err;
	}
	*ret_first = index + 1 - append->count;
	return ERR_OK;
}

static bool is_administration(const struct ledger_append *append)
{
	for (size_t i = 0; i < append->count; i++)
		if (!own_record_is_administration(&append->entries[i]))
			return false;
	return true;
}

static int check_room(struct log_service *s, const struct ledger_append *append, struct why *reterr_why)
{
	bool has_room;

	TRY(reserve_has_room(&s->reserve, &has_room, reterr_why));
	if (has_room)
		return ERR_OK;
	ENSURE(is_administration(append), ERR_UNAVAILABLE, reterr_why,
	       "the ledger's disk is nearly full: nothing is logged but what the operator does, and so nothing else is "
	       "done; free %d MiB",
	       (LEDGER_FREE_BYTES_MIN + LEDGER_RESERVE_BYTES) / (1024 * 1024));
	return reserve_make_room(&s->reserve, reterr_why);
}

static int append_request(struct log_service *s, struct slice producer, const struct ledger_append *append,
                          uint64_t *ret_first, struct why *reterr_why)
{
	int err;

	TRY(log_service_usable(s, reterr_why));
	ENSURE(append->count > 0, ERR_INVALID, reterr_why, "a request to log nothing");
	TRY(check_room(s, append, reterr_why));
	err = stage_request(s, producer, append, ret_first, reterr_why);
	if (err != ERR_LIMIT || s->request_count == 0)
		return err;
	/* The batch may be full of others' records. */
	log_service_commit(s);
	TRY(log_service_usable(s, reterr_why));
	return stage_request(s, producer, append, ret_first, reterr_why);
}

void log_service_append(struct log_service *s, struct slice producer, const struct ledger_append *append, void *request)
{
	uint64_t first = 0;
	struct why why;
	int err = append_request(s, producer, append, &first, &why);

	if (err != ERR_OK) {
		refuse(s, request, err, &why);
		return;
	}
	if (s->request_count == 0)
		s->since_ms = time_mono_ms();
	s->requests[s->request_count++] = (struct log_request){request, first};
}

bool log_service_is_waiting(const struct log_service *s, uint64_t *ret_since_ms)
{
	*ret_since_ms = s->since_ms;
	return s->request_count > 0;
}

static void answer_all(struct log_service *s, int err, const struct why *why)
{
	const struct log_service_sink *sink = &s->options.sink;
	struct ledger_appended appended = {.tree_size = s->ledger ? ledger_head(s->ledger)->size : 0};
	size_t count = s->request_count;

	s->request_count = 0;
	for (size_t i = 0; i < count; i++) {
		appended.first_index = s->requests[i].first_index;
		sink->appended(sink->context, s->requests[i].request, err, err == ERR_OK ? &appended : NULL, why);
	}
}

void log_service_commit(struct log_service *s)
{
	struct why why = {{0}};
	int err;

	if (s->request_count == 0)
		return;
	err = ledger_commit(s->ledger, &why);
	if (err == ERR_OK)
		s->state = s->staged_state;
	else
		s->staged_state = s->state;
	answer_all(s, err == ERR_OK ? err : ERR_UNAVAILABLE, &why);
	if (err == ERR_OK)
		tend(s);
	else
		open_anew(s, &why);
}

void log_service_tick(struct log_service *s)
{
	struct why why;

	if (log_service_usable(s, &why) != ERR_OK)
		return;
	tend(s);
	if (reserve_refill(&s->reserve, &why) != ERR_OK)
		tell(s, EVENT_WARNING, "ledger.reserve_missing", "{}");
}

int log_service_account_key(struct log_service *s, const struct ledger_account_key *key, struct why *reterr_why)
{
	return hour_keys_add(s->hours, key->account, key->hour, key->key, reterr_why);
}
