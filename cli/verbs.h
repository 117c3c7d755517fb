/* verbs.h: every verb of the command line; each is in verb/, in a file of its name or of its noun. */
#pragma once
#include "cli/cli.h"

extern const struct cli_verb verb_seal, verb_open, verb_login, verb_completion;
extern const struct cli_verb verb_audit_verify;
extern const struct cli_verb verb_bucket_create, verb_bucket_ls, verb_bucket_rm;
extern const struct cli_verb verb_data_put, verb_data_get, verb_data_ls, verb_data_rm;
extern const struct cli_verb verb_key_create, verb_key_ls, verb_key_show, verb_key_policy, verb_key_enable,
	verb_key_disable, verb_key_identity;
extern const struct cli_verb verb_policy_put, verb_policy_get, verb_policy_ls, verb_policy_rm;
extern const struct cli_verb verb_role_create, verb_role_ls, verb_role_rm;
extern const struct cli_verb verb_session_whoami;
extern const struct cli_verb verb_user_create, verb_user_ls, verb_user_rm;
