/* Who is trusted, which versions are spoken, and changing certificates while serving; against our own client and
 * against openssl and curl. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "net_fixture.h"

static int start(void **state)
{
	fixture_start(*state);
	return 0;
}

static int stop(void **state)
{
	fixture_stop(*state);
	return 0;
}

static int get_as(const struct fixture *f, const char *host, struct tls_client *trust, struct why *why)
{
	struct http_client_config config = {.host = host, .port = f->tls_port, .tls = trust, .connect_ms = 3000};
	struct http_client_request r = {.method = "GET", .target = slice_str("/hello")};
	CLEANUP(http_client_freep) struct http_client *c = NULL;
	const struct http1_response *response = NULL;

	why->text[0] = 0;
	TRY(http_client_new(&config, &c, why));
	return http_client_start(c, &r, &response, why);
}

static void names_and_addresses_of_the_certificate_are_accepted(void **state)
{
	struct fixture *f = *state;
	struct why why;

	assert_int_equal(get_as(f, "localhost", f->trust, &why), ERR_OK);
	assert_int_equal(get_as(f, "127.0.0.1", f->trust, &why), ERR_OK);
}

/* Connects to the server, whatever name is claimed for it. */
static int get_claiming(struct fixture *f, const char *host, struct why *why)
{
	struct http_client_config config = {.host = host, .tls = f->trust, .connect_ms = 3000};
	struct http_client_request r = {.method = "GET", .target = slice_str("/hello")};
	CLEANUP(http_client_freep) struct http_client *c = NULL;
	const struct http1_response *response = NULL;
	uint16_t plain_port = f->plain_port;
	int fd;

	f->plain_port = f->tls_port;
	fd = raw_connect(f);
	f->plain_port = plain_port;
	TRY(http_client_new_on_fd(&config, fd, &c, why));
	return http_client_start(c, &r, &response, why);
}

static void another_name_or_address_is_denied(void **state)
{
	struct fixture *f = *state;
	struct why why;

	assert_int_equal(get_claiming(f, "localhost", &why), ERR_OK);
	assert_int_equal(get_claiming(f, "127.0.0.2", &why), ERR_DENIED);
	assert_non_null(strstr(why.text, "IP address mismatch"));
	assert_int_equal(get_claiming(f, "localhost.example", &why), ERR_DENIED);
	assert_non_null(strstr(why.text, "hostname mismatch"));
	assert_int_equal(get_claiming(f, "ocalhost", &why), ERR_DENIED);
	assert_int_equal(get_claiming(f, "::2", &why), ERR_DENIED);
	assert_int_equal(get_claiming(f, "::1", &why), ERR_OK);
}

static void a_certificate_of_another_ca_is_denied(void **state)
{
	struct fixture *f = *state;
	CLEANUP(tls_client_freep) struct tls_client *other = fixture_trust(f, "other");
	struct http_server_stats stats;
	struct why why;

	assert_int_equal(get_as(f, "localhost", other, &why), ERR_DENIED);
	assert_non_null(strstr(why.text, "is not trusted"));
	for (int i = 0; i < 100; i++) {
		http_server_stats(f->server, &stats);
		if (stats.handshakes_failed)
			break;
		usleep(20000);
	}
	assert_int_equal(stats.handshakes_failed, 1);
	assert_int_equal(stats.requests, 0);
}

static void a_server_that_speaks_no_tls_is_refused(void **state)
{
	struct fixture *f = *state;
	struct why why;
	uint16_t tls_port = f->tls_port;
	int err;

	f->tls_port = f->plain_port;
	err = get_as(f, "localhost", f->trust, &why);
	f->tls_port = tls_port;
	assert_int_equal(err, ERR_INVALID);
}

