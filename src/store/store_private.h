/* store_private.h: shared by the store's writing (store.c) and reading (object.c). */
#pragma once
#include "base/limits.h"
#include "base/time.h"
#include "store/commit.h"
#include "store/store.h"

struct store {
	struct segments *segments;
	struct blobs *blobs;
	struct index *writer;
	struct committer *committer;
	char index_path[PATH_BYTES_MAX];
};

enum { GARBAGE_PAGE = 256 };

struct garbage_page {
	uint32_t count;
	uint8_t ids[GARBAGE_PAGE][STORE_ID_BYTES];
};
