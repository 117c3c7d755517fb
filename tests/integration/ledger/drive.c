/* ledger-drive: appends to a running ledger over a link that it was given, so many at a time, and says how long each
 * took to be acknowledged.
 *
 *     ledger-drive FD IN_FLIGHT SECONDS RECORD_BYTES
 *
 * One line: appends per second, p50, p99 and the longest in milliseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/buf.h"
#include "daemon/link/keys_ledger.h"
#include "ipc/message.h"

enum { SAMPLES_MAX = 4 << 20, IN_FLIGHT_MAX = IPC_LINK_CALLS_MAX };

static double samples[SAMPLES_MAX];
static double asked[IN_FLIGHT_MAX];

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void must(bool is_so, const char *what)
{
	if (is_so)
		return;
	perror(what);
	exit(1);
}

/* The same request each time, but for its id. */
static struct buf *make_message(size_t record_bytes)
{
	static char record[LEDGER_RECORD_BYTES_MAX + 1];
	struct buf *message = NULL, *body = NULL;
	struct ledger_append append = {.count = 1};
	uint8_t header[IPC_HEADER_BYTES];

	snprintf(record, sizeof record, "{\"eventName\":\"GetObject\",\"userAgent\":\"%0*d\"}", (int)record_bytes - 40,
	         0);
	append.entries[0] = (struct ledger_entry){slice_str("123456789012"), slice_str(record)};
	must(buf_new(IPC_INLINE_BYTES_MAX, &body, NULL) == ERR_OK &&
	             buf_new(IPC_INLINE_BYTES_MAX, &message, NULL) == ERR_OK,
	     "memory");
	must(ledger_append_put(&append, body, NULL) == ERR_OK, "body");
	ipc_header_encode(&(struct ipc_header){.type = KEYS_LEDGER_APPEND, .body_len = (uint32_t)buf_len(body)},
	                  header);
	must(buf_put(message, slice_of(header, sizeof header), NULL) == ERR_OK &&
	             buf_put(message, buf_slice(body), NULL) == ERR_OK,
	     "message");
	buf_free(body);
	return message;
}

/* Slot i of what is in flight has id i + 1. */
static void ask(int fd, const struct buf *message, size_t slot)
{
	uint8_t bytes[IPC_HEADER_BYTES + 4096];
	struct slice m = buf_slice(message);

	must(m.len <= sizeof bytes, "record size");
	memcpy(bytes, m.ptr, m.len);
	bytes[6] = (uint8_t)((slot + 1) >> 8);
	bytes[7] = (uint8_t)(slot + 1);
	asked[slot] = now_ms();
	must(send(fd, bytes, m.len, 0) == (ssize_t)m.len, "send");
}

static size_t take_answer(int fd)
{
	uint8_t bytes[1024];
	ssize_t len = recv(fd, bytes, sizeof bytes, 0);
	struct ipc_header header;
	struct slice body;

	must(len > 0, "recv");
	must(ipc_header_decode(slice_of(bytes, (size_t)len), &header, &body, NULL) == ERR_OK, "answer");
	must(header.flags == IPC_FLAG_REPLY && header.id >= 1 && header.id <= IN_FLIGHT_MAX, "refused");
	return header.id - 1;
}

static size_t number(const char *text)
{
	uint64_t value;

	must(slice_to_u64(slice_str(text), 1000000, &value, NULL) == ERR_OK, text);
	return (size_t)value;
}

int main(int argc, char **argv)
{
	must(argc == 5, "arguments");
	int fd = (int)number(argv[1]);
	size_t in_flight = number(argv[2]), count = 0, open = 0;
	double run_ms = (double)number(argv[3]) * 1e3, start, now;
	struct buf *message = make_message(number(argv[4]));

	must(in_flight >= 1 && in_flight <= IN_FLIGHT_MAX, "in flight");
	start = now_ms();
	for (; open < in_flight; open++)
		ask(fd, message, open);
	while (open > 0) {
		size_t slot = take_answer(fd);

		now = now_ms();
		if (count < SAMPLES_MAX)
			samples[count] = now - asked[slot];
		count++;
		if (now - start < run_ms)
			ask(fd, message, slot);
		else
			open--;
	}
	now = now_ms();
	size_t n = count < SAMPLES_MAX ? count : SAMPLES_MAX;

	qsort(samples, n, sizeof *samples, compare);
	printf("%zu in flight: %.0f appends/s, p50 %.3f ms, p99 %.3f ms, longest %.3f ms\n", in_flight,
	       (double)count / (now - start) * 1e3, samples[n / 2], samples[n * 99 / 100], samples[n - 1]);
	buf_free(message);
	return 0;
}
