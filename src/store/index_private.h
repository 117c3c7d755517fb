/* index_private.h: shared by the index's writing half (index.c) and its reading halves (index_read.c, index_list.c). */
#pragma once
#include "base/buf.h"
#include "db/db.h"
#include "store/index.h"

struct index {
	struct db *db;
	struct buf *row; /* what index_upload() lends */
};

static inline struct slice id_slice(const uint8_t id[static STORE_ID_BYTES])
{
	return slice_of(id, STORE_ID_BYTES);
}
