#include "net_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/time.h"
#include "net/socket.h"

int run(const char *const argv[], char *out, size_t size)
{
	int ends[2], status = -1;
	size_t len = 0;
	pid_t child;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(STDIN_FILENO);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	assert_true(child > 0);
	close(ends[1]);
	assert_int_equal(fd_read_full(ends[0], out, size - 1, &len, NULL), ERR_OK);
	out[len] = 0;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* One shell script for all files, since making them is not what is tested. */
static const char make_certificates[] =
	"set -e; cd \"$1\"\n"
	"ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.pem"
	" -subj /CN=$1 -days 2 -addext basicConstraints=critical,CA:TRUE; }\n"
	"ca ca; ca other\n"
	"printf 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\\n' >san\n"
	"for name in one two; do\n"
	"openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $name.key -out $name.csr -subj "
	"/CN=$name\n"
	"openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $name.pem -days 2 -extfile san\n"
	"done\nchmod 600 *.key\n";

static void read_file(const struct fixture *f, const char *name, const char *suffix, struct buf *into)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s%s", f->dir, name, suffix);
	assert_int_equal(file_read_given(path, into, NULL), ERR_OK);
}

struct tls_client *fixture_trust(const struct fixture *f, const char *name)
{
	CLEANUP(buf_freep) struct buf *pem = NULL;
	struct tls_client *client = NULL;

	assert_int_equal(buf_new(65536, &pem, NULL), ERR_OK);
	read_file(f, name, ".pem", pem);
	assert_int_equal(tls_client_new(buf_slice(pem), &client, NULL), ERR_OK);
	return client;
}

static int with_certificate(const struct fixture *f, const char *name, bool insecure_tls12, struct tls_server **server)
{
	CLEANUP(buf_freep) struct buf *chain = NULL;
	CLEANUP(secret_freep) struct secret *key = NULL;
	struct tls_server_config config = {.insecure_tls12 = insecure_tls12};
	char path[128];

	assert_int_equal(buf_new(65536, &chain, NULL), ERR_OK);
	read_file(f, name, ".pem", chain);
	snprintf(path, sizeof path, "%s/%s.key", f->dir, name);
	assert_int_equal(file_read_secret(path, &key, NULL), ERR_OK);
	config.chain_pem = buf_slice(chain);
	config.key_pem = key;
	return *server ? tls_server_reload(*server, &config, NULL) : tls_server_new(&config, server, NULL);
}

struct tls_server *fixture_tls(const struct fixture *f, const char *name, bool insecure_tls12)
{
	struct tls_server *server = NULL;

	assert_int_equal(with_certificate(f, name, insecure_tls12, &server), ERR_OK);
	return server;
}

int fixture_reload(const struct fixture *f, const char *name)
{
	struct tls_server *server = f->tls;

	return with_certificate(f, name, false, &server);
}

/* --- The handler ------------------------------------------------------------------------------------------------ */

static int echo(struct http_exchange *x, struct why *why)
{
	const struct http1_fields *trailers;
	struct slice value;
	uint8_t piece[7000];
	size_t len;

	TRY(http_exchange_begin(x, 200, HTTP_LENGTH_UNKNOWN, why));
	for (;;) {
		TRY(http_exchange_read(x, piece, sizeof piece, &len, why));
		if (!len)
			break;
		TRY(http_exchange_write(x, slice_of(piece, len), why));
	}
	TRY(http_exchange_trailers(x, &trailers, why));
	if (http1_fields_find(trailers, "X-Sum", &value))
		TRY(http_exchange_trailer(x, "X-Sum", value, why));
	return http_exchange_end(x, why);
}

static int count(struct http_exchange *x, struct why *why)
{
	static _Thread_local uint8_t piece[128 * 1024];
	uint64_t total = 0, sum = 0;
	char text[64];
	size_t len;

	do {
		TRY(http_exchange_read_full(x, piece, sizeof piece, &len, why));
		for (size_t i = 0; i < len; i++)
			sum += piece[i];
		total += len;
	} while (len == sizeof piece);
	snprintf(text, sizeof text, "%llu %llu", (unsigned long long)total, (unsigned long long)sum);
	return http_exchange_respond(x, 200, slice_str(text), why);
}

