/* mailbox.h: how a worker thread of front says something through the main thread, which alone may speak to watch and
 * to the supervisor. */
#pragma once
#include <stdint.h>

#include "daemon/role/role.h"

struct front_mailbox;

/* Listens in the role's loop. */
MUST_USE int front_mailbox_new(struct role *role, struct front_mailbox **ret_mailbox, struct why *reterr_why);
void front_mailbox_free(struct front_mailbox *m);

/* Any thread: an event for watch (role_event()), which is logged too; a report on a peer that broke the protocol. What
 * finds the box full is logged and lost. */
void front_mailbox_event(struct front_mailbox *m, enum event_severity severity, const char *name,
                         const char *detail_json);
void front_mailbox_violation(struct front_mailbox *m, enum role_number peer, uint16_t instance, const struct why *why);
