/* xml.h: the small XML documents of S3, IAM and STS: reading by expat into a bounded tree, and writing.
 *
 * Read: UTF-8, no document type and so no entities but the five of XML, no processing instructions, text or elements in
 * an element but not both, within limits.h: XML_*. Attributes and namespaces are checked for form and dropped: nothing
 * that S3 acts upon is in one. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"

/* An element: its local name, its text (empty if it has elements), its first element and the next one beside it. */
struct xml_node {
	struct slice name, text;
	const struct xml_node *child, *next;
};

struct xml;

/* Reads a document. ERR_INVALID with its line, ERR_LIMIT. */
MUST_USE int xml_read(struct slice text, struct xml **ret_doc, struct why *reterr_why);
void xml_free(struct xml *doc);
void xml_freep(struct xml **doc);

/* The outermost element, which must have this name: ERR_INVALID names the one that is there. Borrowed from the
 * document, as is everything below it. */
MUST_USE int xml_root(const struct xml *doc, const char *name, const struct xml_node **ret_root,
                      struct why *reterr_why);

/* The first element of that name in `parent`, or NULL; the next one of that name beside `node`, or NULL. */
const struct xml_node *xml_child(const struct xml_node *parent, const char *name);
const struct xml_node *xml_next(const struct xml_node *node, const char *name);

/* The text of the only element of that name in `parent`: ERR_INVALID if there is none, or more than one. */
MUST_USE int xml_get_text(const struct xml_node *parent, const char *name, struct slice *ret_text,
                          struct why *reterr_why);

/* The same for one that may be absent: then ERR_OK, and the output stays as it is. */
MUST_USE int xml_opt_text(const struct xml_node *parent, const char *name, struct slice *inout_text,
                          struct why *reterr_why);

/* --- writing ---
 *
 *     struct xml_writer w;
 *     xml_begin(&w, out);
 *     xml_open_ns(&w, "ListBucketResult", S3_NAMESPACE);
 *     xml_text(&w, "Name", bucket);
 *     xml_close(&w);
 *     return xml_finish(&w, reterr_why);
 *
 * The first failure sticks: what comes after it does nothing and xml_finish() tells it. */
struct xml_writer {
	struct buf *out;
	int err;
	struct why why;
	size_t depth;
	const char *open[XML_DEPTH_MAX];
};

/* Writes the XML declaration; `out` is borrowed until xml_finish(). */
void xml_begin(struct xml_writer *w, struct buf *out);

/* Opens an element, names are string literals; with a namespace; closes the innermost one. */
void xml_open(struct xml_writer *w, const char *name);
void xml_open_ns(struct xml_writer *w, const char *name, const char *namespace);
void xml_close(struct xml_writer *w);

/* A whole element with text, a number, or true/false. Text must be UTF-8. Control characters are written as references,
 * as S3 does, though XML 1.0 readers refuse them: clients that meet such keys ask for encoding-type=url. */
void xml_text(struct xml_writer *w, const char *name, struct slice text);
void xml_str(struct xml_writer *w, const char *name, const char *text);
void xml_u64(struct xml_writer *w, const char *name, uint64_t value);
void xml_bool(struct xml_writer *w, const char *name, bool value);

/* The first error, or ERR_INTERNAL if an element is still open. */
MUST_USE int xml_finish(struct xml_writer *w, struct why *reterr_why);