/* As many bytes as the query says, each the low byte of its offset. */
static int large(struct http_exchange *x, struct why *why)
{
	static uint8_t pattern[128 * 1024];
	uint64_t left;

	TRY(slice_to_u64(http_exchange_request(x)->uri.query, UINT32_MAX, &left, why));
	if (pattern[1] == 0)
		for (size_t i = 0; i < sizeof pattern; i++)
			__atomic_store_n(&pattern[i], (uint8_t)i, __ATOMIC_RELAXED);
	TRY(http_exchange_begin(x, 200, left, why));
	while (left) {
		size_t len = left < sizeof pattern ? (size_t)left : sizeof pattern;

		TRY(http_exchange_write(x, slice_of(pattern, len), why));
		left -= len;
	}
	return http_exchange_end(x, why);
}

static int limited(struct http_exchange *x, struct why *why)
{
	CLEANUP(buf_freep) struct buf *body = NULL;

	TRY(buf_new(10, &body, why));
	TRY(http_exchange_read_all(x, body, why));
	return http_exchange_respond(x, 200, buf_slice(body), why);
}

/* As many fields of 1 KiB as the query says. */
static int many_fields(struct http_exchange *x, struct why *why)
{
	char value[1024 - 6 + 1];
	uint64_t wanted;

	memset(value, 'v', sizeof value - 1);
	value[sizeof value - 1] = 0;
	TRY(slice_to_u64(http_exchange_request(x)->uri.query, 1000, &wanted, why));
	for (uint64_t i = 0; i < wanted; i++)
		TRY(http_exchange_field(x, "AB", slice_str(value), why));
	return http_exchange_respond(x, 200, slice_str("many\n"), why);
}

/* What is answered piece by piece, with a pause that the peer can see. */
static int follow(struct http_exchange *x, struct why *why)
{
	TRY(http_exchange_begin(x, 200, HTTP_LENGTH_UNKNOWN, why));
	TRY(http_exchange_write(x, slice_str("first"), why));
	TRY(http_exchange_flush(x, why));
	usleep(500000);
	TRY(http_exchange_write(x, slice_str("second"), why));
	TRY(http_exchange_trailer(x, "X-Last", slice_str("yes"), why));
	return http_exchange_end(x, why);
}

/* Prepares one answer and then gives another, as an error path does. */
static int changed_mind(struct http_exchange *x, struct why *why)
{
	TRY(http_exchange_field(x, "ETag", slice_str("\"x\""), why));
	http_exchange_fields_reset(x);
	TRY(http_exchange_field(x, "X-Tls", slice_str(http_exchange_is_tls(x) ? "yes" : "no"), why));
	http_exchange_close(x);
	ENSURE(!http_exchange_has_begun(x), ERR_INTERNAL, why, "nothing has begun");
	return http_exchange_respond(x, 404, http_exchange_head(x), why);
}

