#include "daemon/system.h"

#include "daemon/courier/courier.h"
#include "daemon/front/front.h"
#include "daemon/keys/keys.h"
#include "daemon/ledger/ledger.h"
#include "daemon/runner/runner.h"
#include "daemon/token/token.h"
#include "daemon/verifier/verifier.h"
#include "daemon/watch/watch.h"

static const struct role_spec *const roles[] = {
	&front_role, &keys_role, &ledger_role, &verifier_role, &token_role, &runner_role, &watch_role, &courier_role,
};

static const struct link_spec links[] = {
	{ROLE_FRONT, ROLE_KEYS, .is_per_worker = true},
	{ROLE_FRONT, ROLE_LEDGER, .is_per_worker = true},
	{ROLE_FRONT, ROLE_RUNNER, .is_per_worker = true},
	{ROLE_FRONT, ROLE_WATCH, .is_per_worker = true},
	{ROLE_KEYS, ROLE_LEDGER},
	{ROLE_KEYS, ROLE_VERIFIER},
	{ROLE_KEYS, ROLE_TOKEN},
	{ROLE_RUNNER, ROLE_KEYS},
	{ROLE_RUNNER, ROLE_LEDGER},
	{ROLE_RUNNER, ROLE_TOKEN},
	{ROLE_COURIER, ROLE_FRONT},
	{ROLE_COURIER, ROLE_TOKEN},
	/* Events; front's link above carries them too. */
	{ROLE_KEYS, ROLE_WATCH},
	{ROLE_LEDGER, ROLE_WATCH},
	{ROLE_VERIFIER, ROLE_WATCH},
	{ROLE_TOKEN, ROLE_WATCH},
	{ROLE_RUNNER, ROLE_WATCH},
	{ROLE_COURIER, ROLE_WATCH},
};

const struct system cloister_system = {
	.roles = roles,
	.role_count = sizeof roles / sizeof *roles,
	.links = links,
	.link_count = sizeof links / sizeof *links,
};
