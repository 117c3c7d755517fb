#include <stdio.h>

#include "base/log.h"
#include "daemon/init/init.h"
#include "daemon/role/role.h"
#include "daemon/supervisor/options.h"
#include "daemon/supervisor/supervisor.h"
#include "daemon/system.h"

/* Started by the supervisor, with the control channel as descriptor 3. */
static int run_role(const struct system *system, const char *name)
{
	const struct role_spec *spec = system_role_by_name(system, slice_str(name));

	if (!spec) {
		dprintf(2, "cloisterd: there is no role %s\n", name);
		return 2;
	}
	return role_main(spec, system);
}

int cloisterd_main(int argc, char **argv, const struct system *system)
{
	struct supervisor_config config;
	struct why why;
	int err;

	if (argc == 3 && slice_is_str(slice_str(argv[1]), "--role"))
		return run_role(system, argv[2]);
	if (argc == 2 && slice_is_str(slice_str(argv[1]), "--help")) {
		dprintf(1, "%s", supervisor_usage);
		return 0;
	}
	if (argc >= 2 && slice_is_str(slice_str(argv[1]), "--init")) {
		err = init_run(argc - 2, argv + 2, system, &why);
		if (err != ERR_OK)
			dprintf(2, "cloisterd: %s\n", why.text);
		return err_exit_status(err);
	}
	log_open("supervisor", LOG_INFO);
	err = supervisor_options_read(argc, argv, system, &config, &why);
	if (err == ERR_OK)
		err = supervisor_run(&config, system, &why);
	if (err != ERR_OK)
		dprintf(2, "cloisterd: %s\n", why.text);
	return err_exit_status(err);
}
