/* Writing XML. */
#include <inttypes.h>
#include <string.h>

#include "wire/utf8.h"
#include "wire/xml.h"

/* Keeps the first error. */
static void keep(struct xml_writer *w, int err)
{
	if (w->err == ERR_OK)
		w->err = err;
}

static void put(struct xml_writer *w, const char *text)
{
	if (w->err == ERR_OK)
		keep(w, buf_put_str(w->out, text, &w->why));
}

static int put_escaped_byte(struct buf *out, uint8_t c, struct why *reterr_why)
{
	switch (c) {
	case '&':
		return buf_put_str(out, "&amp;", reterr_why);
	case '<':
		return buf_put_str(out, "&lt;", reterr_why);
	case '>':
		return buf_put_str(out, "&gt;", reterr_why);
	case '"':
		return buf_put_str(out, "&quot;", reterr_why);
	default:
		/* line ends and tabs too: as they are they would not survive every reader */
		return c < 0x20 ? buf_put_fmt(out, reterr_why, "&#x%X;", c) : buf_put_u8(out, c, reterr_why);
	}
}

static void put_escaped(struct xml_writer *w, struct slice text)
{
	if (w->err == ERR_OK && !utf8_is_valid(text)) {
		why_set(&w->why, "text for XML is not UTF-8");
		keep(w, ERR_INVALID);
	}
	for (size_t i = 0; i < text.len && w->err == ERR_OK; i++)
		keep(w, put_escaped_byte(w->out, text.ptr[i], &w->why));
}

void xml_begin(struct xml_writer *w, struct buf *out)
{
	*w = (struct xml_writer){.out = out};
	put(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
}

void xml_open_ns(struct xml_writer *w, const char *name, const char *namespace)
{
	if (w->err == ERR_OK && w->depth == XML_DEPTH_MAX) {
		why_set(&w->why, "elements nested deeper than %d", XML_DEPTH_MAX);
		keep(w, ERR_LIMIT);
	}
	if (w->err != ERR_OK)
		return;
	w->open[w->depth++] = name;
	put(w, "<");
	put(w, name);
	if (namespace) {
		put(w, " xmlns=\"");
		put_escaped(w, slice_str(namespace));
		put(w, "\"");
	}
	put(w, ">");
}

void xml_open(struct xml_writer *w, const char *name)
{
	xml_open_ns(w, name, NULL);
}

void xml_close(struct xml_writer *w)
{
	if (w->err == ERR_OK && w->depth == 0) {
		why_set(&w->why, "no element is open");
		keep(w, ERR_INTERNAL);
	}
	if (w->err != ERR_OK)
		return;
	put(w, "</");
	put(w, w->open[--w->depth]);
	put(w, ">");
}

void xml_text(struct xml_writer *w, const char *name, struct slice text)
{
	xml_open(w, name);
	put_escaped(w, text);
	xml_close(w);
}

void xml_str(struct xml_writer *w, const char *name, const char *text)
{
	xml_text(w, name, slice_str(text));
}

void xml_u64(struct xml_writer *w, const char *name, uint64_t value)
{
	xml_open(w, name);
	if (w->err == ERR_OK)
		keep(w, buf_put_fmt(w->out, &w->why, "%" PRIu64, value));
	xml_close(w);
}

void xml_bool(struct xml_writer *w, const char *name, bool value)
{
	xml_str(w, name, value ? "true" : "false");
}

int xml_finish(struct xml_writer *w, struct why *reterr_why)
{
	if (w->err == ERR_OK && w->depth) {
		why_set(&w->why, "the element %s is not closed", w->open[w->depth - 1]);
		keep(w, ERR_INTERNAL);
	}
	if (w->err != ERR_OK)
		why_set(reterr_why, "%s", w->why.text);
	return w->err;
}
