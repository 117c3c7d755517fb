/* kms_bench: requests of the KMS API a second, on one thread, without network, signature, policy or log: what is left
 * is the library's own share. Beside it the cryptography alone: a fresh key, sealed under another. And the time that
 * start-up takes to authenticate a database.
 *
 *     kms-bench [SECONDS [KEYS]] */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "bench.h"
#include "crypto/xaes.h"
#include "kms/api_json.h"

static double seconds = 1;

static int allow(void *gate, const struct kms_question *question, struct why *reterr_why)
{
	(void)gate;
	(void)question;
	(void)reterr_why;
	return ERR_OK;
}

static int fixed_key(void *self, struct buf *into, struct secret **ret_key, struct why *reterr_why)
{
	(void)self;
	TRY(buf_put_str(into, "{}", reterr_why));
	return secret_new(32, ret_key, reterr_why);
}

static struct kms_reply *call(struct kms_keystore *ks, const char *target, const char *body)
{
	struct kms_call caller = {.account = "111122223333", .now_wall_ms = 1795376000000, .authorise = allow};
	struct kms_reply *reply;
	struct why why;

	bench_must(kms_api_call(ks, &caller, slice_str(target), slice_str(body), &reply, &why), &why);
	if (reply->status != 200)
		bench_must(reply->err, &reply->why);
	return reply;
}

static void measure(struct kms_keystore *ks, const char *name, const char *operation, const char *body)
{
	struct bench_samples *samples = calloc(1, sizeof *samples);
	double start = bench_now_s(), before = start, after = start;
	char target[64];
	uint64_t done;

	if (!samples)
		exit(1);
	snprintf(target, sizeof target, "TrentService.%s", operation);
	for (done = 0; after - start < seconds; done++, before = after) {
		kms_reply_free(call(ks, target, body));
		after = bench_now_s();
		bench_sample(samples, (after - before) * 1e3);
	}
	bench_print(name, "per_s", (double)done / (after - start));
	bench_print_percentiles(name, &samples, 1);
	free(samples);
}

/* What no implementation can leave out. */
static void measure_bare(void)
{
	CLEANUP(secret_freep) struct secret *wrapping = NULL;
	double start = bench_now_s(), now = start;
	struct why why;
	uint64_t done;

	bench_must(secret_new_random(32, &wrapping, &why), &why);
	for (done = 0; now - start < seconds; done++, now = bench_now_s()) {
		CLEANUP(secret_freep) struct secret *key = NULL;
		CLEANUP(buf_freep) struct buf *sealed = NULL;

		bench_must(secret_new_random(32, &key, &why), &why);
		bench_must(buf_new(256, &sealed, &why), &why);
		bench_must(xaes_seal(wrapping, slice_str("arn"), slice_of(secret_peek(key), 32), sealed, &why), &why);
	}
	bench_print("bare_generate", "per_s", (double)done / (now - start));
}

static void measure_start(struct db *db, const struct kms_root *root, struct kms_keystore *ks, int keys)
{
	static const char policy[] = "{\"Version\":\"2012-10-17\",\"Statement\":[]}";
	struct kms_keystore *again;
	struct why why;
	double start = bench_now_s();

	for (int i = 1; i < keys; i++) {
		struct kms_key key;

		bench_must(kms_key_create(ks, "111122223333", slice_str(""), slice_str(policy), 0, &key, &why), &why);
		kms_key_clear(&key);
	}
	bench_print("create_key", "per_s", (keys - 1) / (bench_now_s() - start));
	start = bench_now_s();
	bench_must(kms_keystore_open(db, root, "us-east-1", &again, &why), &why);
	bench_print("start", "ms", (bench_now_s() - start) * 1e3);
	kms_keystore_free(again);
}

int main(int argc, char **argv)
{
	static struct db_schema schema = {.name = "the keys database", .application_id = 1};
	const struct kms_unseal unseal = {.name = "fixed", .enrol = fixed_key};
	char dir[] = "/tmp/cloister-bench-XXXXXX", path[64], body[512], arn[KMS_KEY_ARN_BYTES_MAX];
	struct kms_keystore *ks;
	struct kms_reply *reply;
	struct kms_root *root;
	struct db *db;
	struct why why;
	int dir_fd;

	if (argc > 1)
		seconds = strtod(argv[1], NULL);
	schema.version = kms_migrations_count;
	schema.migrations = kms_migrations;
	if (!mkdtemp(dir))
		return 1;
	bench_must(path_open_given(dir, O_RDONLY | O_DIRECTORY, 0, &dir_fd, &why), &why);
	snprintf(path, sizeof path, "%s/keys.db", dir);
	bench_must(kms_root_create(dir_fd, &unseal, &root, &why), &why);
	bench_must(db_open(path, &schema, &db, &why), &why);
	bench_must(kms_keystore_open(db, root, "us-east-1", &ks, &why), &why);
	reply = call(ks, "TrentService.CreateKey", "{}");
	snprintf(body, sizeof body, "{\"KeyId\":\"%s\",\"KeySpec\":\"AES_256\",\"EncryptionContext\":{\"a\":\"b\"}}",
	         reply->key_arn);
	snprintf(arn, sizeof arn, "%s", reply->key_arn);
	kms_reply_free(reply);
	measure(ks, "ours_generate", "GenerateDataKey", body);
	measure_bare();
	snprintf(body, sizeof body, "{\"KeyId\":\"%s\",\"Plaintext\":\"aGVsbG8=\"}", arn);
	measure(ks, "ours_encrypt", "Encrypt", body);
	measure_start(db, root, ks, argc > 2 ? (int)strtoul(argv[2], NULL, 10) : 2000);
	kms_keystore_free(ks);
	db_close(db);
	kms_root_free(root);
	bench_must(path_empty_dir(dir_fd, &why), &why);
	return rmdir(dir) == 0 ? 0 : 1;
}
