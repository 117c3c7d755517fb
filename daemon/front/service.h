/* service.h: what front's process is made of: the store, the HTTP server, and what each worker thread has for itself.
 */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "daemon/front/buckets.h"
#include "daemon/front/mailbox.h"
#include "daemon/front/workers.h"
#include "daemon/link/front_keys.h"
#include "net/http_server.h"
#include "store/store.h"
#include "wire/s3.h"

struct front {
	struct role *role;
	uint16_t worker_count;
	struct front_workers *workers;
	struct front_mailbox *mailbox;
	struct front_buckets *buckets;
	struct store *store;
	struct tls_server *tls; /* NULL while there is no certificate: HTTPS is not served then */
	struct http_server *server;
	atomic_uint next_worker;

	pthread_t collector;
	bool has_collector;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_stopping;
};

/* One thread's own. */
struct front_worker {
	struct front *front;
	uint16_t number;
	struct ipc_client *keys, *ledger;
	struct index *index;       /* NULL after an error: opened anew */
	uint8_t *piece;            /* FRONT_PIECE_BYTES */
	struct buf *message;       /* a call on its way to keys */
	struct buf *body;          /* of a request that is read as a whole */
	struct buf *answer;        /* XML */
	struct s3_request request; /* of the exchange that is running */
	struct s3_chunks chunks;   /* that wait to be verified */
	char signatures[S3_CHUNKS_PER_CALL_MAX][65];
};

/* http_server_config.handle: which part of Cloister a request is for. */
MUST_USE int front_handle(struct http_exchange *x, void *worker, void *context, struct why *reterr_why);

/* The reading handle on the index. */
MUST_USE int front_worker_index(struct front_worker *w, struct index **ret_index, struct why *reterr_why);

/* Passes a lookup's result on; after an error that left the handle in an unknown state the next lookup gets a new one.
 */
MUST_USE int front_worker_looked(struct front_worker *w, int err);

/* A call to keys or ledger, with front's deadline; reports a peer that broke the protocol. */
MUST_USE int front_worker_call(struct front_worker *w, enum role_number role, uint16_t type, struct slice body,
                               struct ipc_message *ret_reply, struct why *reterr_why);

/* Starts serving; locked up already. */
MUST_USE int front_service_start(struct front *f, struct why *reterr_why);
void front_service_stop(struct front *f);

/* Puts the certificate that is there now in force. */
void front_service_reload(struct front *f);