static int handle(struct http_exchange *x, void *worker, void *context, struct why *why)
{
	const struct http1_request *r = http_exchange_request(x);
	uint64_t status;
	(void)context;

	if (slice_is_str(r->uri.path, "/hello")) {
		TRY(http_exchange_field(x, "X-Peer", slice_str(http_exchange_peer(x)->address), why));
		TRY(http_exchange_field(x, "X-Worker", slice_str(worker ? "own" : "none"), why));
		return http_exchange_respond(x, 200, slice_str("hello\n"), why);
	}
	if (slice_is_str(r->uri.path, "/echo"))
		return echo(x, why);
	if (slice_is_str(r->uri.path, "/count"))
		return count(x, why);
	if (slice_is_str(r->uri.path, "/large"))
		return large(x, why);
	if (slice_is_str(r->uri.path, "/limited"))
		return limited(x, why);
	if (slice_is_str(r->uri.path, "/status")) {
		TRY(slice_to_u64(r->uri.query, 599, &status, why));
		return http_exchange_respond(x, (unsigned)status, slice_str(""), why);
	}
	if (slice_is_str(r->uri.path, "/early"))
		return http_exchange_respond(x, 403, slice_str("no\n"), why);
	if (slice_is_str(r->uri.path, "/sleep"))
		usleep(400000);
	if (slice_is_str(r->uri.path, "/sleep"))
		return http_exchange_respond(x, 200, slice_str("slept\n"), why);
	if (slice_is_str(r->uri.path, "/short")) {
		TRY(http_exchange_begin(x, 200, 10, why));
		return http_exchange_write(x, slice_str("half\n"), why);
	}
	if (slice_is_str(r->uri.path, "/long")) {
		TRY(http_exchange_begin(x, 200, 3, why));
		return http_exchange_write(x, slice_str("more than three"), why);
	}
	if (slice_is_str(r->uri.path, "/follow"))
		return follow(x, why);
	if (slice_is_str(r->uri.path, "/changed"))
		return changed_mind(x, why);
	if (slice_is_str(r->uri.path, "/fields"))
		return many_fields(x, why);
	if (slice_is_str(r->uri.path, "/split"))
		return http_exchange_field(x, "X-Evil", slice_str("a\r\nSet-Cookie: b"), why);
	if (slice_is_str(r->uri.path, "/ours"))
		return http_exchange_field(x, "Content-Length", slice_str("1"), why);
	why_set(why, "a secret reason");
	return ERR_INTERNAL;
}

static void failed(void *context, const struct http1_request *request, int err, const struct why *why)
{
	struct fixture *f = context;
	(void)request;

	if (err == ERR_INTERNAL && strcmp(why->text, "a secret reason") == 0)
		atomic_fetch_add(&f->failures, 1);
}

static int worker_open(void *context, void **ret_worker, struct why *why)
{
	(void)context;
	*ret_worker = malloc(1);
	ENSURE(*ret_worker, ERR_UNAVAILABLE, why, "out of memory");
	return ERR_OK;
}

/* --- Set-up ----------------------------------------------------------------------------------------------------- */

int fixture_new(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	char out[8192];

	signal(SIGPIPE, SIG_IGN);
	snprintf(f->dir, sizeof f->dir, "/tmp/cloister-net-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	const char *const argv[] = {"sh", "-c", make_certificates, "sh", f->dir, NULL};

	if (run(argv, out, sizeof out) != 0)
		fail_msg("no certificates: %s", out);
	f->tls = fixture_tls(f, "one", false);
	f->trust = fixture_trust(f, "ca");
	http_server_config_init(&f->config);
	f->config.workers = 4;
	f->config.connections_max = 64;
	f->config.connections_per_peer_max = 64;
	f->config.handle = handle;
	f->config.failed = failed;
	f->config.context = f;
	f->config.worker_open = worker_open;
	f->config.worker_close = free;
	*state = f;
	return 0;
}

int fixture_free(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"rm", "-rf", f->dir, NULL};
	char out[256];

	fixture_stop(f);
	tls_server_free(f->tls);
	tls_client_free(f->trust);
	assert_int_equal(run(argv, out, sizeof out), 0);
	free(f);
	return 0;
}

void fixture_start(struct fixture *f)
{
	int tls_fd, plain_fd;

	assert_int_equal(http_server_new(&f->config, &f->server, NULL), ERR_OK);
	assert_int_equal(socket_listen("127.0.0.1:0", &tls_fd, NULL), ERR_OK);
	assert_int_equal(socket_local_port(tls_fd, &f->tls_port, NULL), ERR_OK);
	assert_int_equal(http_server_listen(f->server, tls_fd, f->tls, NULL), ERR_OK);
	assert_int_equal(socket_listen("127.0.0.1:0", &plain_fd, NULL), ERR_OK);
	assert_int_equal(socket_local_port(plain_fd, &f->plain_port, NULL), ERR_OK);
	assert_int_equal(http_server_listen(f->server, plain_fd, NULL, NULL), ERR_OK);
	assert_int_equal(http_server_start(f->server, NULL), ERR_OK);
}

void fixture_stop(struct fixture *f)
{
	http_server_freep(&f->server);
}