static void unusable_certificates_and_keys_are_refused_and_change_nothing(void **state)
{
	struct fixture *f = *state;
	CLEANUP(secret_freep) struct secret *nonsense = NULL;
	struct tls_server_config config = {.chain_pem = slice_str("-----BEGIN CERTIFICATE-----\nAAAA\n")};
	struct tls_server *fresh = NULL;
	struct tls_client *client = NULL;
	struct why why;

	assert_int_equal(secret_new_from(slice_str("no key"), &nonsense, NULL), ERR_OK);
	config.key_pem = nonsense;
	assert_int_equal(tls_server_new(&config, &fresh, &why), ERR_INVALID);
	assert_int_equal(tls_server_reload(f->tls, &config, &why), ERR_INVALID);
	assert_int_equal(tls_client_new(slice_str("no certificate"), &client, &why), ERR_INVALID);
	assert_null(client);
	assert_int_equal(get_as(f, "localhost", f->trust, &why), ERR_OK);
}

/* A key of another certificate: one.pem with two.key. */
static void a_key_that_does_not_fit_its_certificate_is_refused(void **state)
{
	struct fixture *f = *state;
	char command[256], out[256];
	const char *const argv[] = {"sh", "-c", command, NULL};

	snprintf(command, sizeof command, "cd %s && cp one.pem mixed.pem && cp -p two.key mixed.key", f->dir);
	assert_int_equal(run(argv, out, sizeof out), 0);
	assert_int_equal(fixture_reload(f, "mixed"), ERR_INVALID);
}

static void an_encrypted_key_is_refused_without_asking_for_its_passphrase(void **state)
{
	struct fixture *f = *state;
	char command[512], out[1024];
	const char *const argv[] = {"sh", "-c", command, NULL};

	snprintf(
		command, sizeof command,
		"cd %s && cp one.pem locked.pem && openssl pkcs8 -topk8 -in one.key -out locked.key -passout pass:x && "
		"chmod 600 locked.key",
		f->dir);
	assert_int_equal(run(argv, out, sizeof out), 0);
	assert_int_equal(fixture_reload(f, "locked"), ERR_INVALID);
}

/* What `openssl s_client` says of the server, with more arguments. */
static int s_client(const struct fixture *f, const char *arguments, char *out, size_t size)
{
	char command[512];
	const char *const argv[] = {"sh", "-c", command, NULL};

	snprintf(command, sizeof command,
	         "printf 'GET /hello HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' | timeout 10 openssl "
	         "s_client -connect 127.0.0.1:%u -CAfile %s/ca.pem -ign_eof %s",
	         f->tls_port, f->dir, arguments);
	return run(argv, out, size);
}

static void tls_1_2_is_refused_unless_the_insecure_switch_is_on(void **state)
{
	struct fixture *f = *state;
	struct tls_server *usual = f->tls;
	char out[32768];

	assert_int_not_equal(s_client(f, "-tls1_2", out, sizeof out), 0);
	assert_non_null(strstr(out, "protocol version"));
	assert_int_equal(s_client(f, "-tls1_3", out, sizeof out), 0);
	assert_non_null(strstr(out, "TLSv1.3"));

	fixture_stop(f);
	f->tls = fixture_tls(f, "one", true);
	fixture_start(f);
	assert_int_equal(s_client(f, "-tls1_2", out, sizeof out), 0);
	assert_non_null(strstr(out, "hello"));
	assert_int_not_equal(s_client(f, "-tls1_1 -cipher DEFAULT@SECLEVEL=0", out, sizeof out), 0);
	fixture_stop(f);
	tls_server_free(f->tls);
	f->tls = usual;
}

static void only_http_1_1_is_negotiated(void **state)
{
	struct fixture *f = *state;
	char out[32768];

	assert_int_equal(s_client(f, "-alpn h2,http/1.1", out, sizeof out), 0);
	assert_non_null(strstr(out, "ALPN protocol: http/1.1"));
	assert_int_not_equal(s_client(f, "-alpn h2", out, sizeof out), 0);
	assert_non_null(strstr(out, "no application protocol"));
}

