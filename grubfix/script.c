/* GRUB 2's script (grub.cfg, custom.cfg) and files of shell assignments (/etc/default/grub, its
 * grub.d/xen.cfg, /etc/sysconfig/bootloader).
 * Source: GRUB 2 grub-core/script/yylex.l and parser.y for what a word, a command and a block is.
 */
#include <string.h>

#include "shell.h"
#include "syntax.h"
#include "words.h"

struct block {
	uint32_t entry; /* NONE: braces that are no entry */
};

struct script {
	struct doc *doc;
	const char *specials;
	bool grub; /* braces are blocks */
	bool open; /* a statement takes words */
	bool dom0; /* the next module is the dom0 kernel */
	unsigned depth;
	uint32_t entry; /* innermost */
	struct block blocks[DOC_MAX_DEPTH];
};

static bool is_keyword(const char *text)
{
	static const char *const keywords[] = { "if",	 "then", "else", "elif", "fi", "while",
						"until", "for",	 "do",	 "done", "!",  NULL };

	for (const char *const *k = keywords; *k; k++)
		if (strcmp(*k, text) == 0)
			return true;
	return false;
}

static const struct {
	const char *name;
	enum args_role role;
} settings[] = {
	{ "GRUB_CMDLINE_LINUX", ARGS_LINUX },
	{ "GRUB_CMDLINE_LINUX_DEFAULT", ARGS_LINUX },
	{ "GRUB_CMDLINE_LINUX_RECOVERY", ARGS_LINUX },
	{ "GRUB_CMDLINE_LINUX_XEN_REPLACE", ARGS_DOM0 },
	{ "GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT", ARGS_DOM0 },
	{ "GRUB_CMDLINE_XEN", ARGS_XEN },
	{ "GRUB_CMDLINE_XEN_DEFAULT", ARGS_XEN },
	{ "DEFAULT_APPEND", ARGS_LINUX },
	{ "FAILSAFE_APPEND", ARGS_LINUX },
	{ "XEN_KERNEL_APPEND", ARGS_DOM0 },
	{ "XEN_APPEND", ARGS_XEN },
	{ "kernelopts", ARGS_LINUX },
	{ "default_kernelopts", ARGS_LINUX },
};

static void value_args(struct doc *doc, enum args_role role)
{
	uint32_t index = doc->statement_count - 1;
	const struct statement *s = doc->statements + index;
	bool quoted = s->value_end >= s->value_first + 2 &&
		      doc->tokens[s->value_first].kind == TOKEN_QUOTE &&
		      doc->tokens[s->value_end - 1].kind == TOKEN_QUOTE;

	for (uint32_t i = s->value_first + 1; quoted && i + 1 < s->value_end; i++)
		quoted = doc->tokens[i].kind != TOKEN_QUOTE;
	struct args *args = doc_args(doc, role, quoted ? ARGS_QUOTED : ARGS_BARE, index, 0);
	if (quoted && s->word_count == 0)
		args->after = s->value_first;
	else if (!quoted && s->value_end > s->value_first)
		args->after = s->value_end - 1;
}

static void assignment(struct script *script, uint32_t line_first)
{
	struct doc *doc = script->doc;
	size_t length = shell_assignment(doc);
	const char *name = doc_string(doc, doc->text + doc->cursor, length - 1);
	uint32_t key = doc_token(doc, TOKEN_WORD, length);

	doc_statement(doc, name, key, line_first);
	uint32_t index = doc->statement_count - 1;
	const char *value = shell_word(doc, script->specials, SHELL_ITEMS);
	struct statement *s = doc->statements + index;
	s->assignment = true;
	s->entry = script->entry;
	s->value = value;
	s->value_end = doc->token_count;
	doc_statement_end(doc);
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		if (strcmp(settings[i].name, name) == 0)
			value_args(doc, settings[i].role);
}

