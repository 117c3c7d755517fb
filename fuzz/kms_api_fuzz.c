/* The KMS API: the operation's name, a newline, a body. Every request gets an answer that is JSON; whatever is asked,
 * nothing decrypts that was not encrypted here. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "fuzz/fuzz.h"
#include "kms/api_json.h"

static int allow(void *gate, const struct kms_question *question, struct why *reterr_why)
{
	(void)gate;
	(void)question;
	(void)reterr_why;
	return ERR_OK;
}

static int accept_policy(void *gate, struct slice policy, struct why *reterr_why)
{
	(void)gate;
	(void)policy;
	(void)reterr_why;
	return ERR_OK;
}

static int fixed_key(void *self, struct buf *into, struct secret **ret_key, struct why *reterr_why)
{
	(void)self;
	TRY(buf_put_str(into, "{}", reterr_why));
	return secret_new(32, ret_key, reterr_why);
}

/* A database in memory, kept for the whole run: inputs change it, as requests do. */
static struct kms_keystore *open_keystore(void)
{
	static struct db_schema schema = {.name = "the keys database", .application_id = 1};
	const struct kms_unseal unseal = {.name = "fixed", .enrol = fixed_key};
	char dir[] = "/tmp/cloister-fuzz-XXXXXX", path[64];
	struct kms_keystore *ks;
	struct kms_root *root;
	struct db *db;
	struct why why;
	int dir_fd;

	schema.version = kms_migrations_count;
	schema.migrations = kms_migrations;
	FUZZ_CHECK(mkdtemp(dir) && path_open_given(dir, O_RDONLY | O_DIRECTORY, 0, &dir_fd, &why) == ERR_OK);
	snprintf(path, sizeof path, "%s/keys.db", dir);
	FUZZ_CHECK(kms_root_create(dir_fd, &unseal, &root, &why) == ERR_OK);
	FUZZ_CHECK(db_open(path, &schema, &db, &why) == ERR_OK);
	FUZZ_CHECK(kms_keystore_open(db, root, "us-east-1", &ks, &why) == ERR_OK);
	FUZZ_CHECK(path_empty_dir(dir_fd, &why) == ERR_OK &&
	           rmdir(dir) == 0); /* SQLite goes on with what it has open */
	kms_root_free(root);
	close(dir_fd);
	return ks;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct kms_keystore *ks;
	struct kms_call call = {.account = "111122223333",
	                        .now_wall_ms = 1795376000000,
	                        .authorise = allow,
	                        .check_policy = accept_policy};
	CLEANUP(kms_reply_freep) struct kms_reply *reply = NULL;
	CLEANUP(json_freep) json_t *body = NULL;
	struct cursor in = cursor_of(slice_of(data, len));
	struct slice name;
	char target[64];
	struct why why;

	if (!ks)
		ks = open_keystore();
	if (cursor_take_until(&in, '\n', &name, NULL) != ERR_OK || name.len > 40)
		return 0;
	snprintf(target, sizeof target, "TrentService.%.*s", (int)name.len, (const char *)name.ptr);
	FUZZ_CHECK(kms_api_call(ks, &call, slice_str(target), in.rest, &reply, &why) == ERR_OK);
	FUZZ_CHECK(reply->err != ERR_INTERNAL && reply->err != ERR_TAMPERED);
	FUZZ_CHECK(json_read_object(buf_slice(reply->body), &body, &why) == ERR_OK);
	FUZZ_CHECK((reply->status == 200) == (reply->error_code == NULL));
	FUZZ_CHECK(strcmp(reply->event_name, "Decrypt") != 0 || reply->status != 200);
	return 0;
}