static void sessions_resume_without_early_data(void **state)
{
	struct fixture *f = *state;
	char out[32768], arguments[128];

	snprintf(arguments, sizeof arguments, "-sess_out %s/session", f->dir);
	assert_int_equal(s_client(f, arguments, out, sizeof out), 0);
	assert_non_null(strstr(out, "Max Early Data: 0"));
	snprintf(arguments, sizeof arguments, "-sess_in %s/session", f->dir);
	assert_int_equal(s_client(f, arguments, out, sizeof out), 0);
	assert_non_null(strstr(out, "Reused, TLSv1.3"));
	/* Tickets are sealed under a key that goes with the certificate. */
	assert_int_equal(fixture_reload(f, "one"), ERR_OK);
	assert_int_equal(s_client(f, arguments, out, sizeof out), 0);
	assert_null(strstr(out, "Reused, TLSv1.3"));
}

static void a_new_certificate_is_in_force_without_a_restart(void **state)
{
	struct fixture *f = *state;
	CLEANUP(http_client_freep) struct http_client *kept = fixture_client(f, true);
	struct http_client_request r = {.method = "GET", .target = slice_str("/hello")};
	CLEANUP(buf_freep) struct buf *body = NULL;
	const struct http1_response *response = NULL;
	struct http_server_stats stats;
	char out[32768];

	assert_int_equal(buf_new(1024, &body, NULL), ERR_OK);
	assert_int_equal(s_client(f, "", out, sizeof out), 0);
	assert_true(strstr(out, "CN = one") || strstr(out, "CN=one")); /* OpenSSL 3.0, and from 3.2 on */
	assert_int_equal(http_client_start(kept, &r, &response, NULL), ERR_OK);
	assert_int_equal(http_client_read_all(kept, body, NULL), ERR_OK);

	assert_int_equal(fixture_reload(f, "two"), ERR_OK);
	assert_int_equal(s_client(f, "", out, sizeof out), 0);
	assert_true(strstr(out, "CN = two") || strstr(out, "CN=two"));
	assert_int_equal(http_client_start(kept, &r, &response, NULL), ERR_OK); /* on the connection it had */
	http_server_stats(f->server, &stats);
	assert_int_equal(stats.accepted, 3);
	assert_int_equal(fixture_reload(f, "one"), ERR_OK);
}

static void renegotiation_is_not_to_be_had(void **state)
{
	struct fixture *f = *state;
	struct tls_server *usual = f->tls;
	char out[32768], command[512];
	const char *const argv[] = {"sh", "-c", command, NULL};

	fixture_stop(f);
	f->tls = fixture_tls(f, "one", true);
	fixture_start(f);
	snprintf(command, sizeof command,
	         "(echo R; sleep 1) | timeout 10 openssl s_client -tls1_2 -connect 127.0.0.1:%u", f->tls_port);
	run(argv, out, sizeof out);
	assert_non_null(strstr(out, "no renegotiation"));
	fixture_stop(f);
	tls_server_free(f->tls);
	f->tls = usual;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_and_addresses_of_the_certificate_are_accepted),
		TEST(another_name_or_address_is_denied),
		TEST(a_certificate_of_another_ca_is_denied),
		TEST(a_server_that_speaks_no_tls_is_refused),
		TEST(unusable_certificates_and_keys_are_refused_and_change_nothing),
		TEST(a_key_that_does_not_fit_its_certificate_is_refused),
		TEST(an_encrypted_key_is_refused_without_asking_for_its_passphrase),
		TEST(tls_1_2_is_refused_unless_the_insecure_switch_is_on),
		TEST(only_http_1_1_is_negotiated),
		TEST(sessions_resume_without_early_data),
		TEST(a_new_certificate_is_in_force_without_a_restart),
		TEST(renegotiation_is_not_to_be_had),
	};

	return cmocka_run_group_tests(tests, fixture_new, fixture_free);
}
