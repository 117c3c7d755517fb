#include "wire/suggest.h"

#include <stddef.h>
#include <string.h>

/* Longer names are not mistyped, they are something else. */
enum { NAME_MAX_LEN = 64 };

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Insertions, deletions, substitutions and swaps of neighbours that lead from a to b (optimal string alignment). */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][NAME_MAX_LEN + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *spare = before;

		before = above;
		above = row;
		row = spare;
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
	}
	return row[b_len];
}

const char *suggest_nearest(const char *name, const char *const *known)
{
	size_t len = strlen(name), least = len / 3 + 1;
	const char *nearest = NULL;

	for (; len <= NAME_MAX_LEN && *known; known++) {
		size_t known_len = strlen(*known), apart;

		if (known_len > NAME_MAX_LEN)
			continue;
		apart = distance(name, len, *known, known_len);
		if (apart < least || (apart == least && !nearest && apart <= 1)) {
			least = apart;
			nearest = *known;
		}
	}
	return nearest;
}
