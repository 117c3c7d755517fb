#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path.h"
#include "crypto/chunked.h"
#include "crypto/hash.h"
#include "crypto/hpke.h"
#include "crypto/init.h"
#include "crypto/kdf.h"
#include "crypto/sign.h"
#include "crypto/x509.h"
#include "crypto/xaes.h"

enum { KILLED = -1 };

/* Runs `body` in a process of its own, since OpenSSL starts once for each, and returns its exit status or KILLED. */
static int in_child(int (*body)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : KILLED;
}

static int hash_after_open(void)
{
	struct hash *h = NULL;

	if (crypto_open(NULL) != ERR_OK || hash_new(HASH_SHA256, &h, NULL) != ERR_OK)
		return 1;
	hash_free(h);
	return 0;
}

static int hash_without_open(void)
{
	struct hash *h = NULL;

	return hash_new(HASH_SHA256, &h, NULL) == ERR_OK ? 0 : 1;
}

static void a_configuration_of_openssl_does_not_reach_us(void **state)
{
	/* Asks for implementations that a plain OpenSSL has not: without crypto_open() it finds no hash at all. */
	static const char config[] = "openssl_conf = all\n[all]\nalg_section = algorithms\n"
				     "[algorithms]\ndefault_properties = fips=yes\n";
	char path[] = "/tmp/cloister-openssl-XXXXXX";
	int fd = mkstemp(path);
	(void)state;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, config, sizeof config - 1), sizeof config - 1);
	close(fd);
	assert_int_equal(setenv("OPENSSL_CONF", path, 1), 0);
	assert_int_equal(in_child(hash_without_open), 1);
	assert_int_equal(in_child(hash_after_open), 0);
	unsetenv("OPENSSL_CONF");
	unlink(path);
}

static int use_certificates(const struct sign_key *key, const struct sign_public *public)
{
	static const char *const names[] = {"a.example", NULL};
	const struct x509_subject ca_subject = {.common_name = "CA", .not_after_wall_ms = UINT64_C(4000000000000)};
	const struct x509_subject subject = {
		.common_name = "a", .dns_names = names, .not_after_wall_ms = UINT64_C(4000000000000)};
	CLEANUP(buf_freep) struct buf *ca = NULL, *server = NULL;
	CLEANUP(sign_public_freep) struct sign_public *leaf = NULL;

	TRY(buf_new(10000, &ca, NULL));
	TRY(buf_new(10000, &server, NULL));
	TRY(x509_ca_new(key, &ca_subject, ca, NULL));
	TRY(x509_server_issue(key, buf_slice(ca), public, &subject, server, NULL));
	return x509_chain_verify(buf_slice(server), buf_slice(ca), UINT64_C(2000000000000), &leaf, NULL);
}

static int use_keys(const struct secret *key)
{
	const struct scrypt_cost cost = {.log_n = 14, .r = 8, .p = 1};
	CLEANUP(secret_freep) struct secret *stretched = NULL, *opened = NULL, *private_key = NULL;
	CLEANUP(chunked_freep) struct chunked *chunked = NULL;
	CLEANUP(buf_freep) struct buf *sealed = NULL;
	uint8_t head[CHUNKED_HEAD_BYTES], public_key[HPKE_PUBLIC_BYTES], enc[HPKE_ENC_BYTES];

	TRY(buf_new(1000, &sealed, NULL));
	TRY(scrypt_derive(key, &cost, &stretched, NULL));
	TRY(xaes_seal(key, slice_str(""), slice_str("x"), sealed, NULL));
	TRY(xaes_open(key, slice_str(""), buf_slice(sealed), &opened, NULL));
	TRY(hpke_key_generate(&private_key, public_key, NULL));
	TRY(hpke_seal(public_key, slice_str(""), slice_str(""), slice_str("x"), enc, sealed, NULL));
	return chunked_seal_new(key, slice_str(""), head, &chunked, NULL);
}

static int use_everything(void)
{
	for (int kind = SIGN_ED25519; kind <= SIGN_P384; kind++) {
		CLEANUP(sign_key_freep) struct sign_key *key = NULL;
		CLEANUP(sign_public_freep) struct sign_public *public = NULL;
		uint8_t signature[SIGN_BYTES_MAX];
		size_t len;

		TRY(sign_key_generate((enum sign_kind)kind, &key, NULL));
		TRY(sign_key_public(key, &public, NULL));
		TRY(sign_message(key, slice_str("m"), signature, &len, NULL));
		TRY(sign_verify(public, slice_str("m"), slice_of(signature, len), NULL));
		TRY(use_certificates(key, public));
	}
	return ERR_OK;
}

/* From here on opening a file ends the process, as in a role that has shut itself in. */
static int forbid_files(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat2, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_open, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int open_a_file(void)
{
	int fd = -1;

	if (forbid_files() != 0)
		return 1;
	return path_open_given("/dev/null", O_RDONLY, 0, &fd, NULL) == ERR_OK ? 2 : 3;
}

static int use_all_without_files(void)
{
	CLEANUP(secret_freep) struct secret *key = NULL;

	if (crypto_open(NULL) != ERR_OK || secret_new_random(32, &key, NULL) != ERR_OK)
		return 1;
	if (forbid_files() != 0)
		return 2;
	return use_everything() == ERR_OK && use_keys(key) == ERR_OK ? 0 : 3;
}

static void nothing_needs_a_file_afterwards(void **state)
{
	(void)state;
	assert_int_equal(in_child(open_a_file), KILLED); /* the filter is in force */
	assert_int_equal(in_child(use_all_without_files), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_configuration_of_openssl_does_not_reach_us),
		cmocka_unit_test(nothing_needs_a_file_afterwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
