/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "describe/describe.h"

static const struct {
	const char *arg;
	enum mv_value value;
} args[] = {
	{ "FILE", MV_VALUE_FILE },
	{ "DIR", MV_VALUE_DIR },
	{ "NAME", MV_VALUE_ENV },
	{ "URL", MV_VALUE_URL },
	{ "PARTS", MV_VALUE_PARTS },
	{ "SNAP", MV_VALUE_SNAP },
	{ "COMMAND", MV_VALUE_COMMAND },
	{ "PATH", MV_VALUE_NONE },	/* within a snapshot */
	{ "CONNINFO", MV_VALUE_NONE },
	{ "TEXT", MV_VALUE_NONE },
	{ "ROLE", MV_VALUE_NONE },
	{ "ID", MV_VALUE_NONE },
	{ "GLOB", MV_VALUE_NONE },
	{ "PATTERN", MV_VALUE_NONE },
	{ "HEAD", MV_VALUE_NONE },
	{ "TIME", MV_VALUE_NONE },
	{ "N", MV_VALUE_NONE },
	{ "N/T", MV_VALUE_NONE },
	{ "OPERAND", MV_VALUE_NONE },
	{ "RATE", MV_VALUE_NONE },
};

int
mv_value_of(const char *arg, enum mv_value *out, struct mv_err *err)
{
	size_t i;

	for (i = 0; i < MV_ARRAY_LEN(args); i++)
		if (strcmp(args[i].arg, arg) == 0) {
			*out = args[i].value;
			return 0;
		}
	return mv_err_set(err, MV_EUSAGE,
	    "what completes '%s' is not said in %s", arg, __FILE__);
}

/* One alternative of an operand, as "db" or "PATH". */
static int
add_word(struct mv_operand *op, const char *word, size_t len,
    struct mv_err *err)
{
	char copy[sizeof(op->words[0])];
	size_t used = strlen(op->name);

	if (len >= sizeof(copy) || op->nwords == MV_OPERAND_WORDS ||
	    used + len + 5 > sizeof(op->name))
		return mv_err_set(err, MV_EUSAGE, "operand '%.*s' is too much",
		    (int)len, word);
	memcpy(copy, word, len);
	copy[len] = '\0';
	(void)snprintf(op->name + used, sizeof(op->name) - used, "%s%s",
	    used > 0 ? " or " : "", copy);
	if (isupper((unsigned char)copy[0]))
		return mv_value_of(copy, &op->value, err);
	memcpy(op->words[op->nwords++], copy, sizeof(copy));
	return 0;
}

/* Alternatives may have blanks around the bar between them, or none. */
int
mv_operands_of(const struct mv_command *command, struct mv_operand *out,
    unsigned max, unsigned *n, struct mv_err *err)
{
	const char *p = command->operands;
	bool more = false;
	size_t len;
	int rc;

	*n = 0;
	while (*p != '\0') {
		len = strcspn(p, " []|.");
		if (*p == '|')
			more = true;
		if (strncmp(p, "...", 3) == 0 && *n > 0) {
			out[*n - 1].repeats = true;
			len = 3;
		} else if (len > 0) {
			if (!more && *n == max)
				return mv_err_set(err, MV_EUSAGE,
				    "'%s' has too many operands",
				    command->name);
			if (!more)
				out[(*n)++] = (struct mv_operand){ 0 };
			more = false;
			rc = add_word(&out[*n - 1], p, len, err);
			if (rc < 0)
				return rc;
		}
		p += len > 0 ? len : 1;
	}
	return 0;
}

void
mv_put_quoted(struct mv_buf *out, const char *text)
{
	mv_buf_put_str(out, "'");
	for (; *text != '\0'; text++)
		if (*text == '\'')
			mv_buf_put_str(out, "'\\''");
		else
			mv_buf_put_u8(out, (uint8_t)*text);
	mv_buf_put_str(out, "'");
}

/* The commands as words of a shell. */
int
mv_word_commands(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	size_t i;

	(void)arg;
	mv_buf_put_str(out, "\t\t");
	for (i = 0; i < mv_ncommands; i++)
		mv_buf_printf(out, "%s%s", i > 0 ? " " : "",
		    mv_commands[i].name);
	mv_buf_put_str(out, "\n");
	return mv_buf_failed(out, err);
}
