/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "describe/describe.h"

#define TEMPLATE_MAX (1024 * 1024)

static const struct part {
	const char *name;
	mv_part_write *write;
} parts[] = {
	{ "os", mv_man_os },
	{ "list", mv_man_list },
	{ "commands", mv_man_commands },
	{ "common", mv_man_common },
	{ "exit-codes", mv_man_exit_codes },
	{ "key", mv_man_key },
	{ "default", mv_man_default },
	{ "keys-done", mv_man_keys_done },
	{ "words", mv_word_commands },
	{ "bash-options", mv_bash_options },
	{ "bash-values", mv_bash_values },
	{ "bash-operands", mv_bash_operands },
	{ "zsh-common", mv_zsh_common },
	{ "zsh-commands", mv_zsh_commands },
	{ "zsh-arguments", mv_zsh_arguments },
	{ "fish-values", mv_fish_values },
	{ "fish-commands", mv_fish_commands },
	{ "fish-options", mv_fish_options },
	{ "fish-operands", mv_fish_operands },
};

/* line is "@name arg@", and becomes two texts here. */
static int
write_part(char *line, size_t len, struct mv_buf *out, struct mv_err *err)
{
	char *name = line + 1, *arg;
	size_t i;

	line[len - 1] = '\0';
	arg = strchr(name, ' ');
	if (arg != NULL)
		*arg++ = '\0';
	for (i = 0; i < MV_ARRAY_LEN(parts); i++)
		if (strcmp(parts[i].name, name) == 0)
			return parts[i].write(arg != NULL ? arg : "", out,
			    err);
	return mv_err_set(err, MV_EUSAGE, "there is no part '%s'", name);
}

static int
fill(const char *path, struct mv_buf *out, struct mv_err *err)
{
	mv_auto(mv_buf_clear) struct mv_buf text = { 0 };
	char *line, *next;
	unsigned n = 0;
	size_t len;
	int rc;

	rc = mv_file_read(path, TEMPLATE_MAX, &text, err);
	if (rc < 0)
		return rc;
	line = mv_buf_cstr(&text);
	if (line == NULL)
		return mv_buf_failed(&text, err);
	for (; *line != '\0'; line = next) {
		n++;
		len = strcspn(line, "\n");
		next = line + len + (line[len] != '\0');
		if (len < 3 || line[0] != '@' || line[len - 1] != '@') {
			mv_buf_put(out, line, len);
			mv_buf_put_str(out, "\n");
			continue;
		}
		rc = write_part(line, len, out, err);
		if (rc < 0)
			return mv_err_ctx(err, rc, "%s:%u", path, n);
	}
	return mv_buf_failed(out, err);
}

int
main(int argc, char **argv)
{
	mv_auto(mv_buf_clear) struct mv_buf out = { 0 };
	struct mv_err err = { 0 };
	char text[MV_ERR_TEXT_MAX];

	if (argc != 2) {
		(void)fprintf(stderr, "usage: describe TEMPLATE\n");
		return 2;
	}
	if (fill(argv[1], &out, &err) < 0) {
		(void)mv_err_text(&err, text, sizeof(text));
		(void)fprintf(stderr, "describe: %s\n", text);
		return 1;
	}
	if (fwrite(out.p, 1, out.len, stdout) != out.len ||
	    fflush(stdout) != 0) {
		perror("describe: write");
		return 1;
	}
	return 0;
}
