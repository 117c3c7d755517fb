/* limits.h: every limit of Cloister, by the folder that enforces it, each with its reason. A limit has a test that
 * hits it. */
#pragma once

/* --- base ------------------------------------------------------------------------------------------------------- */

/* Keys and passphrases alive at once in one process. A front holds two per request in flight and has at most 256 of
 * those; keys caches a wrapping key per active key. 96-byte slots: 2,048 of them are 256 KiB of the usual 8 MiB
 * memlock. */
#define SECRET_SMALL_SLOTS 2048
/* Holds any symmetric key, an Ed25519 or P-256 scalar, and the 76 bytes that Cobblestone-256 derives. */
#define SECRET_SMALL_BYTES 96
/* Private keys in DER or PEM, passphrases, sealed bodies while they are opened. 64 of 8 KiB: 512 KiB locked. */
#define SECRET_LARGE_SLOTS 64
#define SECRET_LARGE_BYTES 8064

/* A path as one string: Linux's own PATH_MAX. */
#define PATH_BYTES_MAX 4096

/* How often one open is tried again when the kernel says that the path changed under it. A rename settles within a
 * try or two; whoever renames without end, or holds a lease on the file, must not hold us. */
#define PATH_OPEN_TRIES 100

/* One line of a program's log. Longer values are cut: a log line is for reading, and must be one write(2). */
#define LOG_LINE_BYTES_MAX 4096
