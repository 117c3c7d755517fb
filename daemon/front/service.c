#include "daemon/front/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/time.h"

/* --- workers ---------------------------------------------------------------------------------------------------- */

static void worker_close(void *worker)
{
	struct front_worker *w = worker;

	if (!w)
		return;
	index_close(w->index);
	buf_free(w->message);
	buf_free(w->body);
	buf_free(w->answer);
	free(w->piece);
	free(w);
}

static void worker_closep(struct front_worker **w)
{
	worker_close(*w);
	*w = NULL;
}

/* On the main thread, before the worker's own starts. */
static int worker_open(void *context, void **ret_worker, struct why *reterr_why)
{
	CLEANUP(worker_closep) struct front_worker *w = calloc(1, sizeof *w);
	struct front *f = context;

	ENSURE(w, ERR_UNAVAILABLE, reterr_why, "out of memory for a worker");
	w->front = f;
	w->number = (uint16_t)(atomic_fetch_add(&f->next_worker, 1) % f->worker_count);
	w->keys = front_workers_client(f->workers, w->number, ROLE_KEYS);
	w->ledger = front_workers_client(f->workers, w->number, ROLE_LEDGER);
	w->piece = malloc(FRONT_PIECE_BYTES);
	ENSURE(w->piece, ERR_UNAVAILABLE, reterr_why, "out of memory for a worker");
	TRY(buf_new(IPC_BODY_BYTES_MAX, &w->message, reterr_why));
	TRY(buf_new(XML_BYTES_MAX, &w->body, reterr_why));
	TRY(buf_new(S3_ANSWER_BYTES_MAX, &w->answer, reterr_why));
	TRY(store_reader(f->store, &w->index, reterr_why));
	*ret_worker = take_ptr(w);
	return ERR_OK;
}

int front_worker_index(struct front_worker *w, struct index **ret_index, struct why *reterr_why)
{
	if (!w->index)
		TRY(store_reader(w->front->store, &w->index, reterr_why));
	*ret_index = w->index;
	return ERR_OK;
}

int front_worker_looked(struct front_worker *w, int err)
{
	if (err != ERR_OK && err != ERR_NOTFOUND) {
		index_close(w->index);
		w->index = NULL;
	}
	return err;
}

/* While a role is being restarted its link is missing for a moment. */
static void wait_for_link(const struct ipc_client *client)
{
	const uint64_t until = time_mono_ms() + FRONT_LINK_WAIT_MS;
	const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};

	while (!ipc_client_has_socket(client) && time_mono_ms() < until)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

int front_worker_call(struct front_worker *w, enum role_number role, uint16_t type, struct slice body,
                      struct ipc_message *ret_reply, struct why *reterr_why)
{
	struct ipc_client *client = role == ROLE_KEYS ? w->keys : w->ledger;
	struct why violation;
	int err;

	wait_for_link(client);
	err = ipc_client_call(client, type, body, time_mono_ms() + FRONT_CALL_MS, ret_reply, reterr_why);
	if (err != ERR_OK && ipc_client_violation(client, &violation))
		front_mailbox_violation(w->front->mailbox, role, (uint16_t)(w->number + 1), &violation);
	return err;
}

/* --- the collector ---------------------------------------------------------------------------------------------- */

/* Sleeps; true when front stops. */
static bool pause_until_next(struct front *f)
{
	struct timespec until;
	bool is_stopping;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += FRONT_COLLECT_MS / 1000;
	pthread_mutex_lock(&f->lock);
	while (!f->is_stopping && pthread_cond_timedwait(&f->wake, &f->lock, &until) != ETIMEDOUT)
		;
	is_stopping = f->is_stopping;
	pthread_mutex_unlock(&f->lock);
	return is_stopping;
}

static void *collect(void *arg)
{
	struct front *f = arg;

	while (!pause_until_next(f)) {
		struct why why;
		uint32_t removed = 1;

		while (removed) {
			if (store_collect(f->store, &removed, &why) == ERR_OK)
				continue;
			LOG(LOG_WARN, "store.collect_failed", LOG_STR("why", why.text));
			break;
		}
	}
	return NULL;
}

static int start_collector(struct front *f, struct why *reterr_why)
{
	pthread_condattr_t attributes;
	int err;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&f->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&f->lock, NULL);
	err = pthread_create(&f->collector, NULL, collect, f);
	ENSURE(err == 0, ERR_UNAVAILABLE, reterr_why, "cannot start the store's collector");
	f->has_collector = true;
	return ERR_OK;
}

