/* control.h: what the supervisor and a role say to each other (docs/protocol/roles.md 1). All are notices.
 *
 * Order: CONFIG, then DIRECTORY and LISTENER as the role needs them, then START; the role locks itself up and says
 * READY, or says FAILED and ends. LINK comes at any time after START. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum control_type {
	/* from the supervisor */
	CONTROL_CONFIG = 0x0101,
	CONTROL_DIRECTORY = 0x0102, /* 1 descriptor: the role's state directory */
	CONTROL_LISTENER = 0x0103,  /* 1 descriptor: a listening socket */
	CONTROL_START = 0x0104,
	CONTROL_LINK = 0x0105, /* 1 descriptor: a socket that leads to another role */
	CONTROL_STOP = 0x0106,
	CONTROL_RELOAD = 0x0107, /* certificates have changed */
	/* from the role */
	CONTROL_READY = 0x0181,
	CONTROL_FAILED = 0x0182, /* why it will end now: the body of an error reply */
	CONTROL_VIOLATION = 0x0183,
};

struct control_config {
	uint32_t starts; /* how often this role has been started, this time included */
	bool has_user;   /* become uid and gid */
	uint32_t uid, gid;
	struct slice settings; /* the role's own part of the configuration, for it to decode */
};

enum control_listener {
	LISTENER_HTTPS = 1,
	LISTENER_INSECURE_HTTP = 2, /* without TLS, on a loopback address */
};

/* The new link to `peer`; one with the same instance is replaced. */
struct control_link {
	uint16_t peer;
	uint16_t instance;
};

struct control_ready {
	uint32_t landlock_abi;
	uint32_t uid;
};

/* A peer broke the protocol. */
struct control_violation {
	uint16_t peer;
	uint16_t instance;
	struct why why;
};

/* Each pair writes and reads one body; reading refuses what is short, long or out of range. */
MUST_USE int control_config_put(struct buf *b, const struct control_config *c, struct why *reterr_why);
MUST_USE int control_config_take(struct slice body, struct control_config *ret, struct why *reterr_why);
MUST_USE int control_listener_put(struct buf *b, enum control_listener kind, struct why *reterr_why);
MUST_USE int control_listener_take(struct slice body, enum control_listener *ret, struct why *reterr_why);
MUST_USE int control_link_put(struct buf *b, const struct control_link *l, struct why *reterr_why);
MUST_USE int control_link_take(struct slice body, struct control_link *ret, struct why *reterr_why);
MUST_USE int control_ready_put(struct buf *b, const struct control_ready *r, struct why *reterr_why);
MUST_USE int control_ready_take(struct slice body, struct control_ready *ret, struct why *reterr_why);
MUST_USE int control_violation_put(struct buf *b, const struct control_violation *v, struct why *reterr_why);
MUST_USE int control_violation_take(struct slice body, struct control_violation *ret, struct why *reterr_why);
