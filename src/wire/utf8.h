/* utf8.h: is it UTF-8? (RFC 3629: shortest forms only, no surrogates, nothing above U+10FFFF) */
#pragma once
#include <stdbool.h>

#include "base/slice.h"

bool utf8_is_valid(struct slice text);
