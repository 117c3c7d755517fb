/* s3_put.h: what PutObject and the operations of multipart uploads share. */
#pragma once
#include "daemon/front/s3_body.h"
#include "daemon/front/s3_meta.h"

/* The ETag of what a writer is writing: the first half of the blob's commitment in hexadecimal. */
#define S3_ETAG_TEXT_BYTES 33
void s3_etag_of(const struct blob_writer *writer, char out[static S3_ETAG_TEXT_BYTES]);

/* If-None-Match: * and If-Match of a write; *ret_has false without either. */
MUST_USE int s3_write_condition(struct s3 *s, struct store_condition *ret_condition, bool *ret_has,
                                struct why *reterr_why);

/* A bucket whose versioning is suspended would need versions without an id: not offered. */
MUST_USE int s3_check_versioned(struct s3 *s, struct why *reterr_why);

/* s3_body_sink into a blob writer. */
MUST_USE int s3_write_blob(void *writer, struct slice plain, struct why *reterr_why);

/* The error of a store that cannot write, in S3's terms. Returns `err`. */
MUST_USE int s3_stored(struct s3 *s, int err);
