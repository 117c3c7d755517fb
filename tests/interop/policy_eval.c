/* policy_eval: evaluates the cases of standard input (tests/lib/policy_case.h), one a line, and prints a line for each:
 * the reason's name, a tab, the sentence. For policy_cross.py. */
#include <stdio.h>
#include <stdlib.h>

#include "policy_case.h"

int main(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, stdin)) > 0) {
		struct policy_case_result result;
		struct why why = {{0}};

		if (policy_case_run(slice_of(line, (size_t)len), &result, &why) != ERR_OK)
			printf("broken\t%s\n", why.text);
		else
			printf("%s\t%s\n", result.reason, result.text.text);
	}
	free(line);
	return 0;
}