static void linux_args(struct script *script, enum args_role role)
{
	struct doc *doc = script->doc;
	uint32_t index = doc->statement_count - 1;
	const struct statement *s = doc->statements + index;
	uint32_t skip = statement_file_index(doc, s) + 1;
	const struct word *word = statement_word(doc, s, skip);

	if (skip > s->word_count)
		return;
	if (role != ARGS_LINUX && word && strcmp(word->text, "placeholder") == 0)
		skip++;
	doc_args(doc, role, ARGS_LINE, index, skip);
}

static bool is_xen(const struct doc *doc, const struct statement *s)
{
	const struct word *file = statement_file(doc, s);

	return file && strstr(file->text, "xen");
}

static void entry_is(struct script *script, enum entry_kind kind)
{
	if (script->entry != NONE && script->doc->entries[script->entry].kind != ENTRY_XEN &&
	    script->doc->entries[script->entry].kind != ENTRY_SUBMENU)
		script->doc->entries[script->entry].kind = kind;
}

/* What a command that is complete says of its entry, and its kernel arguments. */
static void command_read(struct script *script)
{
	const struct doc *doc = script->doc;
	const struct statement *s = doc->statements + doc->statement_count - 1;
	bool multiboot = str_starts(s->name, "multiboot") || strcmp(s->name, "xen_hypervisor") == 0;

	if (multiboot && is_xen(doc, s)) {
		entry_is(script, ENTRY_XEN);
		script->dom0 = true;
		linux_args(script, ARGS_XEN);
	} else if (multiboot) {
		script->dom0 = false;
	} else if (script->dom0 &&
		   (str_starts(s->name, "module") || strcmp(s->name, "xen_module") == 0 ||
		    strcmp(s->name, "xen_linux") == 0)) {
		script->dom0 = false;
		linux_args(script, ARGS_DOM0);
	} else if (strcmp(s->name, "linux") == 0 || strcmp(s->name, "linux16") == 0 ||
		   strcmp(s->name, "linuxefi") == 0) {
		entry_is(script, ENTRY_LINUX);
		linux_args(script, ARGS_LINUX);
	} else if (strcmp(s->name, "chainloader") == 0 && is_xen(doc, s) &&
		   strstr(statement_file(doc, s)->text, ".efi")) {
		entry_is(script, ENTRY_XEN);
	}
}

static void statement_close(struct script *script)
{
	if (!script->open)
		return;
	script->open = false;
	doc_statement_end(script->doc);
	if (script->grub)
		command_read(script);
}

/* --- blocks ---------------------------------------------------------------------------------- */

static bool takes_argument(const char *option)
{
	return strcmp(option, "--class") == 0 || strcmp(option, "--users") == 0 ||
	       strcmp(option, "--hotkey") == 0 || strcmp(option, "--source") == 0;
}

static bool is_id_option(const char *option)
{
	return strcmp(option, "--id") == 0 || strcmp(option, "$menuentry_id_option") == 0 ||
	       strcmp(option, "${menuentry_id_option}") == 0;
}

static uint32_t entry_open(struct script *script, bool submenu)
{
	struct doc *doc = script->doc;
	const struct statement *s = doc->statements + doc->statement_count - 1;
	const char *title = NULL, *id = NULL;

	for (uint32_t i = 0; i < s->word_count; i++) {
		const char *text = doc->words[s->words + i].text;
		const struct word *next = statement_word(doc, s, i + 1);

		if (is_id_option(text) && next) {
			id = next->text;
			i++;
		} else if (str_starts(text, "--id=")) {
			id = text + strlen("--id=");
		} else if (takes_argument(text)) {
			i++;
		} else if (!str_starts(text, "--") && !title) {
			title = text;
		}
	}
	uint32_t index = doc_entry(doc, title ? title : "", id, script->entry);
	if (submenu)
		doc->entries[index].kind = ENTRY_SUBMENU;
	return index;
}

