#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/xml.h"

#define S3_NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"

static int read_str(const char *text, struct xml **doc, struct why *why)
{
	return xml_read(slice_str(text), doc, why);
}

static void the_bodies_of_s3_are_read(void **state)
{
	static const char body[] =
		"<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
		"<CompleteMultipartUpload xmlns=\"" S3_NAMESPACE "\">\n"
		"  <Part>\n    <ETag>&quot;a&#38;b&quot;</ETag>\n    <PartNumber>1</PartNumber>\n  </Part>\n"
		"  <!-- between -->\n"
		"  <Part><PartNumber>2</PartNumber><ETag><![CDATA[<c>]]></ETag></Part>\n"
		"</CompleteMultipartUpload>\n";
	CLEANUP(xml_freep) struct xml *doc = NULL;
	const struct xml_node *root, *part;
	struct slice text;
	(void)state;

	assert_int_equal(read_str(body, &doc, NULL), ERR_OK);
	assert_int_equal(xml_root(doc, "CompleteMultipartUpload", &root, NULL), ERR_OK);
	assert_int_equal(root->text.len, 0);
	part = xml_child(root, "Part");
	assert_non_null(part);
	assert_int_equal(xml_get_text(part, "ETag", &text, NULL), ERR_OK);
	assert_true(slice_is_str(text, "\"a&b\""));
	part = xml_next(part, "Part");
	assert_non_null(part);
	assert_int_equal(xml_get_text(part, "PartNumber", &text, NULL), ERR_OK);
	assert_true(slice_is_str(text, "2"));
	assert_int_equal(xml_get_text(part, "ETag", &text, NULL), ERR_OK);
	assert_true(slice_is_str(text, "<c>"));
	assert_null(xml_next(part, "Part"));
}

static void text_is_kept_as_it_is(void **state)
{
	CLEANUP(xml_freep) struct xml *doc = NULL;
	const struct xml_node *root;
	struct slice text;
	(void)state;

	assert_int_equal(read_str("<D><K> a\n b&#10; </K><E/><F></F></D>", &doc, NULL), ERR_OK);
	assert_int_equal(xml_root(doc, "D", &root, NULL), ERR_OK);
	assert_int_equal(xml_get_text(root, "K", &text, NULL), ERR_OK);
	assert_true(slice_is_str(text, " a\n b\n "));
	assert_int_equal(xml_get_text(root, "E", &text, NULL), ERR_OK);
	assert_int_equal(text.len, 0);
	assert_int_equal(xml_get_text(root, "F", &text, NULL), ERR_OK);
	assert_int_equal(text.len, 0);
}

static void namespaces_and_attributes_are_taken_off(void **state)
{
	CLEANUP(xml_freep) struct xml *doc = NULL;
	const struct xml_node *root;
	struct slice text;
	(void)state;

	assert_int_equal(
		read_str("<s3:A xmlns:s3='http://x/' b='c'><s3:B d='e'>f</s3:B><C xmlns='y'/></s3:A>", &doc, NULL),
		ERR_OK);
	assert_int_equal(xml_root(doc, "A", &root, NULL), ERR_OK);
	assert_int_equal(xml_get_text(root, "B", &text, NULL), ERR_OK);
	assert_true(slice_is_str(text, "f"));
}

static void what_is_not_plain_xml_is_refused(void **state)
{
	static const char *const refused[] = {
		"",
		" ",
		"a",
		"<a>",
		"<a></b>",
		"<a/><b/>",
		"<a>&b;</a>",
		"<a>&#0;</a>",
		"<a>\x01</a>",
		"<a>\xff</a>",
		"<a>\xc0\x80</a>",
		"<a b=c/>",
		"<a b='1' b='2'/>",
		"<!DOCTYPE a><a/>",
		"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
		"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
		"<?php x?><a/>",
		"<a><?x y?></a>",
		"<?xml version='1.0' encoding='UTF-16'?><a/>",
		"<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
		"<a>text<b/></a>",
		"<a><b/>text</a>",
		"<a><b/>text<c/></a>",
		"<a:/>",
		"<:a/>",
		"<a:b/>",
		"<a:b:c xmlns:a='x'/>",
		"<a xmlns:b='x'><b:6/></a>",
		"<a xmlns='x|y'/>",
		"<a>]]></a>",
	};
	struct xml *doc = NULL;
	(void)state;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (read_str(refused[i], &doc, NULL) != ERR_INVALID)
			fail_msg("accepted: %s", refused[i]);
	assert_int_equal(xml_read(slice_of("<a>\0</a>", 8), &doc, NULL), ERR_INVALID);
	assert_int_equal(xml_read(slice_of("\xff\xfe<\0a\0/\0>\0", 10), &doc, NULL), ERR_INVALID);
	assert_null(doc);
}

