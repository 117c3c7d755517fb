#include "seal/seal.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "crypto/chunked.h"
#include "seal/flow.h"
#include "seal/opening.h"

enum {
	PLAIN_RUN_BYTES = SEAL_RUN_CHUNKS * CHUNKED_PLAIN_BYTES,
	SEALED_RUN_BYTES = SEAL_RUN_CHUNKS * CHUNKED_SEALED_BYTES,
};

/* One handle on the message for each thread. */
struct handles {
	struct chunked *at[SEAL_THREADS_MAX];
	void *states[SEAL_THREADS_MAX];
	unsigned count;
};

static void handles_clear(struct handles *h)
{
	for (unsigned i = 0; i < h->count; i++)
		chunked_free(h->at[i]);
	h->count = 0;
}

/* Takes `first` over and clones it for the other threads. */
static int handles_fill(struct handles *h, struct chunked *first, unsigned count, struct why *reterr_why)
{
	h->at[0] = first;
	for (h->count = 1; h->count < count; h->count++)
		TRY(chunked_clone(first, &h->at[h->count], reterr_why));
	for (unsigned i = 0; i < h->count; i++)
		h->states[i] = h->at[i];
	return ERR_OK;
}

static unsigned threads_wanted(const struct seal_options *options)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (options && options->threads)
		return options->threads <= SEAL_THREADS_MAX ? options->threads : SEAL_THREADS_MAX;
	if (processors < 1)
		return 1;
	return processors <= SEAL_THREADS_MAX ? (unsigned)processors : SEAL_THREADS_MAX;
}

static int seal_run(void *state, uint64_t run, struct slice in, bool is_last, uint8_t *out, size_t *ret_len,
                    struct why *reterr_why)
{
	*ret_len = chunked_run_bytes(in.len, is_last);
	return chunked_seal_run(state, run * SEAL_RUN_CHUNKS, in, is_last, out, reterr_why);
}

static int open_run(void *state, uint64_t run, struct slice in, bool is_last, uint8_t *out, size_t *ret_len,
                    struct why *reterr_why)
{
	uint64_t first = run * SEAL_RUN_CHUNKS, whole = in.len / CHUNKED_SEALED_BYTES;
	size_t rest = in.len % CHUNKED_SEALED_BYTES;

	/* A message ends in a chunk that is shorter than the others: without one, its end was cut off. */
	ENSURE(!is_last || rest >= AEAD_TAG_BYTES, ERR_TAMPERED, reterr_why,
	       "the sealed file is cut short: it ends %s chunk %" PRIu64, rest ? "within" : "before", first + whole);
	return chunked_open_run(state, first, in, is_last, out, ret_len, reterr_why);
}

/* Writes the head, and points the flow behind it. */
static int put_head(const struct seal_core *core, const struct seal_wraps *wraps, const struct secret *data_key,
                    int out_fd, struct chunked **ret_message, uint64_t *ret_head_bytes, struct why *reterr_why)
{
	CLEANUP(chunked_freep) struct chunked *message = NULL;
	CLEANUP(buf_freep) struct buf *core_json = NULL;
	CLEANUP(buf_freep) struct buf *wraps_json = NULL;
	CLEANUP(buf_freep) struct buf *head = NULL;
	uint8_t context[SEAL_HASH_BYTES], message_head[CHUNKED_HEAD_BYTES];

	TRY(buf_new(SEAL_CORE_BYTES_MAX, &core_json, reterr_why));
	TRY(buf_new(SEAL_WRAPS_BYTES_MAX, &wraps_json, reterr_why));
	TRY(buf_new(SEAL_HEAD_BYTES_MAX + CHUNKED_HEAD_BYTES, &head, reterr_why));
	TRY(seal_core_print(core, core_json, reterr_why));
	TRY(seal_wraps_print(wraps, wraps_json, reterr_why));
	TRY(seal_head_print(buf_slice(core_json), buf_slice(wraps_json), head, reterr_why));
	seal_core_hash(buf_slice(core_json), context);
	TRY(chunked_seal_new(data_key, slice_of(context, sizeof context), message_head, &message, reterr_why));
	TRY(buf_put(head, slice_of(message_head, sizeof message_head), reterr_why));
	TRY(fd_write_all(out_fd, buf_slice(head), reterr_why));
	*ret_head_bytes = buf_len(head);
	*ret_message = take_ptr(message);
	return ERR_OK;
}

