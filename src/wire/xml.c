#include "wire/xml.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "wire/utf8.h"

/* expat gives a name as its namespace, this, and the local name. No namespace and no name has it. */
#define NAMESPACE_END '|'

/* An element while the document is read. Its public part is filled in at the end: until then the text may still move.
 */
struct element {
	struct xml_node node;
	struct element *parent, *last_child, *created_before;
	size_t name_at, name_len, text_at, text_len;
};

struct xml {
	struct buf *text; /* of names and content */
	struct element *root, *last_created;
};

struct reading {
	XML_Parser parser;
	struct xml *doc;
	struct element *current;
	size_t depth, count;
	int err;
	struct why *reterr_why;
};

void xml_free(struct xml *doc)
{
	if (!doc)
		return;
	for (struct element *e = doc->last_created, *before; e; e = before) {
		before = e->created_before;
		free(e);
	}
	buf_free(doc->text);
	free(doc);
}

void xml_freep(struct xml **doc)
{
	xml_free(*doc);
	*doc = NULL;
}

/* Ends the reading; the first reason counts. Where it is stands before the sentence once parse() is back. */
static void stop(struct reading *r, int err)
{
	r->err = err;
	XML_StopParser(r->parser, XML_FALSE);
}

static void refuse(struct reading *r, const char *what)
{
	if (r->err != ERR_OK)
		return;
	why_set(r->reterr_why, "%s", what);
	stop(r, ERR_INVALID);
}

static bool is_blank(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!strchr(" \t\r\n", text.ptr[i]))
			return false;
	return true;
}

static struct slice text_from(const struct xml *doc, size_t at)
{
	struct slice all = buf_slice(doc->text);

	return all.len > at ? slice_of(all.ptr + at, all.len - at) : slice_of(NULL, 0);
}

/* Names are bounded, since they are copied for every element; attributes only have to be well-formed. */
static int new_element(struct reading *r, const char *name, struct element **ret_element)
{
	const char *bar = strrchr(name, NAMESPACE_END), *local = bar ? bar + 1 : name;
	struct element *parent = r->current, *e;

	ENSURE(strlen(local) <= XML_NAME_BYTES_MAX, ERR_LIMIT, r->reterr_why, "an element's name is over %d bytes",
	       XML_NAME_BYTES_MAX);
	ENSURE(r->depth < XML_DEPTH_MAX, ERR_LIMIT, r->reterr_why, "elements nested deeper than %d", XML_DEPTH_MAX);
	ENSURE(r->count < XML_ELEMENTS_MAX, ERR_LIMIT, r->reterr_why, "more than %d elements", XML_ELEMENTS_MAX);
	if (parent) {
		ENSURE(is_blank(text_from(r->doc, parent->text_at)), ERR_INVALID, r->reterr_why,
		       "text beside elements");
		buf_truncate(r->doc->text, parent->text_at);
	}
	e = calloc(1, sizeof *e);
	ENSURE(e, ERR_UNAVAILABLE, r->reterr_why, "out of memory for XML");
	e->created_before = r->doc->last_created;
	r->doc->last_created = e;
	e->name_at = buf_len(r->doc->text);
	e->name_len = strlen(local);
	TRY(buf_put_str(r->doc->text, local, r->reterr_why));
	e->text_at = buf_len(r->doc->text);
	*ret_element = e;
	return ERR_OK;
}

static void on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *r = context;
	struct element *parent = r->current, *e = NULL;
	int err;
	(void)attributes;

	if (r->err != ERR_OK)
		return;
	err = new_element(r, name, &e);
	if (err != ERR_OK) {
		stop(r, err);
		return;
	}
	e->parent = parent;
	if (!parent)
		r->doc->root = e;
	else if (parent->last_child)
		parent->last_child->node.next = &e->node;
	else
		parent->node.child = &e->node;
	if (parent)
		parent->last_child = e;
	r->current = e;
	r->depth++;
	r->count++;
}

static void on_end(void *context, const XML_Char *name)
{
	struct reading *r = context;
	struct element *e = r->current;
	(void)name;

	if (r->err != ERR_OK)
		return;
	if (e->last_child) {
		if (!is_blank(text_from(r->doc, e->text_at)))
			refuse(r, "text beside elements");
		buf_truncate(r->doc->text, e->text_at);
	} else {
		e->text_len = buf_len(r->doc->text) - e->text_at;
	}
	r->current = e->parent;
	r->depth--;
	if (r->current)
		r->current->text_at = buf_len(r->doc->text); /* what comes now is after this element */
}

static void on_text(void *context, const XML_Char *text, int len)
{
	struct reading *r = context;
	int err;

	if (r->err != ERR_OK)
		return;
	err = buf_put(r->doc->text, slice_of(text, (size_t)len), r->reterr_why);
	if (err != ERR_OK)
		stop(r, err);
}

/* Every name below is looked through after its namespace: one of megabytes would cost that again for each element. */
static void on_namespace(void *context, const XML_Char *prefix, const XML_Char *uri)
{
	struct reading *r = context;
	(void)prefix;

	if (r->err != ERR_OK || !uri || strlen(uri) <= XML_NAMESPACE_BYTES_MAX)
		return;
	why_set(r->reterr_why, "a namespace of more than %d bytes", XML_NAMESPACE_BYTES_MAX);
	stop(r, ERR_LIMIT);
}

