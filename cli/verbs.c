#include "cli/verbs.h"

const struct cli_verb *const cli_verbs[] = {
	&verb_seal, &verb_open, &verb_completion, &verb_key_identity, NULL,
};

const struct cli_noun cli_nouns[] = {
	{"key", "identities to seal to"},
	{0},
};
