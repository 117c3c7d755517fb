/* Looking at a raw request: its form, its target, its headers. */
#include <string.h>

#include "wire/percent.h"
#include "wire/sigv4_internal.h"

bool sigv4_is_token(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];
		bool is_alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

		if (!is_alnum && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c)))
			return false;
	}
	return text.len > 0;
}

struct slice sigv4_trim(struct slice value)
{
	while (value.len && (value.ptr[0] == ' ' || value.ptr[0] == '\t')) {
		value.ptr++;
		value.len--;
	}
	while (value.len && (value.ptr[value.len - 1] == ' ' || value.ptr[value.len - 1] == '\t'))
		value.len--;
	return value;
}

static bool has_control_byte(struct slice text, bool is_tab_allowed)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if ((c < ' ' && !(c == '\t' && is_tab_allowed)) || c == 0x7f)
			return true;
	}
	return false;
}

int sigv4_request_check(const struct sigv4_request *request, struct why *reterr_why)
{
	size_t decoded_len;

	ENSURE(sigv4_is_token(request->method), ERR_INVALID, reterr_why, "the request's method is not a token");
	ENSURE(request->target.len && request->target.ptr[0] == '/', ERR_INVALID, reterr_why,
	       "the request-target does not begin with /");
	ENSURE(request->target.len <= SIGV4_TARGET_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "a request-target of %zu bytes; at most %d are accepted", request->target.len, SIGV4_TARGET_BYTES_MAX);
	ENSURE(!has_control_byte(request->target, false), ERR_INVALID, reterr_why,
	       "the request-target has a control character in it");
	TRY(percent_decoded_len(request->target, &decoded_len, reterr_why));
	ENSURE(request->header_count <= SIGV4_HEADERS_MAX, ERR_LIMIT, reterr_why,
	       "%zu headers; at most %d are accepted", request->header_count, SIGV4_HEADERS_MAX);
	for (size_t i = 0; i < request->header_count; i++) {
		ENSURE(sigv4_is_token(request->headers[i].name), ERR_INVALID, reterr_why,
		       "the name of header %zu is not a token", i + 1);
		ENSURE(!has_control_byte(request->headers[i].value, true), ERR_INVALID, reterr_why,
		       "the value of header %zu has a control character in it", i + 1);
	}
	return ERR_OK;
}

void sigv4_target_split(struct slice target, struct slice *ret_path, struct slice *ret_query)
{
	struct cursor in = cursor_of(target);

	*ret_path = target;
	*ret_query = slice_of(NULL, 0);
	if (cursor_take_until(&in, '?', ret_path, NULL) == ERR_OK)
		*ret_query = in.rest;
}

size_t sigv4_header_find(const struct sigv4_request *request, struct slice name, struct slice *ret_value)
{
	size_t count = 0;

	for (size_t i = 0; i < request->header_count; i++)
		if (slice_equal_nocase(request->headers[i].name, name) && count++ == 0)
			*ret_value = sigv4_trim(request->headers[i].value);
	return count;
}

bool sigv4_signed_header_next(struct slice *list, struct slice *ret_name)
{
	const uint8_t *end;

	if (list->len == 0)
		return false;
	end = memchr(list->ptr, ';', list->len);
	*ret_name = slice_of(list->ptr, end ? (size_t)(end - list->ptr) : list->len);
	list->ptr += ret_name->len + (end ? 1 : 0);
	list->len -= ret_name->len + (end ? 1 : 0);
	return true;
}

static bool starts_with_nocase(struct slice name, const char *prefix)
{
	size_t len = strlen(prefix);

	return name.len >= len && slice_is_str_nocase(slice_of(name.ptr, len), prefix);
}

bool sigv4_header_must_be_signed(struct slice name, const char *service)
{
	if (slice_is_str_nocase(name, "content-type"))
		return strcmp(service, "s3") != 0;
	return slice_is_str_nocase(name, "host") || starts_with_nocase(name, "x-amz-") ||
	       starts_with_nocase(name, "x-cloister-");
}
