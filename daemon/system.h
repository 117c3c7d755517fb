/* system.h: which roles there are, and which of them may talk to each other. Everything that starts, wires or stops
 * roles reads these tables; nothing else knows them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Numbers travel in messages and order the users of the roles: never change one. */
enum role_number {
	ROLE_SUPERVISOR = 0,
	ROLE_FRONT = 1,
	ROLE_KEYS = 2,
	ROLE_LEDGER = 3,
	ROLE_VERIFIER = 4,
	ROLE_TOKEN = 5,
	ROLE_RUNNER = 6,
	ROLE_WATCH = 7,
	ROLE_COURIER = 8,
	ROLE_NUMBER_MAX = 15,
};

struct role_spec;

/* Two roles that may talk. With `is_per_worker` there is, beside instance 0 for the two main loops, one link for each
 * worker thread of `one`, numbered from 1. */
struct link_spec {
	enum role_number one, other;
	bool is_per_worker;
};

struct system {
	const struct role_spec *const *roles;
	size_t role_count;
	const struct link_spec *links;
	size_t link_count;
};

/* What is shipped. */
extern const struct system cloister_system;

/* NULL when there is no such role. */
const struct role_spec *system_role_by_name(const struct system *system, struct slice name);
const struct role_spec *system_role(const struct system *system, uint16_t number);

/* Whether there is a link between two roles. */
bool system_has_link(const struct system *system, uint16_t one, uint16_t other);

/* For logs: "supervisor" for the supervisor, "?" for a number that has no role. Static. */
const char *system_role_name(const struct system *system, uint16_t number);

/* The program: `cloisterd --role NAME` is that role, anything else the supervisor. Returns the exit status. */
int cloisterd_main(int argc, char **argv, const struct system *system);
