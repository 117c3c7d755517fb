/* Round trips a second between blocking clients, one thread each, and one loop in another process. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/time.h"
#include "ipc/call.h"
#include "ipc/channel.h"
#include "ipc/link.h"

enum { ECHO = 1, CALLS = 100000, BODY_BYTES = 256, THREADS_MAX = 16 };

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

static void *ask(void *arg)
{
	static const uint8_t body[BODY_BYTES];
	struct ipc_client *client = arg;
	struct ipc_message reply;

	for (int i = 0; i < CALLS; i++) {
		if (ipc_client_call(client, ECHO, slice_of(body, sizeof body), time_mono_ms() + 5000, &reply, NULL) !=
		    ERR_OK)
			abort();
		ipc_message_clear(&reply);
	}
	return NULL;
}

static void measure(size_t threads)
{
	struct ipc_client *clients[THREADS_MAX];
	pthread_t ids[THREADS_MAX];
	int server_fds[THREADS_MAX], fd;
	uint64_t start, spent;
	pid_t server;

	for (size_t i = 0; i < threads; i++) {
		if (ipc_channel_pair(&fd, &server_fds[i], NULL) != ERR_OK ||
		    ipc_client_new(&clients[i], NULL) != ERR_OK)
			abort();
		ipc_client_connect(clients[i], fd);
	}
	server = fork();
	if (server == 0)
		serve(server_fds, threads);
	start = time_mono_ms();
	for (size_t i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, ask, clients[i]) != 0)
			abort();
	for (size_t i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	spent = time_mono_ms() - start;
	printf("%2zu client%s %8.0f round trips/s\n", threads,
	       threads == 1 ? ": " : "s:", (double)(threads * CALLS) * 1000 / (double)(spent ? spent : 1));
	fflush(stdout);
	for (size_t i = 0; i < threads; i++) {
		ipc_client_free(clients[i]);
		close(server_fds[i]);
	}
	kill(server, SIGKILL);
}

int main(void)
{
	measure(1);
	measure(4);
	measure(16);
	return 0;
}
