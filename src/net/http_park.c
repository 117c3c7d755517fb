#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "net/http_conn.h"

/* An event names the slot and the time it was parked, so that one which was already on its way when the slot changed
 * hands is recognised. */
static uint64_t event_of(const struct http_server *s, const struct http_conn *c)
{
	return (uint64_t)c->arm << 32 | (uint64_t)(c - s->conns);
}

/* Watches for one event. Lock held. */
static void arm(struct http_server *s, struct http_conn *c, uint32_t events)
{
	struct epoll_event e = {.events = events | EPOLLONESHOT};
	int op = c->is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	c->arm++;
	e.data.u64 = event_of(s, c);
	/* Fails only without kernel memory for a first watch; the connection then ends with its deadline, when
	 * expire() tries again. */
	if (epoll_ctl(s->epoll_fd, op, c->fd, &e) == 0)
		c->is_watched = true;
}

/* Lets a worker end a parked connection: with its reading half shut the event comes at once, whatever the peer does,
 * and a last answer can still be written. Lock held. */
static void expire(struct http_server *s, struct http_conn *c)
{
	c->expired = true;
	(void)shutdown(c->fd, SHUT_RD);
	arm(s, c, EPOLLIN);
}

static bool same_peer(const struct socket_peer *a, const struct socket_peer *b)
{
	return slice_equal(slice_of(a->key, sizeof a->key), slice_of(b->key, sizeof b->key));
}

/* Lock held. */
static struct http_conn *find_free(struct http_server *s, const struct socket_peer *peer, bool *ret_peer_full)
{
	struct http_conn *found = NULL;
	unsigned same = 0;

	for (unsigned i = 0; i < s->config.connections_max; i++) {
		struct http_conn *c = &s->conns[i];

		if (!c->in_use)
			found = found ? found : c;
		else if (!peer->is_unix && !c->peer.is_unix && same_peer(&c->peer, peer))
			same++;
	}
	*ret_peer_full = same >= s->config.connections_per_peer_max;
	return found;
}

/* A full table must not stay full of peers that have nothing to say: the one that has been idle for longest goes, and
 * the next to come finds room. Lock held. */
static void make_room(struct http_server *s)
{
	struct http_conn *longest = NULL;

	for (unsigned i = 0; i < s->config.connections_max; i++) {
		struct http_conn *c = &s->conns[i];
		bool is_idle = c->in_use && c->parked && !c->expired && c->state == HTTP_CONN_HEAD && !c->in_len;

		if (is_idle && (!longest || c->deadline_mono_ms < longest->deadline_mono_ms))
			longest = c;
	}
	if (longest)
		expire(s, longest);
}

int http_conn_open(struct http_server *s, int fd, const struct socket_peer *peer, struct tls_server *tls,
                   struct why *reterr_why)
{
	struct http_conn *c;
	bool peer_full;
	uint32_t arms;

	pthread_mutex_lock(&s->lock);
	c = find_free(s, peer, &peer_full);
	if (!c || peer_full) {
		if (!peer_full)
			make_room(s);
		pthread_mutex_unlock(&s->lock);
		atomic_fetch_add(peer_full ? &s->counters.refused_peer : &s->counters.refused_full, 1);
		why_set(reterr_why, peer_full ? "too many connections from %s" : "too many connections, among them %s",
		        peer->address);
		return ERR_LIMIT;
	}
	arms = c->arm;
	*c = (struct http_conn){
		.in_use = true,
		.parked = true,
		.arm = arms,
		.fd = fd,
		.peer = *peer,
		.tls = tls,
		.state = HTTP_CONN_HANDSHAKE,
		.phase_mono_ms = time_mono_ms(),
	};
	c->deadline_mono_ms = c->phase_mono_ms + s->config.handshake_ms;
	s->conn_count++;
	arm(s, c, EPOLLIN);
	pthread_mutex_unlock(&s->lock);
	return ERR_OK;
}

struct http_conn *http_conn_claim(struct http_server *s, uint64_t event)
{
	uint32_t slot = (uint32_t)event;
	struct http_conn *c = NULL;

	pthread_mutex_lock(&s->lock);
	if (slot < s->config.connections_max && s->conns[slot].in_use && s->conns[slot].parked &&
	    event_of(s, &s->conns[slot]) == event) {
		c = &s->conns[slot];
		c->parked = false;
	}
	pthread_mutex_unlock(&s->lock);
	return c;
}

void http_conn_park(struct http_server *s, struct http_conn *c, enum net_want want, uint64_t deadline_mono_ms)
{
	pthread_mutex_lock(&s->lock);
	c->parked = true;
	c->deadline_mono_ms = deadline_mono_ms;
	if (atomic_load(&s->is_stopping) && c->state != HTTP_CONN_LINGER)
		expire(s, c);
	else
		arm(s, c, want == NET_WANT_WRITE ? EPOLLOUT : EPOLLIN);
	pthread_mutex_unlock(&s->lock);
}

void http_conn_close(struct http_server *s, struct http_conn *c)
{
	struct stream *stream = c->stream;
	int fd = c->fd;

	free(c->in);
	c->in = NULL;
	pthread_mutex_lock(&s->lock);
	c->stream = NULL;
	c->in_use = false;
	s->conn_count--;
	if (s->conn_count == 0)
		pthread_cond_broadcast(&s->emptied);
	pthread_mutex_unlock(&s->lock);
	/* Only now, so that whoever holds the lock can rely on the descriptors of slots in use. */
	stream_free(stream);
	close(fd);
}

void http_conn_sweep(struct http_server *s)
{
	uint64_t now = time_mono_ms();

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->config.connections_max; i++) {
		struct http_conn *c = &s->conns[i];

		if (!c->in_use || !c->parked || (c->expired && c->is_watched))
			continue;
		if (now >= c->deadline_mono_ms || (atomic_load(&s->is_stopping) && c->state != HTTP_CONN_LINGER))
			expire(s, c);
	}
	pthread_mutex_unlock(&s->lock);
}
