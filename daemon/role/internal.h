/* internal.h: what the files of role/ share. */
#pragma once
#include "daemon/role/role.h"

/* The supervisor's end: the only descriptor beside standard error that a role is born with. */
#define ROLE_CONTROL_FD 3

/* configure.c: the permit tables for the supervisor and for everyone. */
extern const struct ipc_permits role_control_permits;
extern const struct ipc_permits role_common_permits;

/* lockdown.c: gives up everything that the role does not need. */
MUST_USE int role_lock_down(struct role *role, struct why *reterr_why);

/* links.c */
MUST_USE int role_links_add(struct role *role, const struct control_link *where, int fd, struct why *reterr_why);
void role_links_free(struct role *role);

/* events.c */
MUST_USE int role_events_new(struct role *role, struct why *reterr_why);
void role_events_free(struct role_events *events);
/* There is a new link to watch: what is not acknowledged goes over it. */
void role_events_resend(struct role_events *events);
