/* SPDX-License-Identifier: MIT */
/*
 * replay: feeds every file of the given directories to a fuzz target, so that
 * any compiler can run the corpus as a test.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int
feed(const char *path)
{
	struct stat st;
	uint8_t *data;
	size_t len;
	FILE *in;

	in = fopen(path, "rb");
	if (in == NULL || fstat(fileno(in), &st) != 0) {
		perror(path);
		exit(1);
	}
	if (!S_ISREG(st.st_mode)) {
		(void)fclose(in);
		return 0;
	}
	/* Exactly as long as the input: a read past its end is then seen. */
	data = malloc(st.st_size > 0 ? (size_t)st.st_size : 1);
	if (data == NULL)
		abort();
	len = fread(data, 1, (size_t)st.st_size, in);
	(void)fclose(in);
	(void)LLVMFuzzerTestOneInput(data, len);
	free(data);
	return 1;
}

static int
feed_dir(const char *dir)
{
	char path[4096];
	struct dirent *entry;
	int n = 0;
	DIR *d;

	d = opendir(dir);
	if (d == NULL) {
		perror(dir);
		exit(1);
	}
	while ((entry = readdir(d)) != NULL) {
		if (snprintf(path, sizeof(path), "%s/%s", dir,
		    entry->d_name) >= (int)sizeof(path))
			abort();
		n += feed(path);
	}
	(void)closedir(d);
	return n;
}

int
main(int argc, char **argv)
{
	int i, n = 0;

	for (i = 1; i < argc; i++)
		n += feed_dir(argv[i]);
	printf("%d inputs\n", n);
	/* An empty corpus tests nothing. */
	return n > 0 ? 0 : 1;
}
