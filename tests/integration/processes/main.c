/* cloisterd with the probe: the shipped tables, each role with the probe's messages, each linked to the probe. Towards
 * ledger the probe is what keys and front are. */
#include "daemon/ledger/handlers.h"
#include "probe.h"

enum { ROLES_MAX = ROLE_NUMBER_MAX, LINKS_MAX = 64 };

static struct role_spec specs[ROLES_MAX];
static struct ipc_permits permits[ROLES_MAX][4];
static const struct role_spec *roles[ROLES_MAX + 1];
static struct link_spec links[LINKS_MAX];

enum { LEDGER_PERMITS_MAX = 16 };

/* The ledger's own table, for another peer. */
static struct ipc_permits for_probe(const struct ipc_permits *table)
{
	static struct ipc_permit list[LEDGER_PERMITS_MAX];
	size_t count = table->count < LEDGER_PERMITS_MAX ? table->count : LEDGER_PERMITS_MAX;

	for (size_t i = 0; i < count; i++) {
		list[i] = table->list[i];
		list[i].peer = ROLE_PROBE;
	}
	return (struct ipc_permits){list, count};
}

static struct system with_probe(void)
{
	const struct system *shipped = &cloister_system;
	struct system s = {.roles = roles, .links = links};

	for (size_t i = 0; i < shipped->link_count; i++)
		links[s.link_count++] = shipped->links[i];
	roles[s.role_count++] = &probe_role;
	for (size_t i = 0; i < shipped->role_count; i++) {
		specs[i] = *shipped->roles[i];
		for (size_t p = 0; p < specs[i].permits_count; p++)
			permits[i][p] = specs[i].permits[p];
		permits[i][specs[i].permits_count++] = probe_permits;
		if (specs[i].number == ROLE_LEDGER)
			permits[i][specs[i].permits_count++] = for_probe(&ledger_permits);
		specs[i].permits = permits[i];
		roles[s.role_count++] = &specs[i];
		links[s.link_count++] = (struct link_spec){ROLE_PROBE, specs[i].number, false};
	}
	return s;
}

int main(int argc, char **argv)
{
	const struct system system = with_probe();

	return cloisterd_main(argc, argv, &system);
}