struct http_client *fixture_client(const struct fixture *f, bool use_tls)
{
	struct http_client_config config = {
		.host = "localhost",
		.port = use_tls ? f->tls_port : f->plain_port,
		.tls = use_tls ? f->trust : NULL,
		.connect_ms = 5000,
		.stall_ms = 5000,
	};
	struct http_client *client = NULL;

	assert_int_equal(http_client_new(&config, &client, NULL), ERR_OK);
	return client;
}

/* --- Raw connections -------------------------------------------------------------------------------------------- */

int raw_connect(const struct fixture *f)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(f->plain_port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

void raw_send_bytes(int fd, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len) {
		ssize_t put = send(fd, p, len, MSG_NOSIGNAL);

		if (put <= 0)
			return; /* the server may have had enough, and the test then sees its answer */
		p += put;
		len -= (size_t)put;
	}
}

void raw_send(int fd, const char *text)
{
	raw_send_bytes(fd, text, strlen(text));
}

size_t raw_read(int fd, char *out, size_t size, int ms)
{
	uint64_t until = time_mono_ms() + (uint64_t)ms;
	size_t len = 0;

	while (len < size - 1 && time_mono_ms() < until) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t got;

		if (poll(&p, 1, (int)(until - time_mono_ms())) <= 0)
			break;
		got = recv(fd, out + len, size - 1 - len, 0);
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	out[len] = 0;
	return len;
}

void raw_expect(int fd, const char *wanted)
{
	static _Thread_local char out[64 * 1024];
	uint64_t until = time_mono_ms() + 5000;
	size_t len = 0;

	out[0] = 0;
	while (!strstr(out, wanted)) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t got = 0;

		if (time_mono_ms() >= until || poll(&p, 1, 1000) < 0 ||
		    (p.revents && (got = recv(fd, out + len, sizeof out - 1 - len, 0)) <= 0))
			fail_msg("\"%s\" did not come, but: %s", wanted, out);
		len += (size_t)got;
		out[len] = 0;
	}
}

bool raw_is_closed(int fd, int ms)
{
	uint64_t until = time_mono_ms() + (uint64_t)ms;
	char dropped[4096];

	while (time_mono_ms() < until) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (poll(&p, 1, (int)(until - time_mono_ms())) > 0 && recv(fd, dropped, sizeof dropped, 0) <= 0)
			return true;
	}
	return false;
}

struct http_server_stats fixture_stats(const struct fixture *f)
{
	struct http_server_stats s;

	http_server_stats(f->server, &s);
	return s;
}

/* Starts the request and reads its whole answer. */
unsigned fixture_call(struct http_client *c, const struct http_client_request *r, struct buf *body)
{
	const struct http1_response *response = NULL;
	struct why why = {""};

	buf_reset(body);
	if (http_client_start(c, r, &response, &why) != ERR_OK)
		fail_msg("%s", why.text);
	if (http_client_read_all(c, body, &why) != ERR_OK)
		fail_msg("%s", why.text);
	return response->status;
}

unsigned fixture_get(struct http_client *c, const char *target, struct buf *body)
{
	struct http_client_request r = {.method = "GET", .target = slice_str(target)};

	return fixture_call(c, &r, body);
}

int fixture_set_up(void **state)
{
	fixture_start(*state);
	return 0;
}

/* After each test: defaults again, whatever it changed. */
int fixture_tear_down(void **state)
{
	struct fixture *f = *state;
	struct http_server_config config;

	fixture_stop(f);
	http_server_config_init(&config);
	f->config.head_ms = config.head_ms;
	f->config.idle_ms = config.idle_ms;
	f->config.handshake_ms = config.handshake_ms;
	f->config.stall_ms = config.stall_ms;
	f->config.linger_ms = config.linger_ms;
	f->config.bytes_per_s_min = config.bytes_per_s_min;
	f->config.body_bytes_max = config.body_bytes_max;
	f->config.requests_per_connection_max = config.requests_per_connection_max;
	f->config.connections_max = f->config.connections_per_peer_max = 64;
	f->config.workers = 4;
	f->config.refuse = NULL;
	return 0;
}
