/* journal.h: makes every change of iam's rows one generation of the keys database (kms/state.h). */
#pragma once
#include "iam/iam.h"
#include "kms/state.h"

struct keys_journal {
	struct kms_state *state; /* NULL until the keystore is open: then nothing may change */
	struct kms_change change;
	struct iam_journal callbacks; /* for iam_open() */
};

/* Fills the callbacks; `journal` must stay where it is. */
void keys_journal_init(struct keys_journal *journal);
