/* terminal.h: what a stream leads to, and how people read quantities. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct terminal {
	bool is_terminal;
	bool has_colour; /* a terminal, and neither NO_COLOR nor TERM=dumb */
	unsigned width;  /* columns; 80 where nobody knows */
};

struct terminal terminal_of(int fd);

/* "999 B", "1.5 KiB", "12.0 GiB". */
#define TERMINAL_SIZE_BYTES 16
void terminal_size(uint64_t bytes, char out[static TERMINAL_SIZE_BYTES]);

/* "0:42", "1:02:03"; "-:--" from a hundred hours on. */
#define TERMINAL_DURATION_BYTES 16
void terminal_duration(uint64_t seconds, char out[static TERMINAL_DURATION_BYTES]);

/* How many columns the UTF-8 text takes, counted as one a character; and how many of its bytes fit into `columns`. */
size_t terminal_columns(const char *text);
size_t terminal_fit(const char *text, size_t columns);

/* Text from elsewhere, before it goes to a terminal: control characters, which could say anything to it, become '?'. */
void terminal_clean(char *text);
