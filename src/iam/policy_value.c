/* The typed values of conditions: numbers, dates, networks, base64. */
#include <arpa/inet.h>
#include <string.h>

#include "base/encode.h"
#include "base/time.h"
#include "iam/policy_ast.h"

/* A decimal number, exactly: binary floating point would find 0.1 + 0.2 unequal to 0.3, and 2^53 + 1 equal to 2^53. */
struct number {
	bool is_negative;
	struct slice whole;    /* without leading zeros: empty for 0 */
	struct slice fraction; /* without trailing zeros */
};

static bool is_digits(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
	return s.len > 0;
}

static int number_read(struct slice text, struct number *ret_number, struct why *reterr_why)
{
	struct number n = {0};
	struct slice rest = text;
	const uint8_t *point;
	bool is_well_formed;

	ENSURE(text.len <= POLICY_NUMBER_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "a number of %zu characters; at most %d are accepted", text.len, POLICY_NUMBER_BYTES_MAX);
	if (slice_starts_with(rest, "-")) {
		n.is_negative = true;
		rest = slice_of(rest.ptr + 1, rest.len - 1);
	}
	point = rest.len ? memchr(rest.ptr, '.', rest.len) : NULL;
	n.whole = point ? slice_of(rest.ptr, (size_t)(point - rest.ptr)) : rest;
	is_well_formed = is_digits(n.whole);
	if (point) {
		n.fraction = slice_of(point + 1, rest.len - n.whole.len - 1);
		is_well_formed = is_well_formed && is_digits(n.fraction);
	}
	ENSURE(is_well_formed, ERR_INVALID, reterr_why, "\"%.*s\" is not a decimal number", (int)text.len,
	       (const char *)text.ptr);
	while (n.whole.len && n.whole.ptr[0] == '0')
		n.whole = slice_of(n.whole.ptr + 1, n.whole.len - 1);
	while (n.fraction.len && n.fraction.ptr[n.fraction.len - 1] == '0')
		n.fraction.len--;
	if (n.whole.len == 0 && n.fraction.len == 0)
		n.is_negative = false;
	*ret_number = n;
	return ERR_OK;
}

/* As strings of digits compare from the left: -1, 0 or 1. */
static int digits_order(struct slice a, struct slice b)
{
	for (size_t i = 0; i < a.len && i < b.len; i++)
		if (a.ptr[i] != b.ptr[i])
			return a.ptr[i] < b.ptr[i] ? -1 : 1;
	return (a.len > b.len) - (a.len < b.len);
}

static int number_order(const struct number *a, const struct number *b)
{
	int order;

	if (a->is_negative != b->is_negative)
		return a->is_negative ? -1 : 1;
	if (a->whole.len != b->whole.len)
		order = a->whole.len < b->whole.len ? -1 : 1;
	else
		order = digits_order(a->whole, b->whole);
	if (order == 0)
		order = digits_order(a->fraction, b->fraction);
	return a->is_negative ? -order : order;
}

/* "2026-11-22T19:33:07Z", "2026-11-22", or seconds since 1970. */
static int date_read(struct slice text, uint64_t *ret_wall_ms, struct why *reterr_why)
{
	enum { DATE_LEN = sizeof "2026-11-22" - 1 };
	static const char midnight[] = "T00:00:00Z";
	char with_time[DATE_LEN + sizeof midnight];
	uint64_t seconds;

	if (is_digits(text)) {
		TRY(slice_to_u64(text, 253402300799, &seconds, reterr_why)); /* the end of the year 9999 */
		*ret_wall_ms = seconds * 1000;
		return ERR_OK;
	}
	if (text.len != DATE_LEN)
		return time_parse(text, ret_wall_ms, reterr_why);
	memcpy(with_time, text.ptr, DATE_LEN);
	memcpy(with_time + DATE_LEN, midnight, sizeof midnight);
	return time_parse(slice_str(with_time), ret_wall_ms, reterr_why);
}

/* An address, and how many of its leading bits count. */
struct network {
	uint8_t bytes[16];
	size_t len; /* 4 or 16 */
	size_t bits;
};

static int address_read(struct slice text, struct network *ret_address, struct why *reterr_why)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct network a = {0};
	char copy[INET6_ADDRSTRLEN];

	ENSURE(slice_to_str(text, copy, sizeof copy, NULL) == ERR_OK, ERR_INVALID, reterr_why, "not an IP address");
	if (inet_pton(AF_INET, copy, a.bytes) == 1) {
		a.len = 4;
	} else {
		ENSURE(inet_pton(AF_INET6, copy, a.bytes) == 1, ERR_INVALID, reterr_why, "\"%s\" is not an IP address",
		       copy);
		a.len = 16;
		/* ::ffff:192.0.2.1 is how a dual-stack socket writes 192.0.2.1. */
		if (slice_equal(slice_of(a.bytes, sizeof mapped), slice_of(mapped, sizeof mapped))) {
			memmove(a.bytes, a.bytes + sizeof mapped, 4);
			a.len = 4;
		}
	}
	a.bits = a.len * 8;
	*ret_address = a;
	return ERR_OK;
}

