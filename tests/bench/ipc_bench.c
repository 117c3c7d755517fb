/* ipc_bench: round trips a second between blocking clients, one thread each, and one loop in another process; beside
 * the same bytes over bare sockets of the same kind, with epoll on the other side.
 *
 *     ipc-bench [SECONDS] */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "bench.h"
#include "ipc/call.h"
#include "ipc/channel.h"
#include "ipc/link.h"

enum { ECHO = 1, BODY_BYTES = 256, THREADS_MAX = 16 };

static double seconds = 1;

static int echo(void *context, struct ipc_message *m, struct ipc_reply *reply, struct why *why)
{
	(void)context, (void)why;
	ipc_reply_send(reply, m->body);
	return ERR_OK;
}

static const struct ipc_permit list[] = {
	{.type = ECHO, .peer = 1, .states = 1, .body_max = BODY_BYTES, .handle = echo},
};
static const struct ipc_permits permits = {list, 1};
static const uint32_t running = 1;

static void ended(void *context, struct ipc_link *link, int err, const struct why *why)
{
	(void)context, (void)link, (void)why;
	if (err != ERR_CLOSED)
		_exit(1);
}

static void serve(const int *fds, size_t count)
{
	const struct ipc_link_options options = {
		.peer = 1, .tables = &permits, .table_count = 1, .state = &running, .ended = ended};
	struct ipc_loop *loop;
	struct ipc_link *link;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ipc_loop_new(&loop, NULL) != ERR_OK)
		_exit(1);
	for (size_t i = 0; i < count; i++)
		if (ipc_link_new(loop, fds[i], &options, &link, NULL) != ERR_OK)
			_exit(1);
	_exit(ipc_loop_run(loop, NULL) != ERR_OK);
}

/* One client: what it asks through, until when, and how often it did. */
struct asker {
	struct ipc_client *client;
	int fd;
	double end_s;
	uint64_t done;
};

static void *ask(void *arg)
{
	static const uint8_t body[BODY_BYTES];
	struct asker *a = arg;
	struct ipc_message reply;

	for (; bench_now_s() < a->end_s; a->done++) {
		if (ipc_client_call(a->client, ECHO, slice_of(body, sizeof body), time_mono_ms() + 5000, &reply,
		                    NULL) != ERR_OK)
			abort();
		ipc_message_clear(&reply);
	}
	return NULL;
}

/* --- bare sockets --- */

static void serve_bare(const int *fds, size_t count)
{
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	uint8_t body[BODY_BYTES];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < count; i++)
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fds[i], &(struct epoll_event){EPOLLIN, {.fd = fds[i]}}) != 0)
			_exit(1);
	for (;;) {
		struct epoll_event ready[THREADS_MAX];
		int n = epoll_wait(epoll_fd, ready, THREADS_MAX, -1);

		for (int i = 0; i < n; i++)
			if (recv(ready[i].data.fd, body, sizeof body, 0) != sizeof body ||
			    send(ready[i].data.fd, body, sizeof body, MSG_NOSIGNAL) != sizeof body)
				_exit(0);
	}
}

static void *ask_bare(void *arg)
{
	struct asker *a = arg;
	uint8_t body[BODY_BYTES] = {0};

	for (; bench_now_s() < a->end_s; a->done++)
		if (send(a->fd, body, sizeof body, MSG_NOSIGNAL) != sizeof body ||
		    recv(a->fd, body, sizeof body, 0) != sizeof body)
			abort();
	return NULL;
}

static void measure(const char *name, size_t threads, void (*server_main)(const int *, size_t),
                    void *(*client_main)(void *))
{
	struct asker askers[THREADS_MAX] = {0};
	pthread_t ids[THREADS_MAX];
	int server_fds[THREADS_MAX] = {0};
	uint64_t done = 0;
	double start;
	pid_t server;

	for (size_t i = 0; i < threads; i++) {
		if (server_main == serve_bare) {
			int pair[2];

			if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
				abort();
			askers[i].fd = pair[0];
			server_fds[i] = pair[1];
			continue;
		}
		if (ipc_channel_pair(&askers[i].fd, &server_fds[i], NULL) != ERR_OK ||
		    ipc_client_new(&askers[i].client, NULL) != ERR_OK)
			abort();
		ipc_client_connect(askers[i].client, askers[i].fd);
	}
	server = fork();
	if (server == 0)
		server_main(server_fds, threads);
	start = bench_now_s();
	for (size_t i = 0; i < threads; i++) {
		askers[i].end_s = start + seconds;
		if (pthread_create(&ids[i], NULL, client_main, &askers[i]) != 0)
			abort();
	}
	for (size_t i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		done += askers[i].done;
	}
	bench_print(name, "per_s", (double)done / (bench_now_s() - start));
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	for (size_t i = 0; i < threads; i++) {
		if (askers[i].client)
			ipc_client_free(askers[i].client);
		else
			close(askers[i].fd);
		close(server_fds[i]);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		size_t threads;
		const char *ours, *bare;
	} turns[] = {{1, "ours_1", "bare_1"}, {4, "ours_4", "bare_4"}, {16, "ours_16", "bare_16"}};

	if (argc > 1)
		seconds = strtod(argv[1], NULL);
	for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
		measure(turns[i].ours, turns[i].threads, serve, ask);
		measure(turns[i].bare, turns[i].threads, serve_bare, ask_bare);
	}
	return 0;
}
