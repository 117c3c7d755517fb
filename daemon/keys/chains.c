#include "daemon/keys/chains.h"

#include "base/encode.h"
#include "crypto/hash.h"

static void end(struct keys_chain *chain)
{
	iam_chunk_chain_clear(&chain->chain);
	*chain = (struct keys_chain){0};
}

void keys_chains_drop(struct keys_chains *c, uint16_t instance)
{
	for (size_t i = 0; i < KEYS_CHAINS_MAX; i++)
		if (c->list[i].handle && c->list[i].instance == instance)
			end(&c->list[i]);
}

void keys_chains_clear(struct keys_chains *c)
{
	for (size_t i = 0; i < KEYS_CHAINS_MAX; i++)
		end(&c->list[i]);
}

static struct keys_chain *find(struct keys_chains *c, uint32_t handle)
{
	for (size_t i = 0; i < KEYS_CHAINS_MAX; i++)
		if (c->list[i].handle == handle)
			return &c->list[i];
	return NULL;
}

int keys_chains_begin(struct keys_chains *c, struct iam *iam, const struct sigv4 *auth, uint16_t instance,
                      uint32_t *ret_handle, struct why *reterr_why)
{
	struct keys_chain *chain;

	keys_chains_drop(c, instance);
	chain = find(c, 0);
	ENSURE(chain, ERR_UNAVAILABLE, reterr_why, "%d bodies with signed chunks are under way already",
	       KEYS_CHAINS_MAX);
	TRY(iam_chunk_chain_begin(iam, auth, &chain->chain, reterr_why));
	if (++c->last == 0)
		c->last = 1;
	chain->handle = c->last;
	chain->instance = instance;
	chain->auth = *auth;
	chain->wants_trailer = auth->payload == SIGV4_PAYLOAD_CHUNKS_TRAILER;
	*ret_handle = chain->handle;
	return ERR_OK;
}

static int check_all(struct keys_chain *chain, const struct s3_chunks *chunks, struct why *reterr_why)
{
	uint8_t signature[SIGV4_DIGEST_BYTES], digest[SHA256_BYTES];

	for (size_t i = 0; i < chunks->count; i++) {
		int err = hex_decode(chunks->chunks[i].signature, signature, sizeof signature, reterr_why);

		if (err == ERR_OK)
			err = iam_chunk_chain_check(&chain->chain, &chain->auth, chunks->chunks[i].sha256, signature,
			                            reterr_why);
		ENSURE(err == ERR_OK, ERR_DENIED, reterr_why, "chunk %zu does not verify", i);
	}
	ENSURE(!chunks->is_last || chunks->has_trailer == chain->wants_trailer, ERR_DENIED, reterr_why,
	       "the trailer that was announced %s", chunks->has_trailer ? "is another one" : "is not there");
	if (!chunks->has_trailer)
		return ERR_OK;
	sha256(chunks->trailer, digest);
	ENSURE(hex_decode(chunks->trailer_signature, signature, sizeof signature, NULL) == ERR_OK &&
	               iam_chunk_chain_check_trailer(&chain->chain, &chain->auth, digest, signature, NULL) == ERR_OK,
	       ERR_DENIED, reterr_why, "the trailer does not verify");
	return ERR_OK;
}

int keys_chains_verify(struct keys_chains *c, uint16_t instance, const struct s3_chunks *chunks, struct why *reterr_why)
{
	struct keys_chain *chain = chunks->handle ? find(c, chunks->handle) : NULL;
	int err;

	ENSURE(chain && chain->instance == instance, ERR_NOTFOUND, reterr_why, "there is no such body under way");
	/* A trailer that comes before the end would let what follows it pass unsigned. */
	ENSURE(chunks->is_last || !chunks->has_trailer, ERR_DENIED, reterr_why, "a trailer before the last chunk");
	err = check_all(chain, chunks, reterr_why);
	if (err != ERR_OK || chunks->is_last)
		end(chain);
	return err;
}
