/* standin.h: a role in the place of keys that checks no signature and lets everything go on, under one fixed version
 * key. For tests of front alone.
 *
 * Any bucket exists, but one whose name begins with "missing"; in "locked" nothing may be written or deleted. The key
 * of each version opens only with the wrap that was made with it: its id. A chunk whose signature is all "f" does not
 * verify. */
#pragma once
#include "daemon/role/role.h"

extern const struct role_spec standin_role;
