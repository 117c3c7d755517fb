#include "daemon/keys/journal.h"

static int begin(void *self, struct why *reterr_why)
{
	struct keys_journal *j = self;

	ENSURE(j->state, ERR_INTERNAL, reterr_why, "the keys database changes before it was checked");
	return kms_change_begin(&j->change, j->state, reterr_why);
}

static void row(void *self, struct slice before, struct slice after)
{
	struct keys_journal *j = self;

	kms_change_row(&j->change, before, after);
}

static int commit(void *self, struct why *reterr_why)
{
	struct keys_journal *j = self;

	return kms_change_commit(&j->change, reterr_why);
}

static void rollback(void *self)
{
	struct keys_journal *j = self;

	kms_change_clear(&j->change);
}

void keys_journal_init(struct keys_journal *journal)
{
	*journal = (struct keys_journal){
		.callbacks = {.self = journal, .begin = begin, .row = row, .commit = commit, .rollback = rollback}};
}
