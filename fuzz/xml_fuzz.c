/* What is read, written again, is read as the same tree. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "wire/xml.h"

enum { TEXT_BYTES_MAX = 1 << 24 };

static void write_node(struct xml_writer *w, const struct xml_node *node)
{
	char *name;

	FUZZ_CHECK(slice_dup_str(node->name, &name, NULL) == ERR_OK);
	if (node->child) {
		xml_open(w, name);
		for (const struct xml_node *child = node->child; child; child = child->next)
			write_node(w, child);
		xml_close(w);
	} else {
		xml_text(w, name, node->text);
	}
	free(name);
}

static void check_equal(const struct xml_node *a, const struct xml_node *b)
{
	FUZZ_CHECK(slice_equal(a->name, b->name) && slice_equal(a->text, b->text));
	FUZZ_CHECK(!a->child == !b->child && !a->next == !b->next);
	if (a->child)
		check_equal(a->child, b->child);
	if (a->next)
		check_equal(a->next, b->next);
}

static const struct xml_node *root_of(const struct xml *doc, const char *name)
{
	const struct xml_node *root;

	return xml_root(doc, name, &root, NULL) == ERR_OK ? root : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	CLEANUP(xml_freep) struct xml *doc = NULL, *again = NULL;
	CLEANUP(buf_freep) struct buf *text = NULL;
	const struct xml_node *root;
	struct xml_writer w;
	struct slice value;
	struct why why;

	if (xml_read(slice_of(data, len), &doc, &why) != ERR_OK)
		return 0;
	root = root_of(doc, "Delete");
	if (!root)
		return 0;
	(void)!xml_get_text(root, "Key", &value, &why);
	FUZZ_CHECK(buf_new(TEXT_BYTES_MAX, &text, NULL) == ERR_OK);
	xml_begin(&w, text);
	write_node(&w, root);
	FUZZ_CHECK(xml_finish(&w, NULL) == ERR_OK);
	FUZZ_CHECK(xml_read(buf_slice(text), &again, NULL) == ERR_OK);
	check_equal(root, root_of(again, "Delete"));
	return 0;
}
