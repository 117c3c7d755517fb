/* s3_upload.h: a multipart upload in progress, as its operations find it. */
#pragma once
#include "daemon/front/s3_put.h"

/* What the index keeps as the ETag of a part: the ETag that the client knows, and if there is a checksum a letter for
 * its kind and its value. So it is there when the upload is completed. */
struct s3_part_tag {
	char text[STORE_ETAG_BYTES_MAX + 1];
};
void s3_part_tag_make(struct s3_part_tag *tag, const char *etag, enum s3_checksum_kind kind, const char *checksum);
struct slice s3_part_tag_etag(struct slice tag);
enum s3_checksum_kind s3_part_tag_checksum(struct slice tag, struct slice *ret_value);

struct s3_upload {
	bool is_there;
	uint8_t id[STORE_ID_BYTES];
	uint8_t bucket_id[STORE_ID_BYTES];
	uint8_t version_id[STORE_ID_BYTES];
	uint8_t wrap[STORE_WRAP_BYTES_MAX];
	size_t wrap_len;
	json_t *meta;
	enum s3_checksum_kind checksum; /* that every part gets */
};

/* Finds the upload that the request names; one of another key counts as not there. */
MUST_USE int s3_upload_find(struct s3 *s, struct s3_upload *ret_upload, struct why *reterr_why);
void s3_upload_clear(struct s3_upload *u);

/* Asks keys, with the upload's wrap if its key is needed; afterwards s->is_answered, or the upload is there and in the
 * bucket that keys decided about. */
MUST_USE int s3_upload_ask(struct s3 *s, const struct s3_upload *u, bool needs_key, struct why *reterr_why);
