/* cloisterd with a stand-in for keys, so that front can be tested by itself. */
#include "standin.h"

enum { ROLES_MAX = ROLE_NUMBER_MAX };

static const struct role_spec *roles[ROLES_MAX];

int main(int argc, char **argv)
{
	struct system s = cloister_system;

	for (size_t i = 0; i < s.role_count && i < ROLES_MAX; i++)
		roles[i] = cloister_system.roles[i]->number == ROLE_KEYS ? &standin_role : cloister_system.roles[i];
	s.roles = roles;
	return cloisterd_main(argc, argv, &s);
}
