#include "store_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"

int fixture_open(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	snprintf(f->path, sizeof f->path, "/tmp/cloister-store-XXXXXX");
	if (!mkdtemp(f->path) || path_open_given(f->path, O_RDONLY | O_DIRECTORY, 0, &f->dir_fd, NULL) != ERR_OK)
		return -1;
	*state = f;
	return 0;
}

int fixture_close(void **state)
{
	struct fixture *f = *state;
	int err = path_empty_dir(f->dir_fd, NULL);

	close(f->dir_fd);
	rmdir(f->path);
	free(f);
	return err;
}