/* Where the descriptor has positions, threads wrote by position: leave it standing at the end, as write(2) would. */
static int leave_at_end(const struct flow_end *end, uint64_t moved, struct why *reterr_why)
{
	if (end->has_positions)
		ENSURE_SYS(lseek(end->fd, (off_t)(end->start + moved), SEEK_SET) >= 0, reterr_why,
		           "cannot move to the end of the file");
	return ERR_OK;
}

/* A file that is written to while it is sealed would give a mixture of two states of it. */
static int check_unchanged(const struct flow_end *in, const struct stat *before, struct why *reterr_why)
{
	struct stat now;

	if (!in->has_positions)
		return ERR_OK;
	ENSURE_SYS(fstat(in->fd, &now) == 0, reterr_why, "cannot stat the input");
	ENSURE(now.st_size == before->st_size && now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
	               now.st_mtim.tv_nsec == before->st_mtim.tv_nsec,
	       ERR_CONFLICT, reterr_why, "the input changed while it was being sealed; seal it again");
	return ERR_OK;
}

int seal_stream(const struct seal_core *core, const struct seal_wraps *wraps, const struct secret *data_key, int in_fd,
                int out_fd, const struct seal_options *options, struct seal_totals *ret_totals, struct why *reterr_why)
{
	CLEANUP(handles_clear) struct handles handles = {0};
	struct flow flow = {.transform = seal_run, .states = handles.states, .threads = threads_wanted(options)};
	struct seal_totals totals;
	struct chunked *message;
	uint64_t head_bytes, unused;
	struct stat before;

	ENSURE(seal_wraps_count(wraps) > 0, ERR_INVALID, reterr_why,
	       "a sealed file without a wrap of its data key could never be opened; name a key, a recipient or a "
	       "passphrase");
	ENSURE_SYS(fstat(in_fd, &before) == 0, reterr_why, "cannot stat the input");
	TRY(put_head(core, wraps, data_key, out_fd, &message, &head_bytes, reterr_why));
	TRY(handles_fill(&handles, message, flow.threads, reterr_why));
	TRY(flow_end_inspect(in_fd, true, &flow.in, &flow.in_total, reterr_why));
	TRY(flow_end_inspect(out_fd, false, &flow.out, &unused, reterr_why));
	flow.in.run_bytes = PLAIN_RUN_BYTES;
	flow.out.run_bytes = SEALED_RUN_BYTES;
	flow.done_bytes = options ? options->done_bytes : NULL;
	TRY(flow_move(&flow, &totals.plain_bytes, &totals.sealed_bytes, reterr_why));
	TRY(check_unchanged(&flow.in, &before, reterr_why));
	TRY(leave_at_end(&flow.out, totals.sealed_bytes, reterr_why));
	totals.sealed_bytes += head_bytes;
	*ret_totals = totals;
	return ERR_OK;
}

int seal_open_stream(int in_fd, int out_fd, const struct seal_wraps *sidecar, const struct seal_key_source *source,
                     const struct seal_options *options, struct seal_totals *ret_totals, struct why *reterr_why)
{
	CLEANUP(seal_opening_clear) struct seal_opening opening = {0};
	CLEANUP(handles_clear) struct handles handles = {0};
	struct flow flow = {.transform = open_run, .states = handles.states, .threads = threads_wanted(options)};
	struct seal_totals totals;
	uint64_t unused;

	TRY(seal_opening_begin(&opening, in_fd, sidecar, source, reterr_why));
	TRY(handles_fill(&handles, take_ptr(opening.message), flow.threads, reterr_why));
	TRY(flow_end_inspect(in_fd, true, &flow.in, &flow.in_total, reterr_why));
	TRY(flow_end_inspect(out_fd, false, &flow.out, &unused, reterr_why));
	flow.in.run_bytes = SEALED_RUN_BYTES;
	flow.out.run_bytes = PLAIN_RUN_BYTES;
	flow.done_bytes = options ? options->done_bytes : NULL;
	if (flow.in.has_positions)
		TRY(seal_opening_check_end(handles.at[0], in_fd, flow.in.start, flow.in_total, reterr_why));
	TRY(flow_move(&flow, &totals.sealed_bytes, &totals.plain_bytes, reterr_why));
	TRY(leave_at_end(&flow.out, totals.plain_bytes, reterr_why));
	totals.sealed_bytes += opening.chunks_at;
	*ret_totals = totals;
	return ERR_OK;
}
