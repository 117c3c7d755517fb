/* kms_bench: requests of the KMS API a second, on one thread, without network, signature, policy or log: what is left
 * is the library's own share. And the time that start-up takes to authenticate a database. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"
#include "kms/api_json.h"

enum { CALLS = 100000 };

static void must(int err, const struct why *why)
{
	if (err == ERR_OK)
		return;
	fprintf(stderr, "kms_bench: %s\n", why->text);
	exit(1);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

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

	must(kms_api_call(ks, &caller, slice_str(target), slice_str(body), &reply, &why), &why);
	if (reply->status != 200)
		must(reply->err, &reply->why);
	return reply;
}

static void measure(struct kms_keystore *ks, const char *name, const char *body)
{
	char target[64];
	double start = seconds();

	snprintf(target, sizeof target, "TrentService.%s", name);
	for (int i = 0; i < CALLS; i++)
		kms_reply_free(call(ks, target, body));
	printf("%-32s %9.0f a second\n", name, (double)CALLS / (seconds() - start));
}

static void measure_start(struct db *db, const struct kms_root *root, struct kms_keystore *ks, int keys)
{
	static const char policy[] = "{\"Version\":\"2012-10-17\",\"Statement\":[]}";
	struct kms_keystore *again;
	struct why why;
	double start = seconds();

	for (int i = 1; i < keys; i++) {
		struct kms_key key;

		must(kms_key_create(ks, "111122223333", slice_str(""), slice_str(policy), 0, &key, &why), &why);
		kms_key_clear(&key);
	}
	printf("%-32s %9.0f a second, durable\n", "CreateKey", (keys - 1) / (seconds() - start));
	start = seconds();
	must(kms_keystore_open(db, root, "us-east-1", &again, &why), &why);
	printf("start-up with %-5d keys          %9.1f ms\n", keys, (seconds() - start) * 1e3);
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

	schema.version = kms_migrations_count;
	schema.migrations = kms_migrations;
	if (!mkdtemp(dir))
		return 1;
	must(path_open_given(dir, O_RDONLY | O_DIRECTORY, 0, &dir_fd, &why), &why);
	snprintf(path, sizeof path, "%s/keys.db", dir);
	must(kms_root_create(dir_fd, &unseal, &root, &why), &why);
	must(db_open(path, &schema, &db, &why), &why);
	must(kms_keystore_open(db, root, "us-east-1", &ks, &why), &why);
	reply = call(ks, "TrentService.CreateKey", "{}");
	snprintf(body, sizeof body, "{\"KeyId\":\"%s\",\"KeySpec\":\"AES_256\",\"EncryptionContext\":{\"a\":\"b\"}}",
	         reply->key_arn);
	snprintf(arn, sizeof arn, "%s", reply->key_arn);
	kms_reply_free(reply);
	measure(ks, "GenerateDataKey", body);
	snprintf(body, sizeof body, "{\"KeyId\":\"%s\",\"Plaintext\":\"aGVsbG8=\"}", arn);
	measure(ks, "Encrypt", body);
	measure_start(db, root, ks, argc > 1 ? (int)strtoul(argv[1], NULL, 10) : 2000);
	kms_keystore_free(ks);
	db_close(db);
	kms_root_free(root);
	must(path_empty_dir(dir_fd, &why), &why);
	return rmdir(dir) == 0 ? 0 : 1;
}
