#include "daemon/front/workers.h"

#include <stdlib.h>

static const enum role_number called_roles[] = {ROLE_KEYS, ROLE_LEDGER, ROLE_RUNNER, ROLE_WATCH};
enum { CALLED_ROLES = sizeof called_roles / sizeof *called_roles };

struct front_workers {
	uint16_t count;
	struct ipc_client *clients[][CALLED_ROLES];
};

void front_workers_free(struct front_workers *workers)
{
	if (!workers)
		return;
	for (uint16_t w = 0; w < workers->count; w++)
		for (size_t r = 0; r < CALLED_ROLES; r++)
			ipc_client_free(workers->clients[w][r]);
	free(workers);
}

int front_workers_new(uint16_t count, struct front_workers **ret_workers, struct why *reterr_why)
{
	struct front_workers *workers = calloc(1, sizeof *workers + count * sizeof *workers->clients);

	ENSURE(workers, ERR_UNAVAILABLE, reterr_why, "out of memory for %u workers", count);
	workers->count = count;
	for (uint16_t w = 0; w < count; w++) {
		for (size_t r = 0; r < CALLED_ROLES; r++) {
			int err = ipc_client_new(&workers->clients[w][r], reterr_why);

			if (err != ERR_OK) {
				front_workers_free(workers);
				return err;
			}
		}
	}
	*ret_workers = workers;
	return ERR_OK;
}

struct ipc_client *front_workers_client(struct front_workers *workers, uint16_t worker, enum role_number role)
{
	for (size_t r = 0; r < CALLED_ROLES; r++)
		if (called_roles[r] == role && worker < workers->count)
			return workers->clients[worker][r];
	return NULL;
}

bool front_workers_connect(struct front_workers *workers, const struct control_link *link, int fd)
{
	struct ipc_client *client = NULL;

	if (link->instance > 0)
		client = front_workers_client(workers, (uint16_t)(link->instance - 1), (enum role_number)link->peer);
	if (!client)
		return false;
	ipc_client_connect(client, fd);
	return true;
}
