/* s3_list.h: what the lists share. */
#pragma once
#include "daemon/front/s3.h"
#include "wire/xml.h"

/* encoding-type: *ret_url tells whether keys are written percent-encoded. */
MUST_USE int s3_list_encoding(struct s3 *s, bool *ret_url, struct why *reterr_why);

/* A key, prefix or marker as an element. An error goes into the writer. */
void s3_list_text(struct s3 *s, struct xml_writer *xml, bool is_url, const char *name, struct slice text);

/* A moment as "2026-11-22T19:33:07.042Z". */
void s3_list_time(struct xml_writer *xml, const char *name, uint64_t wall_ms);
void s3_list_etag(struct xml_writer *xml, struct slice etag);
void s3_list_owner(struct xml_writer *xml, const char *name, const char *account);
