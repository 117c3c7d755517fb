#include "support.h"

#include <stdio.h>

#include "base/file.h"

enum { KEYS_MAX = 64, BUF_BYTES_MAX = 16 << 20 };

static struct sign_key *keys[KEYS_MAX];
static size_t key_count;

struct buf *support_buf(void)
{
	struct buf *b = NULL;

	assert_ok(buf_new(BUF_BYTES_MAX, &b, NULL));
	return b;
}

struct buf *support_vector(const char *name)
{
	struct buf *b = support_buf();
	char path[4096];

	snprintf(path, sizeof path, "%s/tlog/%s", TEST_VECTORS_DIR, name);
	assert_ok(file_read_given(path, b, NULL));
	return b;
}

struct note_verifier *support_vkey(const char *name)
{
	CLEANUP(buf_freep) struct buf *text = support_vector(name);
	struct note_verifier *v = NULL;
	struct slice line = buf_slice(text);

	while (line.len && line.ptr[line.len - 1] == '\n')
		line.len--;
	assert_ok(note_verifier_parse(line, &v, NULL));
	return v;
}

struct note_signer *support_signer(const char *name, enum note_kind kind)
{
	struct note_signer *s = NULL;

	assert_true(key_count < KEYS_MAX);
	assert_ok(sign_key_generate(SIGN_ED25519, &keys[key_count], NULL));
	assert_ok(note_signer_new(slice_str(name), kind, keys[key_count], &s, NULL));
	key_count++;
	return s;
}

void support_keys_free(void)
{
	while (key_count)
		sign_key_freep(&keys[--key_count]);
}

uint64_t support_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

struct merkle_hash support_root(const struct merkle_hash *leaves, uint64_t count)
{
	struct merkle_hash left, right, root;
	uint64_t split = 1;

	if (count == 0) {
		merkle_empty_root(&root);
		return root;
	}
	if (count == 1)
		return leaves[0];
	while (split * 2 < count)
		split *= 2;
	left = support_root(leaves, split);
	right = support_root(leaves + split, count - split);
	merkle_node_hash(&left, &right, &root);
	return root;
}
