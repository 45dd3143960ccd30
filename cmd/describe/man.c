/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "describe/describe.h"
#include "mastvault/exit.h"

/* mandoc's advice for lines of source. */
#define WIDTH 72

/* One word; '-' is a minus in options and a hyphen elsewhere. */
static void
put_word(struct mv_buf *out, const char *word, size_t len)
{
	bool option = false;
	size_t i;

	for (i = 0; i < len; i++) {
		char c = word[i];

		if (c == '-' && (i == 0 || strchr("'(", word[i - 1]) != NULL))
			option = true;
		if (c == '\\')
			mv_buf_put_str(out, "\\e");
		else if (c == '\'')
			mv_buf_put_str(out, "\\(aq");
		else if (c == '~')
			mv_buf_put_str(out, "\\(ti");
		else if (c == '-' && option)
			mv_buf_put_str(out, "\\-");
		else if (c == '.' && i == 0)
			mv_buf_put_str(out, "\\&.");
		else
			mv_buf_put_u8(out, (uint8_t)c);
	}
}

void
mv_man_text(struct mv_buf *out, const char *text)
{
	size_t at = 0, blanks, len;

	for (;;) {
		blanks = strspn(text, " ");
		text += blanks;
		len = strcspn(text, " ");
		if (len == 0)
			break;
		if (at > 0 && (blanks > 1 || at + 1 + len > WIDTH)) {
			mv_buf_put_str(out, "\n");
			at = 0;
		} else if (at > 0) {
			mv_buf_put_str(out, " ");
			at++;
		}
		put_word(out, text, len);
		at += len;
		text += len;
	}
	mv_buf_put_str(out, "\n");
}

/* As a sentence: a capital first and a stop at the end. */
static void
put_sentence(struct mv_buf *out, const char *text)
{
	struct mv_buf copy = { 0 };
	size_t len = strlen(text);
	char *p;

	mv_buf_put(&copy, text, len);
	if (len > 0 && text[len - 1] != '.')
		mv_buf_put_str(&copy, ".");
	p = mv_buf_cstr(&copy);
	if (p == NULL) {
		out->failed = 1;
	} else {
		p[0] = (char)toupper((unsigned char)p[0]);
		mv_man_text(out, p);
	}
	mv_buf_clear(&copy);
}

/* An argument of a macro, which must not be taken for another macro. */
static void
put_arg(struct mv_buf *out, const char *macro, const char *arg, size_t len)
{
	mv_buf_printf(out, " %s %s", macro, len <= 3 ? "\\&" : "");
	mv_buf_put(out, arg, len);
}

/* "SNAP [db | PATH]" as macros: capitals are arguments, others words. */
static void
put_operands(struct mv_buf *out, const char *text)
{
	size_t len;

	while (*text != '\0') {
		len = strcspn(text, " []|.");
		if (len > 0)
			put_arg(out, isupper((unsigned char)text[0]) ? "Ar" :
			    "Cm", text, len);
		else if (*text == '[')
			mv_buf_put_str(out, " Oo");
		else if (*text == ']')
			mv_buf_put_str(out, " Oc");
		else if (*text == '|')
			mv_buf_put_str(out, " |");
		else if (strncmp(text, "...", 3) == 0) {
			mv_buf_put_str(out, " ...");
			len = 3;
		}
		text += len > 0 ? len : 1;
	}
}

static void
put_option(struct mv_buf *out, const struct mv_option *o)
{
	mv_buf_put_str(out, ".It");
	if (o->letter != 0)
		mv_buf_printf(out, " Fl %c ,", o->letter);
	mv_buf_printf(out, " Fl Fl %s", o->name);
	if (o->kind == MV_OPTION_MAYBE)
		mv_buf_printf(out, " Ns Oo = Ns Ar %s Oc", o->arg);
	else if (o->arg != NULL)
		put_arg(out, "Ar", o->arg, strlen(o->arg));
	mv_buf_put_str(out, "\n");
	put_sentence(out, o->help);
}

/* Those of command; of all commands with NULL. */
static void
put_options(struct mv_buf *out, const struct mv_command *command)
{
	bool any = false;
	size_t i;

	for (i = 0; i < mv_noptions; i++) {
		const struct mv_option *o = &mv_options[i];

		if (command == NULL ? !mv_option_common(o) :
		    mv_option_common(o) ||
		    (o->commands & MV_FOR(command->id)) == 0)
			continue;
		if (!any)
			mv_buf_put_str(out, ".Bl -tag -width Ds\n");
		any = true;
		put_option(out, o);
	}
	if (any)
		mv_buf_put_str(out, ".El\n");
}

int
mv_man_os(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	(void)arg;
	mv_buf_put_str(out, ".Os " MV_PROGRAM " " MV_PROGRAM_VERSION "\n");
	return mv_buf_failed(out, err);
}

int
mv_man_list(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	size_t i;

	(void)arg;
	mv_buf_put_str(out, ".Bl -tag -width snapshots\n");
	for (i = 0; i < mv_ncommands; i++) {
		mv_buf_printf(out, ".It Ic %s\n", mv_commands[i].name);
		put_sentence(out, mv_commands[i].summary);
	}
	mv_buf_put_str(out, ".El\n");
	return mv_buf_failed(out, err);
}

int
mv_man_commands(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	size_t i;

	(void)arg;
	for (i = 0; i < mv_ncommands; i++) {
		const struct mv_command *c = &mv_commands[i];

		mv_buf_printf(out, ".Ss %s\n.Bd -ragged -compact\n.Nm\n"
		    ".Cm %s Op Ar option ...\n", c->name, c->name);
		if (c->operands[0] != '\0') {
			size_t start = out->len;

			put_operands(out, c->operands);
			if (!out->failed)
				out->p[start] = '.';
			mv_buf_put_str(out, "\n");
		}
		mv_buf_put_str(out, ".Ed\n.Pp\n");
		put_sentence(out, c->summary);
		if (c->text[0] != '\0')
			mv_man_text(out, c->text);
		put_options(out, c);
	}
	return mv_buf_failed(out, err);
}

int
mv_man_common(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	(void)arg;
	put_options(out, NULL);
	return mv_buf_failed(out, err);
}

int
mv_man_exit_codes(const char *arg, struct mv_buf *out, struct mv_err *err)
{
	size_t i;

	(void)arg;
	mv_buf_put_str(out, ".Bl -tag -width 130\n");
	for (i = 0; i < mv_exit_ntexts; i++) {
		mv_buf_printf(out, ".It %d\n", (int)mv_exit_texts[i].code);
		put_sentence(out, mv_exit_texts[i].text);
	}
	mv_buf_put_str(out, ".El\n");
	return mv_buf_failed(out, err);
}
