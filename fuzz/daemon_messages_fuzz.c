/* The bodies that roles and supervisor read from each other: the first byte chooses the reader; what is accepted must
 * write to the same bytes. */
#include <stdlib.h>

#include "base/limits.h"
#include "daemon/front/settings.h"
#include "daemon/link/control.h"
#include "daemon/link/events.h"
#include "daemon/link/front_watch.h"
#include "daemon/link/ping.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define TRY_READER(take, put, type)                                                              \
	do {                                                                                     \
		type value_;                                                                     \
		if (take(body, &value_, &why) != ERR_OK)                                         \
			break;                                                                   \
		if (put(again, &value_, NULL) != ERR_OK || !slice_equal(buf_slice(again), body)) \
			abort();                                                                 \
	} while (0)

static void try_reader(uint8_t which, struct slice body, struct buf *again)
{
	struct why why;

	switch (which) {
	case 0:
		TRY_READER(control_config_take, control_config_put, struct control_config);
		break;
	case 1:
		TRY_READER(control_violation_take, control_violation_put, struct control_violation);
		break;
	case 2:
		TRY_READER(event_take, event_put, struct event);
		break;
	case 3:
		TRY_READER(pong_take, pong_put, struct pong);
		break;
	case 4:
		TRY_READER(control_link_take, control_link_put, struct control_link);
		break;
	case 5:
		TRY_READER(control_ready_take, control_ready_put, struct control_ready);
		break;
	case 6:
		TRY_READER(event_counts_take, event_counts_put, struct event_counts);
		break;
	case 7:
		TRY_READER(front_settings_take, front_settings_put, struct front_settings);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	CLEANUP(buf_freep) struct buf *again = NULL;

	if (len == 0 || len > IPC_INLINE_BYTES_MAX || buf_new(IPC_INLINE_BYTES_MAX, &again, NULL) != ERR_OK)
		return 0;
	try_reader(bytes[0], slice_of(bytes + 1, len - 1), again);
	return 0;
}