static int network_read(struct slice text, struct network *ret_network, struct why *reterr_why)
{
	struct network n;
	const uint8_t *slash = text.len ? memchr(text.ptr, '/', text.len) : NULL;
	struct slice address = slash ? slice_of(text.ptr, (size_t)(slash - text.ptr)) : text;
	uint64_t bits;

	TRY(address_read(address, &n, reterr_why));
	if (slash) {
		ENSURE(n.len == 16 || !memchr(address.ptr, ':', address.len), ERR_INVALID, reterr_why,
		       "\"%.*s\": write a mapped IPv4 network as IPv4", (int)text.len, (const char *)text.ptr);
		TRY(slice_to_u64(slice_of(slash + 1, text.len - address.len - 1), n.bits, &bits, reterr_why));
		n.bits = (size_t)bits;
	}
	*ret_network = n;
	return ERR_OK;
}

static bool network_holds(const struct network *n, const struct network *address)
{
	if (n->len != address->len)
		return false;
	for (size_t bit = 0; bit < n->bits; bit++)
		if (((n->bytes[bit / 8] ^ address->bytes[bit / 8]) >> (7 - bit % 8)) & 1)
			return false;
	return true;
}

static int bool_read(struct slice text, bool *ret_value, struct why *reterr_why)
{
	bool is_true = slice_is_str(text, "true");

	ENSURE(is_true || slice_is_str(text, "false"), ERR_INVALID, reterr_why, "\"%.*s\" is neither true nor false",
	       (int)(text.len < 40 ? text.len : 40), (const char *)text.ptr);
	*ret_value = is_true;
	return ERR_OK;
}

enum { BINARY_BYTES_MAX = CONTEXT_VALUE_BYTES_MAX / 4 * 3 };

int policy_value_check(const struct policy_condition *c, struct slice value, struct why *reterr_why)
{
	struct number number;
	struct network network;
	uint8_t bytes[BINARY_BYTES_MAX];
	uint64_t wall_ms;
	size_t len;
	bool truth;

	switch (c->value_kind) {
	case VALUE_NUMBER:
		return number_read(value, &number, reterr_why);
	case VALUE_DATE:
		return date_read(value, &wall_ms, reterr_why);
	case VALUE_BOOL:
		return bool_read(value, &truth, reterr_why);
	case VALUE_BINARY:
		return base64_decode(value, bytes, sizeof bytes, &len, reterr_why);
	case VALUE_NETWORK:
		return network_read(value, &network, reterr_why);
	default:
		return ERR_OK;
	}
}

static enum truth truth_of(bool b)
{
	return b ? TRUTH_YES : TRUTH_NO;
}

/* What a subject that its operator can not read gives. */
static enum truth unreadable(const struct policy_condition *c)
{
	return c->is_claim ? TRUTH_UNKNOWN_CLAIM : TRUTH_UNKNOWN;
}

static enum truth order_holds(enum comparison comparison, int order)
{
	switch (comparison) {
	case COMPARE_LESS:
		return truth_of(order < 0);
	case COMPARE_LESS_EQUAL:
		return truth_of(order <= 0);
	case COMPARE_GREATER:
		return truth_of(order > 0);
	case COMPARE_GREATER_EQUAL:
		return truth_of(order >= 0);
	default:
		return truth_of(order == 0);
	}
}

static enum truth compare_numbers(const struct policy_condition *c, struct slice value, struct slice subject)
{
	struct number mine, theirs;

	if (number_read(value, &mine, NULL) != ERR_OK || number_read(subject, &theirs, NULL) != ERR_OK)
		return unreadable(c);
	return order_holds(c->comparison, number_order(&theirs, &mine));
}

static enum truth compare_dates(const struct policy_condition *c, struct slice value, struct slice subject)
{
	uint64_t mine, theirs;

	if (date_read(value, &mine, NULL) != ERR_OK || date_read(subject, &theirs, NULL) != ERR_OK)
		return unreadable(c);
	return order_holds(c->comparison, (theirs > mine) - (theirs < mine));
}

static enum truth compare_binaries(const struct policy_condition *c, struct slice value, struct slice subject)
{
	uint8_t mine[BINARY_BYTES_MAX], theirs[BINARY_BYTES_MAX];
	size_t mine_len, theirs_len;

	if (base64_decode(value, mine, sizeof mine, &mine_len, NULL) != ERR_OK ||
	    base64_decode(subject, theirs, sizeof theirs, &theirs_len, NULL) != ERR_OK)
		return unreadable(c);
	return truth_of(slice_equal(slice_of(mine, mine_len), slice_of(theirs, theirs_len)));
}

enum truth policy_value_compare(const struct policy_condition *c, const struct policy_text *value,
                                const struct policy_scope *scope, struct slice subject)
{
	struct network network, address;
	bool mine, theirs;

	switch (c->value_kind) {
	case VALUE_NUMBER:
		return compare_numbers(c, value->source, subject);
	case VALUE_DATE:
		return compare_dates(c, value->source, subject);
	case VALUE_BINARY:
		return compare_binaries(c, value->source, subject);
	case VALUE_BOOL:
		if (bool_read(value->source, &mine, NULL) != ERR_OK || bool_read(subject, &theirs, NULL) != ERR_OK)
			return unreadable(c);
		return truth_of(mine == theirs);
	case VALUE_NETWORK:
		if (network_read(value->source, &network, NULL) != ERR_OK ||
		    address_read(subject, &address, NULL) != ERR_OK)
			return unreadable(c);
		return truth_of(network_holds(&network, &address));
	default:
		break;
	}
	if (c->comparison != COMPARE_ARN)
		return policy_text_matches(value, scope, subject, c->comparison == COMPARE_STRING_NOCASE);
	return policy_is_arn(subject) ? policy_text_matches_arn(value, scope, subject) : unreadable(c);
}
