/* Sidecars and records as a hostile disk could present them. */
#include "store/record.h"
#include "store/sidecar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(sidecar_freep) struct sidecar *sidecar = NULL;
	struct slice input = slice_of(data, size);
	struct record_version version;
	struct record_key_event event;
	struct record_upload upload;
	struct record_upload_part part;
	uint8_t id[STORE_ID_BYTES];
	struct why why;

	(void)!sidecar_decode(input, &sidecar, &why);
	(void)!record_version_take(input, &version, &why);
	(void)!record_key_event_take(input, &event, &why);
	(void)!record_upload_take(input, &upload, &why);
	(void)!record_upload_part_take(input, &part, &why);
	(void)!record_id_take(input, id, &why);
	return 0;
}
