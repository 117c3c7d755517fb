/* Messages between front, keys and ledger as a taken-over peer could send them. */
#include "daemon/link/front_keys.h"
#include "daemon/link/keys_ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ledger_append append;
	static struct ledger_viewed viewed;
	static struct ledger_hours hours;
	static struct s3_chunks chunks;
	static struct s3_call call;
	struct slice input = slice_of(data, size);
	struct ledger_account_key key;
	struct ledger_appended appended;
	struct ledger_receipt receipt;
	struct ledger_state state;
	struct ledger_view view;
	struct s3_decision decision;
	struct why why;

	(void)!s3_call_take(input, &call, &why);
	if (s3_decision_take(input, &decision, &why) == ERR_OK)
		s3_decision_clear(&decision);
	(void)!s3_chunks_take(input, &chunks, &why);
	(void)!ledger_append_take(input, &append, &why);
	(void)!ledger_appended_take(input, &appended, &why);
	(void)!ledger_account_key_take(input, &key, &why);
	(void)!ledger_view_take(input, &view, &why);
	(void)!ledger_hours_take(input, &hours, &why);
	(void)!ledger_viewed_take(input, &viewed, &why);
	(void)!ledger_receipt_take(input, &receipt, &why);
	(void)!ledger_state_take(input, &state, &why);
	return 0;
}
