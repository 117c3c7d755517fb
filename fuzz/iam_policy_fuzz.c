/* Policy documents as all three kinds: what is refused says why, what is accepted is accepted again. */
#include <stdlib.h>

#include "iam/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int kind = IAM_POLICY_IDENTITY; kind <= IAM_POLICY_TRUST; kind++) {
		struct iam_policy *policy = NULL, *again = NULL;
		struct why why = {{0}};
		int err = iam_policy_parse(slice_of(data, size), (enum iam_policy_kind)kind, &policy, &why);

		if (err != ERR_OK ? (policy != NULL || why.text[0] == 0) : iam_policy_statements(policy) == 0)
			abort();
		if (err == ERR_OK &&
		    iam_policy_parse(slice_of(data, size), (enum iam_policy_kind)kind, &again, NULL) != ERR_OK)
			abort();
		iam_policy_free(policy);
		iam_policy_free(again);
	}
	return 0;
}
