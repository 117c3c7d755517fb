#include "ledger_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"

void fixture_must(int err, const struct why *why, const char *what)
{
	if (err == ERR_OK)
		return;
	fprintf(stderr, "%s: %s (%s)\n", what, why->text, err_class_name(err));
	abort();
}

static int find_key(void *context, const uint8_t id[static RECORD_KEY_ID_BYTES], const struct secret **ret_secret,
                    struct why *reterr_why)
{
	struct fixture *f = context;

	ENSURE(!f->key_is_destroyed &&
	               slice_equal(slice_of(id, RECORD_KEY_ID_BYTES), slice_of(f->key.id, RECORD_KEY_ID_BYTES)),
	       ERR_NOTFOUND, reterr_why, "that key was destroyed");
	*ret_secret = f->secret;
	return ERR_OK;
}

void fixture_make(struct fixture *f, const char *parent)
{
	struct why why = {{0}};

	*f = (struct fixture){.dir_fd = -1};
	snprintf(f->path, sizeof f->path, "%s/ledger-XXXXXX", parent ? parent : "/tmp");
	if (!mkdtemp(f->path)) {
		perror(f->path);
		abort();
	}
	fixture_must(path_open_given(f->path, O_RDONLY | O_DIRECTORY, 0, &f->dir_fd, &why), &why, "open");
	fixture_must(sign_key_generate(SIGN_ED25519, &f->sign_key, &why), &why, "signing key");
	fixture_must(note_signer_new(slice_str(FIXTURE_ORIGIN), NOTE_ED25519, f->sign_key, &f->signer, &why), &why,
	             "signer");
	fixture_must(secret_new_random(32, &f->secret, &why), &why, "record key");
	f->key = (struct record_key){.id = "hour-key", .secret = f->secret};
	f->keys = (struct record_keys){find_key, f};
}

void fixture_use_dir(struct fixture *f, const char *path)
{
	struct why why = {{0}};

	rmdir(f->path);
	fd_closep(&f->dir_fd);
	snprintf(f->path, sizeof f->path, "%s", path);
	fixture_must(path_open_given(f->path, O_RDONLY | O_DIRECTORY, 0, &f->dir_fd, &why), &why, "open");
}

void fixture_keep(struct fixture *f)
{
	fixture_close(f);
	fd_closep(&f->dir_fd);
	note_signer_free(f->signer);
	sign_key_free(f->sign_key);
	secret_free(f->secret);
}

void fixture_remove(struct fixture *f)
{
	struct why why = {{0}};

	fixture_close(f);
	fixture_must(path_empty_dir(f->dir_fd, &why), &why, "empty the directory");
	rmdir(f->path);
	fixture_keep(f);
}

int fixture_open(struct fixture *f, enum ledger_check check, struct why *reterr_why)
{
	struct ledger_options options = {
		.signer = f->signer, .check = check, .is_single_threaded = f->is_single_threaded};

	return ledger_open(f->dir_fd, &options, &f->ledger, reterr_why);
}

void fixture_close(struct fixture *f)
{
	ledger_freep(&f->ledger);
}

struct ledger_input fixture_input(struct fixture *f, const char *record)
{
	return (struct ledger_input){
		.producer = slice_str("front"),
		.account = slice_str(FIXTURE_ACCOUNT),
		.record = slice_str(record),
		.key = &f->key,
	};
}

void fixture_append(struct fixture *f, unsigned count)
{
	struct why why = {{0}};

	for (unsigned i = 0; i < count; i++) {
		struct ledger_input input = fixture_input(f, "{\"eventName\":\"GetObject\"}");
		struct ledger_output output;

		fixture_must(ledger_stage(f->ledger, &input, &output, &why), &why, "stage");
	}
	fixture_must(ledger_commit(f->ledger, &why), &why, "commit");
	fixture_must(ledger_tend(f->ledger, &why), &why, "tend");
}
