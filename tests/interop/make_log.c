/* make_log: makes a log of COUNT leaves by three producers in DIRECTORY, for programs that verify it from outside.
 *
 *     make_log DIRECTORY COUNT
 *
 * Writes DIRECTORY/public and, beside it, vkey, older (a checkpoint of about half the size), proof and leaf (of the
 * leaf in the middle), receipt. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "ledger_fixture.h"

#include <fcntl.h>

static const char *const producers[] = {"front", "keys", "runner"};

static void append(struct fixture *f, unsigned from, unsigned to)
{
	struct why why = {{0}};

	for (unsigned i = from; i < to; i++) {
		struct ledger_input input = fixture_input(
			f, "{\"eventName\":\"Encrypt\",\"eventTime\":\"2026-11-22T19:33:07Z\"}");
		struct ledger_output output;

		input.producer = slice_str(producers[i % 3]);
		fixture_must(ledger_stage(f->ledger, &input, &output, &why), &why, "stage");
		if (i + 1 == to || ledger_staged(f->ledger) == 1000)
			fixture_must(ledger_commit(f->ledger, &why), &why, "commit");
	}
}

static void write_file(int dir_fd, const char *name, struct slice content)
{
	struct why why = {{0}};

	fixture_must(file_replace(dir_fd, name, 0644, content, &why), &why, name);
}

static void write_proofs(struct fixture *f, int dir_fd, uint64_t index)
{
	CLEANUP(buf_freep) struct buf *proof = NULL, *receipt = NULL, *leaf = NULL;
	struct ledger_item entry;
	struct why why = {{0}};

	fixture_must(buf_new(TLOG_PROOF_BYTES_MAX, &proof, &why), &why, "memory");
	fixture_must(buf_new(RECEIPT_BYTES_MAX, &receipt, &why), &why, "memory");
	fixture_must(buf_new(LEAF_BYTES_MAX, &leaf, &why), &why, "memory");
	fixture_must(ledger_read_entry(f->ledger, index, &entry, &why), &why, "entry");
	fixture_must(buf_put(leaf, entry.leaf, &why), &why, "leaf");
	fixture_must(ledger_put_proof(f->ledger, index, proof, &why), &why, "proof");
	fixture_must(ledger_put_receipt(f->ledger, index, slice_str(FIXTURE_ACCOUNT), &f->keys, receipt, &why), &why,
	             "receipt");
	write_file(dir_fd, "leaf", buf_slice(leaf));
	write_file(dir_fd, "proof", buf_slice(proof));
	write_file(dir_fd, "receipt", buf_slice(receipt));
}

static void write_vkey(struct fixture *f, int dir_fd)
{
	CLEANUP(buf_freep) struct buf *vkey = NULL;
	struct why why = {{0}};

	fixture_must(buf_new(1024, &vkey, &why), &why, "memory");
	fixture_must(note_verifier_put_vkey(note_signer_verifier(f->signer), vkey, &why), &why, "vkey");
	write_file(dir_fd, "vkey", buf_slice(vkey));
}

int main(int argc, char **argv)
{
	struct why why = {{0}};
	struct fixture f;
	unsigned count;

	if (argc != 3) {
		fprintf(stderr, "usage: make_log DIRECTORY COUNT\n");
		return 2;
	}
	count = (unsigned)strtoul(argv[2], NULL, 10);
	fixture_make(&f, NULL);
	fixture_use_dir(&f, argv[1]);
	fixture_must(fixture_open(&f, LEDGER_CHECK_EDGE, &why), &why, "open");
	append(&f, 0, count / 2);
	write_file(f.dir_fd, "older", ledger_checkpoint(f.ledger));
	append(&f, count / 2, count);
	write_proofs(&f, f.dir_fd, count / 2);
	write_vkey(&f, f.dir_fd);
	fixture_must(ledger_settle(f.ledger, &why), &why, "settle");
	fixture_keep(&f);
	return 0;
}
