#include "daemon/front/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

struct letter {
	bool is_violation;
	enum event_severity severity;
	const char *name; /* static */
	char detail[EVENT_DETAIL_BYTES_MAX + 1];
	enum role_number peer;
	uint16_t instance;
	struct why why;
};

struct front_mailbox {
	struct role *role;
	struct ipc_watch *watch;
	int fd;
	pthread_mutex_t lock; /* guards what follows */
	size_t count;
	struct letter letters[FRONT_MAILBOX_MAX];
};

static bool take_first(struct front_mailbox *m, struct letter *ret)
{
	bool is_there;

	pthread_mutex_lock(&m->lock);
	is_there = m->count > 0;
	if (is_there) {
		*ret = m->letters[0];
		m->count--;
		memmove(m->letters, m->letters + 1, m->count * sizeof *m->letters);
	}
	pthread_mutex_unlock(&m->lock);
	return is_there;
}

static void deliver(void *arg, uint32_t events)
{
	struct front_mailbox *m = arg;
	struct letter letter;
	uint64_t count;
	(void)events;

	(void)!read(m->fd, &count, sizeof count);
	while (take_first(m, &letter)) {
		if (letter.is_violation)
			role_report_violation(m->role, (uint16_t)letter.peer, letter.instance, &letter.why);
		else
			(void)!role_event(m->role, letter.severity, letter.name, letter.detail, NULL);
	}
}

int front_mailbox_new(struct role *role, struct front_mailbox **ret_mailbox, struct why *reterr_why)
{
	struct front_mailbox *m = calloc(1, sizeof *m);
	int err;

	ENSURE(m, ERR_UNAVAILABLE, reterr_why, "out of memory for the mailbox");
	m->role = role;
	pthread_mutex_init(&m->lock, NULL);
	m->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = m->fd >= 0 ? ipc_watch_new(role->loop, m->fd, EPOLLIN, deliver, m, &m->watch, reterr_why)
	                 : why_errno(reterr_why, errno, "cannot make an eventfd");
	if (err != ERR_OK) {
		front_mailbox_free(m);
		return err;
	}
	*ret_mailbox = m;
	return ERR_OK;
}

void front_mailbox_free(struct front_mailbox *m)
{
	if (!m)
		return;
	if (m->watch)
		ipc_watch_free(m->watch);
	fd_closep(&m->fd);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static void post(struct front_mailbox *m, const struct letter *letter)
{
	const uint64_t one = 1;
	bool has_room;

	pthread_mutex_lock(&m->lock);
	has_room = m->count < FRONT_MAILBOX_MAX;
	if (has_room)
		m->letters[m->count++] = *letter;
	pthread_mutex_unlock(&m->lock);
	if (!has_room)
		LOG(LOG_ERROR, "event.lost", LOG_STR("name", letter->name), LOG_STR("why", "the mailbox is full"));
	(void)!write(m->fd, &one, sizeof one);
}

void front_mailbox_event(struct front_mailbox *m, enum event_severity severity, const char *name,
                         const char *detail_json)
{
	struct letter letter = {.severity = severity, .name = name};

	snprintf(letter.detail, sizeof letter.detail, "%s", detail_json);
	LOG(LOG_ERROR, name, LOG_STR("detail", detail_json));
	post(m, &letter);
}

void front_mailbox_violation(struct front_mailbox *m, enum role_number peer, uint16_t instance, const struct why *why)
{
	struct letter letter = {
		.is_violation = true, .name = "link.violation", .peer = peer, .instance = instance, .why = *why};

	post(m, &letter);
}
