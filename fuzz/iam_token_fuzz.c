/* Session tokens: as they come (nobody can make one that opens), and what is inside, sealed here as ours would be. */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "crypto/xaes.h"
#include "iam/iam_internal.h"
#include "iam/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ACCESS_KEY "CLASAAAAAAAAAAAAAAAA"

static void must(int err)
{
	if (err != ERR_OK)
		abort();
}

static void make_keys(struct iam *iam)
{
	must(secret_new(32, &iam->session_key, NULL));
	must(secret_new(32, &iam->derive_key, NULL));
}

/* A token around any content. */
static void seal(struct iam *iam, struct slice plain, char *out)
{
	struct buf *aad = NULL, *sealed = NULL;

	must(buf_new(128, &aad, NULL));
	must(buf_new(IAM_TOKEN_PLAIN_BYTES_MAX + 64, &sealed, NULL));
	must(buf_put_lp(aad, slice_str("cloister.iam/v1 session"), NULL));
	must(buf_put_lp(aad, slice_str(ACCESS_KEY), NULL));
	must(buf_put_u8(sealed, 1, NULL));
	must(xaes_seal(iam->session_key, buf_slice(aad), plain, sealed, NULL));
	base64_encode(buf_slice(sealed), out);
	buf_free(aad);
	buf_free(sealed);
}

static void use(struct iam *iam, struct slice token)
{
	struct iam_session *session = NULL;
	struct iam_context *context = NULL;

	if (iam_session_open(iam, ACCESS_KEY, token, 1, &session, NULL) != ERR_OK)
		return;
	must(iam_context_new(&context, NULL));
	(void)!iam_session_put_claims(session, context, NULL);
	iam_context_free(context);
	iam_session_free(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct iam iam;
	char token[SIGV4_TOKEN_BYTES_MAX + 1];
	struct iam_session *session = NULL;

	if (!iam.session_key)
		make_keys(&iam);
	if (iam_session_open(&iam, ACCESS_KEY, slice_of(data, size), 1, &session, NULL) == ERR_OK)
		abort();
	if (size <= IAM_TOKEN_PLAIN_BYTES_MAX) {
		seal(&iam, slice_of(data, size), token);
		use(&iam, slice_str(token));
	}
	return 0;
}
