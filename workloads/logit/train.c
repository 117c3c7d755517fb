/* Logistic regression by full-batch gradient descent, in C with nothing but libc: a training job for hosts without
 * Python, and for Cloister's own tests. Follows the SageMaker training-container contract:
 *
 *     /opt/ml/input/config/hyperparameters.json   {"epochs": "200", "rate": "0.5"}
 *     /opt/ml/input/data/train/<file>.csv         numbers, the last column the class: above 0, or not;
 *                                                 a first line of names is skipped
 *     /opt/ml/model/weights.txt                   the bias, then one weight a line, for columns scaled as written there
 *
 * Prints `epoch=20 loss=0.0812 accuracy=0.9785` as it goes. ML_ROOT replaces /opt/ml. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 64, LINE_BYTES = 4096 };

struct data {
	size_t rows, columns, capacity; /* columns without the label */
	double *x, *y;
	double mean[COLUMNS_MAX], deviation[COLUMNS_MAX];
};

static void fail(const char *what, const char *which)
{
	fprintf(stderr, "train: %s: %s\n", which, what);
	exit(1);
}

static void path_in_root(char out[static LINE_BYTES], const char *rest)
{
	const char *root = getenv("ML_ROOT");

	snprintf(out, LINE_BYTES, "%s/%s", root ? root : "/opt/ml", rest);
}

/* The number in `"name": "number"`, as SageMaker writes hyper-parameters; `otherwise` if it is not given. */
static double hyperparameter(const char *name, double otherwise)
{
	char path[LINE_BYTES], text[LINE_BYTES], key[64];
	const char *found;
	size_t len;
	FILE *f;

	path_in_root(path, "input/config/hyperparameters.json");
	f = fopen(path, "re");
	if (!f)
		return otherwise;
	len = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[len] = 0;
	snprintf(key, sizeof key, "\"%s\"", name);
	found = strstr(text, key);
	if (!found)
		return otherwise;
	found += strlen(key) + strspn(found + strlen(key), " :\"");
	return strtod(found, NULL);
}

static void add_row(struct data *d, const double *values, size_t count, const char *name)
{
	if (d->columns == 0)
		d->columns = count - 1;
	if (count < 2 || count - 1 != d->columns)
		fail("a row with another number of columns", name);
	if (d->rows == d->capacity) {
		d->capacity = d->capacity ? 2 * d->capacity : 1024;
		d->x = realloc(d->x, d->capacity * d->columns * sizeof *d->x);
		d->y = realloc(d->y, d->capacity * sizeof *d->y);
		if (!d->x || !d->y)
			fail("out of memory", name);
	}
	memcpy(d->x + d->rows * d->columns, values, d->columns * sizeof *d->x);
	d->y[d->rows++] = values[d->columns] > 0;
}

/* The numbers of a row, each perhaps in single quotes; 0 if anything else is in it, as in a first line of names. */
static size_t parse_row(const char *at, double values[static COLUMNS_MAX + 1])
{
	size_t count = 0;
	char *end;

	while (*at && *at != '\n' && count <= COLUMNS_MAX) {
		at += *at == '\'';
		values[count++] = strtod(at, &end);
		if (end == at)
			return 0;
		at = end + (*end == '\'');
		if (*at == ',')
			at++;
		else if (*at && *at != '\n')
			return 0;
	}
	return count;
}

static void read_file(struct data *d, const char *path)
{
	double values[COLUMNS_MAX + 1];
	char line[LINE_BYTES];
	FILE *f = fopen(path, "re");

	if (!f)
		fail(strerror(errno), path);
	for (size_t number = 0; fgets(line, sizeof line, f); number++) {
		size_t count = parse_row(line, values);

		if (count == 0 && number > 0)
			fail("a row that is not numbers", path);
		if (count > 0)
			add_row(d, values, count, path);
	}
	fclose(f);
}

static void read_channel(struct data *d)
{
	char directory[LINE_BYTES], path[2 * LINE_BYTES];
	struct dirent *entry;
	DIR *dir;

	path_in_root(directory, "input/data/train");
	dir = opendir(directory);
	if (!dir)
		fail(strerror(errno), directory);
	while ((entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (len < 5 || strcmp(entry->d_name + len - 4, ".csv") != 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
		read_file(d, path);
	}
	closedir(dir);
	if (!d->rows)
		fail("no rows in any *.csv", directory);
}

/* Zero mean and unit deviation, so that one learning rate suits all columns. */
static void scale(struct data *d)
{
	for (size_t c = 0; c < d->columns; c++) {
		double sum = 0, squares = 0;

		for (size_t r = 0; r < d->rows; r++)
			sum += d->x[r * d->columns + c];
		d->mean[c] = sum / (double)d->rows;
		for (size_t r = 0; r < d->rows; r++) {
			double off = d->x[r * d->columns + c] - d->mean[c];

			squares += off * off;
		}
		d->deviation[c] = sqrt(squares / (double)d->rows);
		for (size_t r = 0; r < d->rows; r++)
			d->x[r * d->columns + c] = (d->x[r * d->columns + c] - d->mean[c]) /
			                           (d->deviation[c] > 0 ? d->deviation[c] : 1);
	}
}

/* One step down the gradient; w[0] is the bias. */
static void step(const struct data *d, double *w, double rate, double *ret_loss, double *ret_accuracy)
{
	double gradient[COLUMNS_MAX + 1] = {0}, loss = 0;
	size_t right = 0;

	for (size_t r = 0; r < d->rows; r++) {
		const double *x = d->x + r * d->columns;
		double z = w[0], p;

		for (size_t c = 0; c < d->columns; c++)
			z += w[c + 1] * x[c];
		p = 1 / (1 + exp(-z));
		right += (p > 0.5) == (d->y[r] > 0.5);
		loss -= log(fmax(d->y[r] > 0.5 ? p : 1 - p, 1e-12));
		gradient[0] += p - d->y[r];
		for (size_t c = 0; c < d->columns; c++)
			gradient[c + 1] += (p - d->y[r]) * x[c];
	}
	for (size_t c = 0; c <= d->columns; c++)
		w[c] -= rate * gradient[c] / (double)d->rows;
	*ret_loss = loss / (double)d->rows;
	*ret_accuracy = (double)right / (double)d->rows;
}

static void save(const struct data *d, const double *w)
{
	char path[LINE_BYTES];
	FILE *f;

	path_in_root(path, "model/weights.txt");
	f = fopen(path, "we");
	if (!f)
		fail(strerror(errno), path);
	fprintf(f, "%.17g\n", w[0]);
	for (size_t c = 0; c < d->columns; c++)
		fprintf(f, "%.17g mean=%.17g deviation=%.17g\n", w[c + 1], d->mean[c], d->deviation[c]);
	if (ferror(f) || fclose(f) != 0)
		fail("cannot write the model", path);
}

int main(void)
{
	double w[COLUMNS_MAX + 1] = {0}, loss = 0, accuracy = 0, rate = hyperparameter("rate", 0.5);
	long epochs = (long)hyperparameter("epochs", 200);
	struct data d = {0};

	read_channel(&d);
	scale(&d);
	for (long epoch = 1; epoch <= epochs; epoch++) {
		step(&d, w, rate, &loss, &accuracy);
		if (epoch % 20 == 0 || epoch == epochs) {
			printf("epoch=%ld loss=%.4f accuracy=%.4f\n", epoch, loss, accuracy);
			fflush(stdout);
		}
	}
	save(&d, w);
	free(d.x);
	free(d.y);
	return 0;
}
