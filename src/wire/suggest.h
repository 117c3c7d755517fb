/* suggest.h: "did you mean …?" for names that people type. */
#pragma once

/* The name of the list (NULL ends it) that is nearest to `name`: at most one change in three characters, swaps of
 * neighbours counted as one. NULL if none is that near. */
const char *suggest_nearest(const char *name, const char *const *known);