static void block_open(struct script *script)
{
	struct doc *doc = script->doc;
	const char *name = script->open ? doc->statements[doc->statement_count - 1].name : "";
	bool submenu = strcmp(name, "submenu") == 0;
	bool entry = submenu || strcmp(name, "menuentry") == 0;

	statement_close(script);
	doc_token(doc, TOKEN_PUNCT, 1);
	if (script->depth == DOC_MAX_DEPTH) {
		doc_problem(doc, "%u: blocks are nested deeper than %d", doc->line, DOC_MAX_DEPTH);
		return;
	}
	script->blocks[script->depth++].entry = script->entry;
	if (entry) {
		script->entry = entry_open(script, submenu);
		script->dom0 = false;
	}
}

static void block_close(struct script *script)
{
	struct doc *doc = script->doc;

	statement_close(script);
	doc_token(doc, TOKEN_PUNCT, 1);
	if (script->depth == 0) {
		doc_problem(doc, "%u: a } closes nothing", doc->line);
		return;
	}
	uint32_t outer = script->blocks[--script->depth].entry;
	if (script->entry != outer)
		doc->entries[script->entry].statement_end = doc->statement_count;
	script->entry = outer;
}

/* --- the text -------------------------------------------------------------------------------- */

static void command_word(struct script *script, uint32_t *line_first)
{
	struct doc *doc = script->doc;
	uint32_t first = doc->token_count, words = doc->word_count;
	const char *text;

	if (script->open) {
		shell_word(doc, script->specials, SHELL_WHOLE);
		return;
	}
	if (shell_assignment(doc)) {
		assignment(script, *line_first);
		return;
	}
	text = shell_word(doc, script->specials, SHELL_WHOLE);
	doc->word_count = words; /* the name is no word of its command */
	if (is_keyword(text))
		return;
	if (strcmp(text, "set") == 0 || strcmp(text, "export") == 0) {
		doc_blanks(doc, TOKEN_BLANK);
		if (shell_assignment(doc)) {
			assignment(script, *line_first);
			return;
		}
	}
	uint32_t last = doc->token_count > first ? doc->token_count - 1 : first;
	doc_statement(doc, text, last, *line_first)->entry = script->entry;
	script->open = true;
}

static void script_step(struct script *script, uint32_t *line_first)
{
	struct doc *doc = script->doc;
	char c = doc_peek(doc, 0);

	if (doc_newline_length(doc, 0)) {
		statement_close(script);
		doc_token(doc, TOKEN_NEWLINE, doc_newline_length(doc, 0));
		*line_first = doc->token_count;
	} else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') {
		doc_blanks(doc, TOKEN_BLANK);
	} else if (shell_continue(doc, 0)) {
		doc_token(doc, TOKEN_CONTINUE, shell_continue(doc, 0));
	} else if (c == '#') {
		doc_token(doc, TOKEN_COMMENT, doc_line_rest(doc, 0));
	} else if (script->grub && c == '{') {
		block_open(script);
	} else if (script->grub && c == '}') {
		block_close(script);
	} else if (c && strchr(script->specials, c)) {
		statement_close(script);
		doc_token(doc, TOKEN_PUNCT, 1);
	} else {
		uint32_t before = doc->token_count;

		command_word(script, line_first);
		if (doc->token_count == before)
			doc_token(doc, TOKEN_OTHER, 1);
	}
}

static void script_parse(struct doc *doc, const char *specials, bool grub)
{
	struct script script = { .doc = doc, .specials = specials, .grub = grub, .entry = NONE };
	uint32_t line_first = 0;

	while (!doc_at_end(doc))
		script_step(&script, &line_first);
	statement_close(&script);
	if (script.depth > 0)
		doc_problem(doc, "%u: ends inside a block: a } is missing", doc->line);
	for (; script.entry != NONE; script.entry = doc->entries[script.entry].parent)
		doc->entries[script.entry].statement_end = doc->statement_count;
}

void grub_cfg_parse(struct doc *doc)
{
	script_parse(doc, "{}|&;<>", true);
}

void settings_parse(struct doc *doc)
{
	script_parse(doc, "|&;<>", false);
}
