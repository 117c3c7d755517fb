/* index_private.h: shared by the index's writing half (index.c) and reading half (index_read.c). */
#pragma once
#include "db/db.h"
#include "store/index.h"

struct index {
	struct db *db;
};
