#include "iam/context.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "iam/arena.h"

_Static_assert(sizeof((struct iam_key_name *)0)->text == POLICY_KEY_BYTES_MAX + 1, "context.h and limits.h agree");

enum shape {
	EXACT,    /* the whole name */
	NUMBERED, /* followed by a number from 0 to 31 */
	NAMED,    /* followed by a name whose case counts */
	PART,     /* alone, or followed by a slash and a part's name */
};

/* Every key of our own, in lower case as names are compared. */
static const struct {
	const char *text;
	enum shape shape;
	bool is_claim;
} own_keys[] = {
	{"cloister:backend", EXACT, true},
	{"cloister:codedigest", EXACT, true},
	{"cloister:debug", EXACT, true},
	{"cloister:egresspolicy", EXACT, true},
	{"cloister:entrypoint", EXACT, true},
	{"cloister:environment/", NAMED, true},
	{"cloister:evidenceageseconds", EXACT, true},
	{"cloister:gpu", EXACT, true},
	{"cloister:hyperparameter/", NAMED, true},
	{"cloister:imagedigest", EXACT, true},
	{"cloister:inputdigests", EXACT, true},
	{"cloister:inputowners", EXACT, true},
	{"cloister:insecure", EXACT, true},
	{"cloister:jobowner", EXACT, true},
	{"cloister:logbytebudget", EXACT, true},
	{"cloister:manifestdigest", EXACT, true},
	{"cloister:measurement", EXACT, true},
	{"cloister:memoryencrypted", EXACT, true},
	{"cloister:outputkey", EXACT, true},
	{"cloister:pcr", NUMBERED, true},
	{"cloister:placement", EXACT, true},
	{"cloister:platformid", EXACT, true},
	{"cloister:purpose", EXACT, true},
	{"cloister:secureboot", EXACT, true},
	{"cloister:smtenabled", EXACT, true},
	{"cloister:tcbstatus", EXACT, true},
	{"cloister:tcbversion", PART, true},
	{"cloister:tee", EXACT, true},
	/* How the credentials reached the caller (protocols 2): a fact about the request, not about an environment. */
	{"cloister:credentialorigin", EXACT, false},
};

static const char recipient_prefix[] = "kms:recipientattestation:";

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_pcr_number(struct slice digits)
{
	uint64_t number;

	return slice_to_u64(digits, 31, &number, NULL) == ERR_OK;
}

static bool has_shape(struct slice name, const char *text, enum shape shape)
{
	size_t len = strlen(text);
	struct slice rest;

	if (!slice_starts_with(name, text))
		return false;
	rest = slice_of(name.ptr + len, name.len - len);
	switch (shape) {
	case NUMBERED:
		return is_pcr_number(rest);
	case NAMED:
		return rest.len > 0;
	case PART:
		return rest.len == 0 || (rest.len > 1 && rest.ptr[0] == '/');
	default:
		return rest.len == 0;
	}
}

/* Lower case up to where a parameter's own name begins. */
static void fold(struct iam_key_name *name)
{
	static const char *const keeps_case[] = {"cloister:hyperparameter/", "cloister:environment/"};
	struct slice text = slice_of(name->text, name->len);
	size_t until = name->len;

	for (size_t i = 0; i < sizeof keeps_case / sizeof keeps_case[0]; i++) {
		size_t len = strlen(keeps_case[i]);

		if (text.len >= len && slice_is_str_nocase(slice_of(text.ptr, len), keeps_case[i]))
			until = len;
	}
	for (size_t i = 0; i < until; i++)
		name->text[i] = lower(name->text[i]);
}

/* kms:RecipientAttestation:… -> cloister:…; false if there is no such key. */
static bool replace_synonym(struct iam_key_name *name)
{
	size_t skip = sizeof recipient_prefix - 1;
	struct slice rest = slice_of(name->text + skip, name->len - skip);
	const char *prefix = "cloister:pcr";
	char digits[3] = {0};

	if (slice_is_str(rest, "imagesha384")) {
		prefix = "cloister:measurement";
	} else {
		if (!slice_starts_with(rest, "pcr") || !is_pcr_number(slice_of(rest.ptr + 3, rest.len - 3)))
			return false;
		memcpy(digits, rest.ptr + 3, rest.len - 3);
	}
	name->len = strlen(prefix) + strlen(digits);
	memcpy(name->text, prefix, strlen(prefix));
	memcpy(name->text + strlen(prefix), digits, strlen(digits) + 1);
	return true;
}

/* prefix:rest, the prefix as a service's or an identity provider's name is written, the rest printable. */
static bool is_key_syntax(struct slice name)
{
	size_t at = 0;

	while (at < name.len && name.ptr[at] != ':') {
		uint8_t c = name.ptr[at++];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
		      c == '.' || c == '/' || c == '_'))
			return false;
	}
	if (at == 0 || at + 1 >= name.len)
		return false;
	for (; at < name.len; at++)
		if (name.ptr[at] < 0x20 || name.ptr[at] == 0x7f)
			return false;
	return true;
}

