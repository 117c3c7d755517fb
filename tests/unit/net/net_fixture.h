/* net_fixture.h: for the tests of net/: certificates, a server with a handler that does a little of everything, raw
 * connections to it. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/http_client.h"
#include "net/http_server.h"

/* Files in a fresh directory: ca.pem, and one.pem and two.pem with one.key and two.key, for localhost, 127.0.0.1 and
 * ::1, both by that CA; other.pem is a CA that signed nothing. By the openssl command. */
struct fixture {
	char dir[64];
	struct tls_server *tls;
	struct tls_client *trust; /* in ca.pem */
	struct http_server_config config;
	struct http_server *server;
	_Atomic int failures; /* told by the server, not by the peer */
	uint16_t tls_port;
	uint16_t plain_port;
};

/* cmocka set-up and tear-down: *state is a struct fixture * without a running server. */
int fixture_new(void **state);
int fixture_free(void **state);

/* Starts the server on two loopback ports, with f->config; and stops it. */
void fixture_start(struct fixture *f);
void fixture_stop(struct fixture *f);

/* cmocka set-up and tear-down of one test: a running server, and afterwards the defaults again, whatever it changed. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

struct http_server_stats fixture_stats(const struct fixture *f);

/* Starts the request, or a GET, and reads its whole answer; returns the status. */
unsigned fixture_call(struct http_client *c, const struct http_client_request *r, struct buf *body);
unsigned fixture_get(struct http_client *c, const char *target, struct buf *body);

/* The certificate and key called `name`, put in force. */
struct tls_server *fixture_tls(const struct fixture *f, const char *name, bool insecure_tls12);
int fixture_reload(const struct fixture *f, const char *name);
struct tls_client *fixture_trust(const struct fixture *f, const char *name);

/* A client of the server. */
struct http_client *fixture_client(const struct fixture *f, bool use_tls);

/* A plain connection of one's own. */
int raw_connect(const struct fixture *f);
void raw_send(int fd, const char *text);
void raw_send_bytes(int fd, const void *bytes, size_t len);

/* Reads until the peer closes, `size` bytes or `ms` have passed; NUL-terminates. */
size_t raw_read(int fd, char *out, size_t size, int ms);

/* Reads until `wanted` has come; fails the test after five seconds. */
void raw_expect(int fd, const char *wanted);

/* Whether the peer closes within `ms`, whatever it sends before. */
bool raw_is_closed(int fd, int ms);

/* Runs a program and returns its exit status; its standard output and error go to `out`, NUL-terminated. */
int run(const char *const argv[], char *out, size_t size);
