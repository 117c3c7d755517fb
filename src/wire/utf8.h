/* utf8.h: what kind of text is it? */
#pragma once
#include <stdbool.h>

#include "base/slice.h"

/* Is it UTF-8? RFC 3629: shortest forms only, no surrogates, nothing above U+10FFFF. */
bool utf8_is_valid(struct slice text);

/* May a name that somebody else wrote stand in a sentence? Printable ASCII, 1 to 64 characters: nothing that a terminal
 * acts upon, and nothing that has to be cut. */
bool utf8_is_showable(struct slice name);