static void the_line_of_a_mistake_is_named(void **state)
{
	struct xml *doc = NULL;
	struct why why;
	(void)state;

	assert_int_equal(read_str("<a>\n\n<b></c></a>", &doc, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "line 3"));
	assert_int_equal(read_str("<!DOCTYPE a><a/>", &doc, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "a document type"));
}

static void elements_are_asked_for_by_name(void **state)
{
	CLEANUP(xml_freep) struct xml *doc = NULL;
	const struct xml_node *root;
	struct slice text = slice_str("default");
	struct why why;
	(void)state;

	assert_int_equal(read_str("<Delete><Quiet>true</Quiet><Key>a</Key><Key>b</Key><Object><Key/></Object></Delete>",
	                          &doc, NULL),
	                 ERR_OK);
	assert_int_equal(xml_root(doc, "Tagging", &root, &why), ERR_INVALID);
	assert_string_equal(why.text, "the document is a Delete; Tagging was expected");
	assert_int_equal(xml_root(doc, "Delete", &root, &why), ERR_OK);
	assert_int_equal(xml_get_text(root, "VersionId", &text, &why), ERR_INVALID);
	assert_string_equal(why.text, "Delete has no VersionId");
	assert_int_equal(xml_get_text(root, "Key", &text, &why), ERR_INVALID);
	assert_string_equal(why.text, "Delete has Key more than once");
	assert_int_equal(xml_get_text(root, "Object", &text, &why), ERR_INVALID);
	assert_string_equal(why.text, "Object must be text");
	assert_int_equal(xml_opt_text(root, "VersionId", &text, &why), ERR_OK);
	assert_true(slice_is_str(text, "default"));
	assert_int_equal(xml_opt_text(root, "Quiet", &text, &why), ERR_OK);
	assert_true(slice_is_str(text, "true"));
}

/* `count` elements within each other. */
static char *nested(size_t count)
{
	char *text = malloc(7 * count + 1);

	assert_non_null(text);
	for (size_t i = 0; i < count; i++) {
		memcpy(text + 3 * i, "<a>", 3);
		memcpy(text + 3 * count + 4 * i, "</a>", 4);
	}
	text[7 * count] = 0;
	return text;
}

static void documents_over_the_limits_are_refused(void **state)
{
	CLEANUP(free_p) char *deep = nested(XML_DEPTH_MAX), *deeper = nested(XML_DEPTH_MAX + 1);
	CLEANUP(free_p) char *large = malloc(XML_BYTES_MAX + 1);
	char name[XML_NAMESPACE_BYTES_MAX + 64];
	struct xml *doc = NULL;
	(void)state;

	assert_int_equal(read_str(deep, &doc, NULL), ERR_OK);
	xml_freep(&doc);
	assert_int_equal(read_str(deeper, &doc, NULL), ERR_LIMIT);
	assert_non_null(large);
	memset(large, ' ', XML_BYTES_MAX + 1);
	memcpy(large, "<a/>", 4);
	assert_int_equal(xml_read(slice_of(large, XML_BYTES_MAX + 1), &doc, NULL), ERR_LIMIT);
	assert_int_equal(xml_read(slice_of(large, XML_BYTES_MAX), &doc, NULL), ERR_OK);
	xml_freep(&doc);
	memcpy(large, "<a>", 3);
	for (size_t i = 0; i < XML_ELEMENTS_MAX; i++)
		memcpy(large + 3 + 4 * i, "<b/>", 4);
	memcpy(large + 3 + 4 * (XML_ELEMENTS_MAX - 1), "</a>", 4);
	assert_int_equal(xml_read(slice_of(large, 3 + 4 * XML_ELEMENTS_MAX), &doc, NULL), ERR_OK);
	xml_freep(&doc);
	memcpy(large + 3 + 4 * (XML_ELEMENTS_MAX - 1), "<b/></a>", 8);
	assert_int_equal(xml_read(slice_of(large, 7 + 4 * XML_ELEMENTS_MAX), &doc, NULL), ERR_LIMIT);
	snprintf(name, sizeof name, "<%0*d/>", XML_NAME_BYTES_MAX + 1, 0);
	name[1] = 'n';
	assert_int_equal(read_str(name, &doc, NULL), ERR_LIMIT);
	snprintf(name, sizeof name, "<%0*d/>", XML_NAME_BYTES_MAX, 0);
	name[1] = 'n';
	assert_int_equal(read_str(name, &doc, NULL), ERR_OK);
	xml_freep(&doc);
}

