/* log.h: how a program tells its operator what happened: one JSON object a line on standard error. Programs only;
 * libraries return errors. Not the audit log, which is the ledger's.
 *
 *     LOG(LOG_INFO, "role.started", LOG_STR("role", "keys"), LOG_INT("pid", pid));
 */
#pragma once
#include <stdint.h>

#include "base/err.h"

enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARN,
	LOG_ERROR,
};

struct log_field {
	const char *name;
	const char *text; /* NULL: the number counts */
	int64_t number;
};

/* Names the program in every line, and drops lines below `level`. Until then the program is "cloister". */
void log_open(const char *program, enum log_level level);

/* Writes one line, in one write(2), of at most LOG_LINE_BYTES_MAX. `event` is dotted lower case, the object first.
 * Texts are cut, with "…", and fields left out where the line is full; control characters and bytes that are not UTF-8
 * are escaped, so that a line is always one JSON object. errno is as it was. */
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count);

/* For --json off a terminal or a test: where lines go instead of standard error. */
void log_to_fd(int fd);

#define LOG_STR(key, value) {.name = (key), .text = (value)}
#define LOG_INT(key, value) {.name = (key), .number = (int64_t)(value)}
#define LOG(level, event, ...)                                               \
	log_write((level), (event), (const struct log_field[]){__VA_ARGS__}, \
	          sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