int iam_key_name_read(struct slice name, struct iam_key_name *ret_name, struct why *reterr_why)
{
	struct iam_key_name read = {.len = name.len};
	struct slice folded;

	ENSURE(name.len <= POLICY_KEY_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "a condition key's name of %zu bytes; at most %d are accepted", name.len, POLICY_KEY_BYTES_MAX);
	ENSURE(is_key_syntax(name), ERR_INVALID, reterr_why,
	       "\"%.*s\" is no condition key: service:Name is expected, as in aws:SourceIp", (int)name.len,
	       (const char *)name.ptr);
	memcpy(read.text, name.ptr, name.len);
	fold(&read);
	folded = slice_of(read.text, read.len);
	ENSURE(!slice_starts_with(folded, recipient_prefix) || replace_synonym(&read), ERR_INVALID, reterr_why,
	       "there is no condition key \"%.*s\": kms:RecipientAttestation has ImageSha384 and PCR0 to PCR31",
	       (int)name.len, (const char *)name.ptr);
	folded = slice_of(read.text, read.len);
	if (slice_starts_with(folded, "cloister:")) {
		bool is_known = false;

		for (size_t i = 0; i < sizeof own_keys / sizeof own_keys[0] && !is_known; i++) {
			is_known = has_shape(folded, own_keys[i].text, own_keys[i].shape);
			read.is_claim = is_known && own_keys[i].is_claim;
		}
		ENSURE(is_known, ERR_INVALID, reterr_why,
		       "there is no condition key \"%.*s\" (docs/protocol/policy.md)", (int)name.len,
		       (const char *)name.ptr);
	}
	*ret_name = read;
	return ERR_OK;
}

struct context_key {
	struct slice name;
	const struct slice *values;
	size_t count;
};

struct iam_context {
	struct arena arena;
	size_t keys, values, bytes;
	struct context_key key[CONTEXT_KEYS_MAX];
};

int iam_context_new(struct iam_context **ret_context, struct why *reterr_why)
{
	struct iam_context *c = calloc(1, sizeof *c);

	ENSURE(c, ERR_UNAVAILABLE, reterr_why, "out of memory for a request's context");
	*ret_context = c;
	return ERR_OK;
}

void iam_context_free(struct iam_context *c)
{
	if (c)
		arena_free(&c->arena);
	free(c);
}

void iam_context_freep(struct iam_context **c)
{
	iam_context_free(*c);
	*c = NULL;
}

const struct slice *iam_context_find(const struct iam_context *c, struct slice canonical, size_t *ret_count)
{
	for (size_t i = 0; i < c->keys; i++) {
		if (slice_equal(c->key[i].name, canonical)) {
			*ret_count = c->key[i].count;
			return c->key[i].values;
		}
	}
	*ret_count = 0;
	return NULL;
}

/* Before anything is copied, so that a context that refuses is as it was. */
static int check_room(const struct iam_context *c, size_t name_len, const struct slice *values, size_t count,
                      size_t *ret_bytes, struct why *reterr_why)
{
	size_t bytes = name_len;

	ENSURE(c->keys < CONTEXT_KEYS_MAX, ERR_LIMIT, reterr_why, "more than %d condition keys in one request",
	       CONTEXT_KEYS_MAX);
	ENSURE(count <= CONTEXT_VALUES_MAX - c->values, ERR_LIMIT, reterr_why,
	       "more than %d values of condition keys in one request", CONTEXT_VALUES_MAX);
	for (size_t i = 0; i < count; i++) {
		ENSURE(values[i].len <= CONTEXT_VALUE_BYTES_MAX, ERR_LIMIT, reterr_why,
		       "a condition key's value of %zu bytes; at most %d are accepted", values[i].len,
		       CONTEXT_VALUE_BYTES_MAX);
		bytes += values[i].len;
	}
	ENSURE(bytes <= CONTEXT_BYTES_MAX - c->bytes, ERR_LIMIT, reterr_why,
	       "condition keys of one request over %d bytes", CONTEXT_BYTES_MAX);
	*ret_bytes = bytes;
	return ERR_OK;
}

int iam_context_put_all(struct iam_context *c, struct slice name, const struct slice *values, size_t count,
                        struct why *reterr_why)
{
	struct iam_key_name read;
	struct context_key key = {.count = count};
	struct slice *copies;
	void *room;
	size_t bytes, found;

	TRY(iam_key_name_read(name, &read, reterr_why));
	if (count == 0)
		return ERR_OK;
	(void)iam_context_find(c, slice_of(read.text, read.len), &found);
	ENSURE(found == 0, ERR_CONFLICT, reterr_why, "the condition key %s is set twice", read.text);
	TRY(check_room(c, read.len, values, count, &bytes, reterr_why));

	TRY(arena_copy(&c->arena, slice_of(read.text, read.len), &key.name, reterr_why));
	TRY(arena_take(&c->arena, count, sizeof *copies, &room, reterr_why));
	copies = room;
	for (size_t i = 0; i < count; i++)
		TRY(arena_copy(&c->arena, values[i], &copies[i], reterr_why));
	key.values = copies;
	c->key[c->keys++] = key;
	c->values += count;
	c->bytes += bytes;
	return ERR_OK;
}

int iam_context_put(struct iam_context *c, const char *name, struct slice value, struct why *reterr_why)
{
	return iam_context_put_all(c, slice_str(name), &value, 1, reterr_why);
}
