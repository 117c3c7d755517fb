/* A bare server to measure: http_bench CERT KEY PORT [WORKERS]. "/" answers two bytes, "/large" 64 MiB of zeros, PUT to
 * anything swallows the body. tests/bench/http_bench.sh puts nginx beside it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "net/http_server.h"
#include "net/socket.h"

enum {
	LARGE_BYTES = 64 * 1024 * 1024,
	PIECE_BYTES = 256 * 1024,
};

static int handle(struct http_exchange *x, void *worker, void *context, struct why *why)
{
	static const uint8_t zeros[PIECE_BYTES];
	static _Thread_local uint8_t in[PIECE_BYTES];
	const struct http1_request *r = http_exchange_request(x);
	size_t len = 1;
	(void)worker;
	(void)context;

	if (slice_is_str(r->method, "PUT")) {
		while (len)
			TRY(http_exchange_read(x, in, sizeof in, &len, why));
		return http_exchange_respond(x, 200, slice_str(""), why);
	}
	TRY(http_exchange_field(x, "Content-Type", slice_str("text/plain"), why));
	if (!slice_is_str(r->uri.path, "/large"))
		return http_exchange_respond(x, 200, slice_str("ok"), why);
	TRY(http_exchange_begin(x, 200, LARGE_BYTES, why));
	for (size_t sent = 0; sent < LARGE_BYTES; sent += sizeof zeros)
		TRY(http_exchange_write(x, slice_of(zeros, sizeof zeros), why));
	return http_exchange_end(x, why);
}

static int serve(char **argv, unsigned workers, struct why *why)
{
	CLEANUP(http_server_freep) struct http_server *server = NULL;
	CLEANUP(tls_server_freep) struct tls_server *tls = NULL;
	CLEANUP(secret_freep) struct secret *key = NULL;
	CLEANUP(buf_freep) struct buf *chain = NULL;
	struct http_server_config config;
	struct tls_server_config tls_config = {0};
	char address[32];
	int fd;

	TRY(buf_new(65536, &chain, why));
	TRY(file_read_given(argv[1], chain, why));
	TRY(file_read_secret(argv[2], &key, why));
	tls_config.chain_pem = buf_slice(chain);
	tls_config.key_pem = key;
	TRY(tls_server_new(&tls_config, &tls, why));
	http_server_config_init(&config);
	config.handle = handle;
	config.workers = workers;
	TRY(http_server_new(&config, &server, why));
	snprintf(address, sizeof address, "127.0.0.1:%.5s", argv[3]);
	TRY(socket_listen(address, &fd, why));
	TRY(http_server_listen(server, fd, tls, why));
	TRY(http_server_start(server, why));
	puts("serving");
	fflush(stdout);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	struct why why = {""};

	signal(SIGPIPE, SIG_IGN);
	if (argc < 4 || serve(argv, argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : NET_WORKERS, &why) != ERR_OK)
		fprintf(stderr, "http_bench CERT KEY PORT [WORKERS]: %s\n", why.text);
	return 1;
}