static void stop_collector(struct front *f)
{
	if (!f->has_collector)
		return;
	pthread_mutex_lock(&f->lock);
	f->is_stopping = true;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->collector, NULL);
	f->has_collector = false;
}

/* --- serving ---------------------------------------------------------------------------------------------------- */

/* Reads certificate and key, and makes `*inout_tls` of them, or renews it. ERR_NOTFOUND while there are none. */
static int load_tls(struct front *f, struct why *reterr_why)
{
	CLEANUP(buf_freep) struct buf *chain = NULL;
	CLEANUP(secret_freep) struct secret *key = NULL;
	struct tls_server_config config;

	TRY(buf_new(X509_PEM_BYTES_MAX, &chain, reterr_why));
	TRY(file_read(f->role->directory_fd, "tls-cert.pem", chain, reterr_why));
	TRY(file_read_secret("tls-key.pem", &key, reterr_why)); /* the directory is our working directory */
	config = (struct tls_server_config){.chain_pem = buf_slice(chain), .key_pem = key};
	if (f->tls)
		return tls_server_reload(f->tls, &config, reterr_why);
	return tls_server_new(&config, &f->tls, reterr_why);
}

/* Hands the server a copy of a listening socket, so that it can be started anew. */
static int listen_on(struct http_server *server, int listener_fd, struct tls_server *tls, struct why *reterr_why)
{
	CLEANUP(fd_closep) int fd = fcntl(listener_fd, F_DUPFD_CLOEXEC, 0);

	ENSURE_SYS(fd >= 0, reterr_why, "cannot copy the listener");
	TRY(http_server_listen(server, fd, tls, reterr_why));
	(void)take_fd(fd);
	return ERR_OK;
}

static int serve(struct front *f, struct why *reterr_why)
{
	CLEANUP(http_server_freep) struct http_server *server = NULL;
	struct http_server_config config;

	http_server_config_init(&config);
	config.handle = front_handle;
	config.worker_open = worker_open;
	config.worker_close = worker_close;
	config.context = f;
	config.workers = f->worker_count;
	TRY(http_server_new(&config, &server, reterr_why));
	if (f->tls)
		TRY(listen_on(server, f->role->listener_fd, f->tls, reterr_why));
	if (f->role->insecure_listener_fd >= 0)
		TRY(listen_on(server, f->role->insecure_listener_fd, NULL, reterr_why));
	TRY(http_server_start(server, reterr_why));
	f->server = take_ptr(server);
	return ERR_OK;
}

int front_service_start(struct front *f, struct why *reterr_why)
{
	struct why why;
	int err;

	TRY(front_mailbox_new(f->role, &f->mailbox, reterr_why));
	TRY(front_buckets_new(&f->buckets, reterr_why));
	TRY(store_open(f->role->directory_fd, ".", &f->store, reterr_why));
	TRY(start_collector(f, reterr_why));
	err = load_tls(f, &why);
	if (err == ERR_NOTFOUND)
		LOG(LOG_WARN, "tls.no_certificate",
		    LOG_STR("why", "HTTPS is not served until tls-cert.pem and tls-key.pem are in store/; then send "
		                   "SIGHUP"));
	else if (err != ERR_OK) {
		why_set(reterr_why, "the certificate in store/ cannot be used: %s", why.text);
		return err;
	}
	if (!f->tls && f->role->insecure_listener_fd < 0)
		return ERR_OK;
	return serve(f, reterr_why);
}

void front_service_reload(struct front *f)
{
	bool had_tls = f->tls;
	struct why why;
	int err = load_tls(f, &why);

	if (err == ERR_OK && !had_tls) { /* the first one: now there is something to serve HTTPS with */
		http_server_free(take_ptr(f->server));
		atomic_store(&f->next_worker, 0);
		err = serve(f, &why);
		if (err != ERR_OK) {
			role_fail(f->role, err, &why);
			return;
		}
	}
	if (err == ERR_OK)
		LOG(LOG_INFO, "tls.reloaded");
	else
		LOG(LOG_ERROR, "tls.reload_failed", LOG_STR("why", why.text));
}

void front_service_stop(struct front *f)
{
	if (f->server)
		http_server_stop(f->server, FRONT_STOP_GRACE_MS);
	http_server_free(take_ptr(f->server));
	stop_collector(f);
	store_close(take_ptr(f->store));
	tls_server_free(take_ptr(f->tls));
	front_mailbox_free(take_ptr(f->mailbox));
	front_buckets_free(take_ptr(f->buckets));
	front_workers_free(take_ptr(f->workers));
}