static void a_long_namespace_is_refused(void **state)
{
	char text[XML_NAMESPACE_BYTES_MAX + 64];
	struct xml *doc = NULL;
	struct why why;
	(void)state;

	snprintf(text, sizeof text, "<a><n:b xmlns:n='%0*d'/></a>", XML_NAMESPACE_BYTES_MAX + 1, 0);
	assert_int_equal(read_str(text, &doc, &why), ERR_LIMIT);
	assert_non_null(strstr(why.text, "a namespace"));
	snprintf(text, sizeof text, "<a><n:b xmlns:n='%0*d'/></a>", XML_NAMESPACE_BYTES_MAX, 0);
	assert_int_equal(read_str(text, &doc, &why), ERR_OK);
	xml_freep(&doc);
}

static void what_is_written_is_read_back(void **state)
{
	CLEANUP(buf_freep) struct buf *out = NULL;
	CLEANUP(xml_freep) struct xml *doc = NULL;
	const struct xml_node *root;
	struct xml_writer w;
	struct slice text;
	const char *written;
	(void)state;

	assert_int_equal(buf_new(4096, &out, NULL), ERR_OK);
	xml_begin(&w, out);
	xml_open_ns(&w, "ListBucketResult", S3_NAMESPACE);
	xml_str(&w, "Name", "a&b<c>\"d'\t\r\n\xc3\xa4");
	xml_u64(&w, "MaxKeys", 1000);
	xml_bool(&w, "IsTruncated", false);
	xml_open(&w, "Contents");
	xml_str(&w, "Key", "");
	xml_close(&w);
	xml_close(&w);
	assert_int_equal(xml_finish(&w, NULL), ERR_OK);
	assert_int_equal(buf_str(out, &written, NULL), ERR_OK);
	assert_string_equal(written,
	                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"" S3_NAMESPACE
	                    "\"><Name>a&amp;b&lt;c&gt;&quot;d'&#x9;&#xD;&#xA;\xc3\xa4</Name><MaxKeys>1000</MaxKeys>"
	                    "<IsTruncated>false</IsTruncated><Contents><Key></Key></Contents></ListBucketResult>");
	assert_int_equal(xml_read(buf_slice(out), &doc, NULL), ERR_OK);
	assert_int_equal(xml_root(doc, "ListBucketResult", &root, NULL), ERR_OK);
	assert_int_equal(xml_get_text(root, "Name", &text, NULL), ERR_OK);
	assert_true(slice_is_str(text, "a&b<c>\"d'\t\r\n\xc3\xa4"));
}

static void the_first_failure_of_a_writer_sticks(void **state)
{
	CLEANUP(buf_freep) struct buf *out = NULL, *small = NULL;
	struct xml_writer w;
	struct why why;
	(void)state;

	assert_int_equal(buf_new(4096, &out, NULL), ERR_OK);
	xml_begin(&w, out);
	xml_str(&w, "Key", "\xff");
	xml_str(&w, "Name", "good");
	assert_int_equal(xml_finish(&w, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "UTF-8"));
	xml_begin(&w, out);
	xml_open(&w, "A");
	assert_int_equal(xml_finish(&w, &why), ERR_INTERNAL);
	assert_string_equal(why.text, "the element A is not closed");
	xml_begin(&w, out);
	xml_close(&w);
	assert_int_equal(xml_finish(&w, &why), ERR_INTERNAL);
	xml_begin(&w, out);
	for (size_t i = 0; i <= XML_DEPTH_MAX; i++)
		xml_open(&w, "A");
	assert_int_equal(xml_finish(&w, &why), ERR_LIMIT);
	assert_int_equal(buf_new(50, &small, NULL), ERR_OK);
	xml_begin(&w, small);
	xml_str(&w, "Key", "value");
	assert_int_equal(xml_finish(&w, &why), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bodies_of_s3_are_read),
		cmocka_unit_test(text_is_kept_as_it_is),
		cmocka_unit_test(namespaces_and_attributes_are_taken_off),
		cmocka_unit_test(what_is_not_plain_xml_is_refused),
		cmocka_unit_test(the_line_of_a_mistake_is_named),
		cmocka_unit_test(elements_are_asked_for_by_name),
		cmocka_unit_test(documents_over_the_limits_are_refused),
		cmocka_unit_test(a_long_namespace_is_refused),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(the_first_failure_of_a_writer_sticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
