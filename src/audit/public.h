/* public.h: the public files of a log in a directory, as any static file server can serve them (C2SP tlog-tiles).
 *
 * They are derived from the journal, so nothing here is made durable one by one; but each appears whole or not at all.
 */
#pragma once
#include "audit/tiles.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Writes a tile or bundle, making the folders that it needs. */
MUST_USE int public_write(int dir_fd, const struct tile_path *path, struct slice content, struct why *reterr_why);

/* Appends the content of a tile or bundle. ERR_NOTFOUND. */
MUST_USE int public_read(int dir_fd, const struct tile_path *path, struct buf *into, struct why *reterr_why);

/* Reads the hashes of a tile; the file must hold exactly its width. ERR_TAMPERED names it if it does not, or is not
 * there.
 */
MUST_USE int public_read_tile(int dir_fd, const struct tile_path *path,
                              struct merkle_hash ret_hashes[static TILE_WIDTH], struct why *reterr_why);

/* Removes the partial ones of that tile or bundle: the full one has taken their place. */
MUST_USE int public_drop_partials(int dir_fd, const struct tile_path *path, struct why *reterr_why);
