/* condition.h: whether the conditions of a statement hold. Of src/iam only. */
#pragma once
#include "iam/policy_ast.h"

/* Whether all of them hold. *ret_failed is the first that does not. */
bool policy_conditions_hold(const struct policy_statement *s, const struct policy_scope *scope,
                            const struct policy_condition **ret_failed);

/* The claims of a release that an Allow has to name (protocols 3): the first that is there and that the statement does
 * not name, or NULL. ret_value: its value. */
const char *policy_unnamed_claim(const struct policy_statement *s, const struct policy_scope *scope,
                                 struct slice *ret_value);
