#include "cli/opener.h"

#include "cli/passphrase.h"
#include "cli/recipient.h"

int opener_new(const struct cli *cli, struct opener *ret_opener, struct why *reterr_why)
{
	CLEANUP(opener_clear) struct opener o = {.passphrase_file = cli_value(cli, "passphrase-file")};
	const char *path;

	while ((path = cli_value_at(cli, "identity", o.identity_count))) {
		ENSURE(o.identity_count < OPENER_IDENTITIES_MAX, ERR_LIMIT, reterr_why,
		       "more than %d identities; name those that the file may be for", OPENER_IDENTITIES_MAX);
		TRY(identity_read(path, &o.identities[o.identity_count], reterr_why));
		o.identity_count++;
	}
	/* Who names an identity wants no question. */
	o.may_ask = o.identity_count == 0;
	*ret_opener = o;
	o = (struct opener){0};
	return ERR_OK;
}

void opener_clear(struct opener *o)
{
	for (size_t i = 0; i < o->identity_count; i++)
		secret_free(o->identities[i]);
	secret_free(o->passphrase);
	*o = (struct opener){0};
}

static int by_passphrase(struct opener *o, const struct seal_wrap *wrap, const uint8_t *core_hash,
                         struct secret **ret_key, struct why *reterr_why)
{
	ENSURE(o->passphrase_file || o->may_ask, ERR_NOTFOUND, reterr_why, "no passphrase is given");
	o->has_tried = true;
	if (!o->passphrase)
		TRY(passphrase_read(o->passphrase_file, false, &o->passphrase, reterr_why));
	return seal_wrap_open_passphrase(wrap, core_hash, o->passphrase, ret_key, reterr_why);
}

static int by_identity(struct opener *o, const struct seal_wrap *wrap, const uint8_t *core_hash,
                       struct secret **ret_key, struct why *reterr_why)
{
	int err = ERR_NOTFOUND;

	why_set(reterr_why, "no identity is given");
	for (size_t i = 0; i < o->identity_count && err == ERR_NOTFOUND; i++)
		err = seal_wrap_open_hpke(wrap, core_hash, o->identities[i], ret_key, reterr_why);
	o->has_tried |= err != ERR_NOTFOUND;
	return err;
}

static int unwrap(void *self, const struct seal_wrap *wrap, const uint8_t core_hash[static SEAL_HASH_BYTES],
                  struct secret **ret_key, struct why *reterr_why)
{
	struct opener *o = self;

	o->has_met[wrap->kind] = true;
	switch (wrap->kind) {
	case SEAL_WRAP_PASSPHRASE:
		return by_passphrase(o, wrap, core_hash, ret_key, reterr_why);
	case SEAL_WRAP_HPKE:
		return by_identity(o, wrap, core_hash, ret_key, reterr_why);
	default:
		why_set(reterr_why, "this kind of key is not at hand");
		return ERR_NOTFOUND;
	}
}

struct seal_key_source opener_source(struct opener *o)
{
	return (struct seal_key_source){unwrap, o};
}

int opener_explain(const struct opener *o, int err, struct why *reterr_why)
{
	bool by_identity = o->has_met[SEAL_WRAP_HPKE], by_passphrase = o->has_met[SEAL_WRAP_PASSPHRASE];

	if (err_class(err) != ERR_DENIED || o->has_tried)
		return err;
	if (by_identity && o->identity_count)
		why_set(reterr_why, "it is sealed to other recipients than the given identities'%s",
		        by_passphrase ? "; a passphrase opens it too: --passphrase-file FILE" : "");
	else if (by_identity)
		why_set(reterr_why, "it is sealed to a recipient; give that one's identity: --identity FILE%s",
		        by_passphrase ? ", or --passphrase-file FILE" : "");
	else if (by_passphrase)
		why_set(reterr_why, "it is sealed to a passphrase; give it: --passphrase-file FILE");
	return err;
}