static void on_doctype(void *context, const XML_Char *name, const XML_Char *system, const XML_Char *public, int subset)
{
	(void)name;
	(void)system;
	(void)public;
	(void)subset;
	refuse(context, "a document type, which is not accepted");
}

static void on_instruction(void *context, const XML_Char *target, const XML_Char *data)
{
	(void)target;
	(void)data;
	refuse(context, "a processing instruction, which is not accepted");
}

static void on_declaration(void *context, const XML_Char *version, const XML_Char *encoding, int standalone)
{
	(void)version;
	(void)standalone;
	if (encoding && !slice_is_str_nocase(slice_str(encoding), "UTF-8"))
		refuse(context, "an encoding that is not UTF-8");
}

static int parse(struct reading *r, struct slice text)
{
	unsigned long line;

	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_text);
	XML_SetStartNamespaceDeclHandler(r->parser, on_namespace);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
	XML_SetProcessingInstructionHandler(r->parser, on_instruction);
	XML_SetXmlDeclHandler(r->parser, on_declaration);
	if (XML_Parse(r->parser, text.len ? (const char *)text.ptr : "", (int)text.len, XML_TRUE) == XML_STATUS_OK &&
	    r->err == ERR_OK)
		return ERR_OK;
	line = XML_GetCurrentLineNumber(r->parser);
	if (r->err == ERR_OK) {
		enum XML_Error code = XML_GetErrorCode(r->parser);

		r->err = code == XML_ERROR_NO_MEMORY ? ERR_UNAVAILABLE : ERR_INVALID;
		why_set(r->reterr_why, "%s", XML_ErrorString(code));
	}
	why_prefix(r->reterr_why, "not accepted as XML, line %lu: ", line);
	return r->err;
}

int xml_read(struct slice text, struct xml **ret_doc, struct why *reterr_why)
{
	CLEANUP(xml_freep) struct xml *doc = NULL;
	struct reading r = {.reterr_why = reterr_why};
	const uint8_t *base;
	int err;

	ENSURE(text.len <= XML_BYTES_MAX, ERR_LIMIT, reterr_why, "XML of %zu bytes; at most %d are accepted", text.len,
	       XML_BYTES_MAX);
	/* expat would follow a byte order mark into UTF-16 whatever encoding it is told */
	ENSURE(utf8_is_valid(text) && !(text.len && memchr(text.ptr, 0, text.len)), ERR_INVALID, reterr_why,
	       "not accepted as XML: not UTF-8 text");
	doc = calloc(1, sizeof *doc);
	ENSURE(doc, ERR_UNAVAILABLE, reterr_why, "out of memory for XML");
	TRY(buf_new(text.len, &doc->text, reterr_why)); /* no reference is shorter than what it stands for */
	r.doc = doc;
	r.parser = XML_ParserCreateNS("UTF-8", NAMESPACE_END);
	ENSURE(r.parser, ERR_UNAVAILABLE, reterr_why, "out of memory for XML");
	err = parse(&r, text);
	XML_ParserFree(r.parser);
	TRY(err);
	base = buf_slice(doc->text).ptr;
	for (struct element *e = doc->last_created; e; e = e->created_before) {
		e->node.name = slice_of(base + e->name_at, e->name_len);
		e->node.text = slice_of(base + e->text_at, e->text_len);
	}
	*ret_doc = take_ptr(doc);
	return ERR_OK;
}

int xml_root(const struct xml *doc, const char *name, const struct xml_node **ret_root, struct why *reterr_why)
{
	const struct xml_node *root = &doc->root->node;

	ENSURE(slice_is_str(root->name, name), ERR_INVALID, reterr_why, "the document is a %.*s; %s was expected",
	       (int)root->name.len, (const char *)root->name.ptr, name);
	*ret_root = root;
	return ERR_OK;
}

static const struct xml_node *first_named(const struct xml_node *node, const char *name)
{
	while (node && !slice_is_str(node->name, name))
		node = node->next;
	return node;
}

const struct xml_node *xml_child(const struct xml_node *parent, const char *name)
{
	return first_named(parent->child, name);
}

const struct xml_node *xml_next(const struct xml_node *node, const char *name)
{
	return first_named(node->next, name);
}

int xml_opt_text(const struct xml_node *parent, const char *name, struct slice *inout_text, struct why *reterr_why)
{
	const struct xml_node *node = xml_child(parent, name);

	if (!node)
		return ERR_OK;
	ENSURE(!xml_next(node, name), ERR_INVALID, reterr_why, "%.*s has %s more than once", (int)parent->name.len,
	       (const char *)parent->name.ptr, name);
	ENSURE(!node->child, ERR_INVALID, reterr_why, "%s must be text", name);
	*inout_text = node->text;
	return ERR_OK;
}

int xml_get_text(const struct xml_node *parent, const char *name, struct slice *ret_text, struct why *reterr_why)
{
	ENSURE(xml_child(parent, name), ERR_INVALID, reterr_why, "%.*s has no %s", (int)parent->name.len,
	       (const char *)parent->name.ptr, name);
	return xml_opt_text(parent, name, ret_text, reterr_why);
}
