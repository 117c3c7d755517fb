/* keys_fixture.h: an installation in a temporary directory with an operator and two accounts, a clock that stands
 * still, a ledger that is a list, and a client that signs. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/keys/api.h"
#include "daemon/keys/s3.h"
#include "daemon/keys/service.h"

#define NOW_MS UINT64_C(1795000000000)
#define REGION "us-east-1"
#define ALLOW_ALL \
	"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}"

/* Somebody with credentials. */
struct who {
	char account[IAM_ACCOUNT_BYTES], access_key[IAM_ID_BYTES], secret[IAM_SECRET_CHARS + 1];
	char kms_key[KMS_KEY_ARN_BYTES_MAX];
	const char *token;
};

struct keys_fixture {
	int dir_fd;
	char path[512];
	struct keys_service *s;
	struct who operator, alice, bob;
	/* the ledger */
	bool is_log_away;
	size_t appends, account_keys, record_count;
	struct buf *records; /* every record, one a line, its account before it */
};

/* cmocka's group setup and teardown. */
int keys_fixture_make(void **state);
int keys_fixture_remove(void **state);

/* Closes the service and opens it anew, as a restart would. Returns the error. */
int keys_fixture_reopen(struct keys_fixture *f, struct why *why);

/* Moves the clock. */
void keys_fixture_sleep(uint64_t ms);

/* Everything that waits goes to the ledger, which acknowledges. */
void keys_fixture_log(struct keys_fixture *f);

/* Whether a record holds the text since the last keys_fixture_forget(). */
bool keys_fixture_has(struct keys_fixture *f, const char *text);
void keys_fixture_forget(struct keys_fixture *f);

/* A user of the account with one inline policy (or none), and a key. */
struct who keys_fixture_user(struct keys_fixture *f, const struct who *root, const char *name, const char *policy);

/* A request, signed. Its texts live in it. */
struct request {
	const char *service, *method, *target, *body;
	const char *headers[8][2]; /* further ones, signed if they must be */
	const char *payload;       /* x-amz-content-sha256; NULL: the body's */
	const char *content_type;
	uint32_t presigned_s; /* presigned for so long, instead of a header */
	/* out */
	struct call_head head;
	struct buf *text;
	char date[24], sha[65];
};
void request_sign(struct request *r, const struct who *who);
void request_clear(struct request *r);

/* Signs and calls. The answer's body as text; the status. */
int call_api(struct keys_fixture *f, const struct who *who, struct request r, char *body, size_t size);
int call_kms(struct keys_fixture *f, const struct who *who, const char *operation, const char *input, char *body,
             size_t size);
int call_iam(struct keys_fixture *f, const struct who *who, const char *service, const char *form, char *body,
             size_t size);

/* Signs and decides. 0 for a decision to go on, else the status. */
int call_s3(struct keys_fixture *f, const struct who *who, struct request r, const struct s3_call_existing *existing,
            struct keys_s3_result *result);
/* The same without a result. */
int s3_status(struct keys_fixture *f, const struct who *who, const char *method, const char *target, const char *body);
