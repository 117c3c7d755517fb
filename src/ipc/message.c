#include "ipc/message.h"

#include <string.h>

#include "base/fd.h"

static void put_be(uint8_t *out, uint32_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
}

void ipc_header_encode(const struct ipc_header *header, uint8_t out[static IPC_HEADER_BYTES])
{
	put_be(out, header->type, 2);
	put_be(out + 2, header->flags, 2);
	put_be(out + 4, header->id, 4);
	put_be(out + 8, header->body_len, 4);
}

static int check_flags(const struct ipc_header *h, struct why *reterr_why)
{
	const uint16_t known = IPC_FLAG_REPLY | IPC_FLAG_ERROR | IPC_FLAG_MEMFD_BODY;

	ENSURE((h->flags & ~known) == 0, ERR_INVALID, reterr_why, "message 0x%04x has unknown flags 0x%04x", h->type,
	       h->flags);
	ENSURE(!(h->flags & IPC_FLAG_ERROR) || h->flags & IPC_FLAG_REPLY, ERR_INVALID, reterr_why,
	       "message 0x%04x is an error, but not a reply", h->type);
	ENSURE(!(h->flags & IPC_FLAG_REPLY) || h->id != 0, ERR_INVALID, reterr_why,
	       "message 0x%04x is a reply to nothing", h->type);
	return ERR_OK;
}

/* One spelling per body: a memfd where it is needed, and only there. */
static int check_length(const struct ipc_header *h, size_t following, struct why *reterr_why)
{
	if (!(h->flags & IPC_FLAG_MEMFD_BODY)) {
		ENSURE(h->body_len <= IPC_INLINE_BYTES_MAX, ERR_LIMIT, reterr_why,
		       "message 0x%04x claims an inline body of %u bytes; at most %d are accepted", h->type,
		       h->body_len, IPC_INLINE_BYTES_MAX);
		ENSURE(h->body_len == following, ERR_INVALID, reterr_why,
		       "message 0x%04x claims a body of %u bytes and brings %zu", h->type, h->body_len, following);
		return ERR_OK;
	}
	ENSURE(h->body_len <= IPC_BODY_BYTES_MAX, ERR_LIMIT, reterr_why,
	       "message 0x%04x claims a body of %u bytes; at most %d are accepted", h->type, h->body_len,
	       IPC_BODY_BYTES_MAX);
	ENSURE(h->body_len > IPC_INLINE_BYTES_MAX, ERR_INVALID, reterr_why,
	       "message 0x%04x has its %u bytes in a memfd; up to %d must be inline", h->type, h->body_len,
	       IPC_INLINE_BYTES_MAX);
	ENSURE(following == 0, ERR_INVALID, reterr_why,
	       "message 0x%04x has its body in a memfd and %zu bytes beside it", h->type, following);
	return ERR_OK;
}

int ipc_header_decode(struct slice datagram, struct ipc_header *ret_header, struct slice *ret_body,
                      struct why *reterr_why)
{
	struct cursor c = cursor_of(datagram);
	struct ipc_header h;

	ENSURE(datagram.len >= IPC_HEADER_BYTES, ERR_INVALID, reterr_why,
	       "a message of %zu bytes is shorter than its header", datagram.len);
	TRY(cursor_take_u16be(&c, &h.type, reterr_why));
	TRY(cursor_take_u16be(&c, &h.flags, reterr_why));
	TRY(cursor_take_u32be(&c, &h.id, reterr_why));
	TRY(cursor_take_u32be(&c, &h.body_len, reterr_why));
	ENSURE(h.type != 0, ERR_INVALID, reterr_why, "a message of type 0");
	TRY(check_flags(&h, reterr_why));
	TRY(check_length(&h, c.rest.len, reterr_why));
	*ret_header = h;
	*ret_body = c.rest;
	return ERR_OK;
}

int ipc_error_put(struct buf *body, int code, const char *sentence, struct why *reterr_why)
{
	size_t len = strnlen(sentence, IPC_ERROR_TEXT_BYTES_MAX);

	TRY(buf_put_u32be(body, (uint32_t)-code, reterr_why));
	return buf_put_lp(body, slice_of(sentence, len), reterr_why);
}

int ipc_error_take(struct slice body, int *ret_code, struct why *ret_sentence, struct why *reterr_why)
{
	struct cursor c = cursor_of(body);
	struct slice text;
	struct why sentence;
	uint32_t negated;

	TRY(cursor_take_u32be(&c, &negated, reterr_why));
	TRY(cursor_take_lp(&c, IPC_ERROR_TEXT_BYTES_MAX, &text, reterr_why));
	TRY(cursor_finish(&c, reterr_why));
	TRY(slice_to_str(text, sentence.text, sizeof sentence.text, reterr_why));
	/* Any finer code of a class that exists: what it means beyond its class is between the two roles. */
	ENSURE(negated >= (uint32_t)-ERR_INVALID && negated <= ((uint32_t)-ERR_INTERNAL | 0xff), ERR_INVALID,
	       reterr_why, "an error reply with the unknown code 0x%x", negated);
	*ret_code = -(int)negated;
	*ret_sentence = sentence;
	return ERR_OK;
}

void ipc_message_clear(struct ipc_message *message)
{
	for (size_t i = 0; i < message->fd_count; i++)
		fd_closep(&message->fds[i]);
	message->fd_count = 0;
	if (message->place == IPC_BODY_MAPPED)
		fd_unmap(message->body);
	if (message->place == IPC_BODY_RECEIVED && message->body.len)
		explicit_bzero((void *)(uintptr_t)message->body.ptr, message->body.len);
	message->place = IPC_BODY_BORROWED;
	message->body = slice_of(NULL, 0);
}
