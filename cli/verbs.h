/* verbs.h: every verb of the command line; each is in verb/<its name>.c. */
#pragma once
#include "cli/cli.h"

extern const struct cli_verb verb_seal, verb_open, verb_completion;
extern const struct cli_verb verb_key_identity;
