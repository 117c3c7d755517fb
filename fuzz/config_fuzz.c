/* A configuration that is accepted keeps the ranges of its table. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "wire/config.h"
#include "wire/json.h"
#include "wire/yaml.h"

static const char *const levels[] = {"debug", "info", "warn", NULL};
static const struct config_key keys[] = {
	{.path = "state", .type = CONFIG_STRING, .min = 1, .max = 16, .default_text = "/var/lib/x"},
	{.path = "front.listen", .type = CONFIG_STRING, .min = 1, .max = 64, .is_required = true},
	{.path = "front.threads", .type = CONFIG_INT, .min = 1, .max = 256, .default_number = 16},
	{.path = "front.insecure_http", .type = CONFIG_BOOL, .is_insecure = true, .max = 1},
	{.path = "front.body", .type = CONFIG_BYTES, .min = 1024, .max = INT64_C(1) << 40, .default_number = 65536},
	{.path = "front.idle", .type = CONFIG_MS, .min = 1, .max = INT64_C(86400000), .default_number = 60000},
	{.path = "log.level", .type = CONFIG_CHOICE, .choices = levels, .default_text = "info"},
	{.path = "watch.rules", .type = CONFIG_LIST, .min = 0, .max = 2},
	{.path = "oidc", .type = CONFIG_TREE},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	CLEANUP(json_freep) json_t *tree = NULL, *lines = NULL;
	CLEANUP(config_freep) struct config *c = NULL;
	struct why why;

	if (yaml_read(slice_of(data, len), &tree, &lines, &why) != ERR_OK)
		return 0;
	if (config_read(tree, lines, "", keys, sizeof keys / sizeof *keys, &c, &why) != ERR_OK) {
		FUZZ_CHECK(strlen(why.text) > 0);
		return 0;
	}
	FUZZ_CHECK(config_number(c, "front.threads") >= 1 && config_number(c, "front.threads") <= 256);
	FUZZ_CHECK(config_number(c, "front.body") >= 1024 && config_number(c, "front.idle") >= 1);
	FUZZ_CHECK(strlen(config_string(c, "front.listen")) <= 64 && config_list_count(c, "watch.rules") <= 2);
	FUZZ_CHECK((config_insecure(c, 0) != NULL) == config_bool(c, "front.insecure_http"));
	return 0;
}
