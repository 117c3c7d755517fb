#include "cli/verbs.h"

const struct cli_verb *const cli_verbs[] = {
	&verb_seal,         &verb_open,       &verb_login,       &verb_completion,
	&verb_audit_verify, &verb_key_create, &verb_key_ls,      &verb_key_show,
	&verb_key_policy,   &verb_key_enable, &verb_key_disable, &verb_key_identity,
	&verb_policy_put,   &verb_policy_get, &verb_policy_ls,   &verb_policy_rm,
	&verb_role_create,  &verb_role_ls,    &verb_role_rm,     &verb_session_whoami,
	&verb_user_create,  &verb_user_ls,    &verb_user_rm,     NULL,
};

const struct cli_noun cli_nouns[] = {
	{"audit", "what the log proves"},
	{"key", "keys of the installation, and identities to seal to"},
	{"policy", "what users and roles may do"},
	{"role", "roles, which others may assume"},
	{"session", "as whom you call"},
	{"user", "the account's users"},
	{0},
};
