#include "daemon/system.h"

#include "daemon/role/role.h"

const struct role_spec *system_role_by_name(const struct system *system, struct slice name)
{
	for (size_t i = 0; i < system->role_count; i++)
		if (slice_is_str(name, system->roles[i]->name))
			return system->roles[i];
	return NULL;
}

const struct role_spec *system_role(const struct system *system, uint16_t number)
{
	for (size_t i = 0; i < system->role_count; i++)
		if (system->roles[i]->number == number)
			return system->roles[i];
	return NULL;
}

bool system_has_link(const struct system *system, uint16_t one, uint16_t other)
{
	for (size_t i = 0; i < system->link_count; i++) {
		const struct link_spec *link = &system->links[i];

		if ((link->one == one && link->other == other) || (link->one == other && link->other == one))
			return true;
	}
	return false;
}

const char *system_role_name(const struct system *system, uint16_t number)
{
	const struct role_spec *spec = system_role(system, number);

	if (number == ROLE_SUPERVISOR)
		return "supervisor";
	return spec ? spec->name : "?";
}
