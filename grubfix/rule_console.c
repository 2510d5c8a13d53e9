/* How the layer talks while it boots. Under Xen the serial line belongs to the hypervisor; dom0 has
 * hvc0 on it. */
#include <string.h>

#include "fix.h"
#include "menu.h"
#include "wishes.h"
#include "words.h"

#define COM1	     "115200,8n1"
#define DOM0_CONSOLE "hvc0"

static const char *com1_of(const struct fix *fix)
{
	return fix->facts->com1 ? fix->facts->com1 : COM1;
}

static const char *dom0_console_of(const struct fix *fix)
{
	return fix->facts->dom0_console ? fix->facts->dom0_console : DOM0_CONSOLE;
}

/* --- the hypervisor -------------------------------------------------------------------------- */

static bool wants_console(const struct fix *fix)
{
	return fix->facts->console;
}

static int xen_console_apply(struct fix *fix, struct err *err)
{
	const struct wish wishes[] = {
		{ fix->facts->com1 ? WISH_SET : WISH_KEEP, "com1", com1_of(fix) },
		{ WISH_ITEM, "console", "com1" },
		{ 0 },
	};
	int r = wish_check_plain(com1_of(fix), err);

	if (r == 0)
		wishes_grant(fix, ARGS_XEN, wishes,
			     "the hypervisor's messages go to the serial line");
	return r;
}

static const struct fix_example xen_console_example = {
	GRUBFIX_SYSCONFIG,
	"XEN_APPEND=\"crashkernel=128M@16M\"\n",
	"--console",
	{ .console = true },
};

const struct fix_rule rule_xen_console = {
	.id = "xen-console",
	.why = "A nested layer is watched on its serial line, and only the hypervisor's own "
	       "console shows why it did not come up.",
	.types = TYPES_XEN_ARGS,
	.matches = wants_console,
	.apply = xen_console_apply,
	.example = &xen_console_example,
};

/* --- dom0 ------------------------------------------------------------------------------------ */

static bool is_serial_console(const char *text)
{
	return str_starts(text, "console=ttyS");
}

static bool has_serial_console(const struct doc *doc, const struct args *args)
{
	for (uint32_t i = 0; i < args->word_count; i++)
		if (is_serial_console(doc->words[args->words + i].text))
			return true;
	return false;
}

/* The first console=ttyS0 becomes console=hvc0, unless that is there; the others go. */
static void serial_replace(struct fix *fix, const struct args *args, const char *console)
{
	CLEANUP(free_cleanup) char *wanted = str_format("console=%s", console);
	bool there = false;

	for (uint32_t i = 0; i < args->word_count; i++)
		there |= strcmp(fix->doc->words[args->words + i].text, wanted) == 0;
	for (uint32_t i = 0; i < args->word_count; i++) {
		const struct word *word = fix->doc->words + args->words + i;

		if (!is_serial_console(word->text))
			continue;
		if (there)
			word_remove(fix->doc, word);
		else
			word_set(fix->doc, word, wanted);
		fix_edited(fix, word->first, word->text, there ? NULL : wanted,
			   "under Xen the serial line belongs to the hypervisor; dom0 has %s on it",
			   console);
		there = true;
	}
}

static void dom0_list(struct fix *fix, uint32_t index, bool wanted)
{
	const struct args *args = fix->doc->args + index;
	const struct wish wishes[] = {
		{ WISH_WORD, "console", dom0_console_of(fix) },
		{ 0 },
	};

	if (has_serial_console(fix->doc, args))
		serial_replace(fix, args, dom0_console_of(fix));
	else if (wanted)
		wishes_grant_one(fix, index, wishes, "dom0's console is Xen's, on the serial line");
}

/* NAME=value; a word that only looks like the name sets nothing. Of several the last one counts. */
static const struct statement *setting(const struct doc *doc, const char *name)
{
	for (uint32_t i = doc->statement_count; i > 0; i--) {
		const struct statement *s = doc->statements + i - 1;

		if (s->assignment && strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

/* The plain entries' variables, and those that dom0 has in their place.
 * Source: grub, util/grub.d/20_linux_xen.in. */
static const struct dom0_variable {
	const char *source, *own;
} dom0_variables[] = {
	{ "GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_XEN_REPLACE" },
	{ "GRUB_CMDLINE_LINUX_DEFAULT", "GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT" },
};

/* The last list of this variable counts; NULL: there is none. */
static const struct args *variable_args(const struct doc *doc, const char *name)
{
	for (uint32_t i = doc->args_count; i > 0; i--)
		if (strcmp(doc->statements[doc->args[i - 1].statement].name, name) == 0)
			return doc->args + i - 1;
	return NULL;
}

/* always: though the plain entries have no serial line either. */
static void dom0_variable_add(struct fix *fix, const struct dom0_variable *variable, bool always)
{
	const struct args *args = variable_args(fix->doc, variable->source);
	CLEANUP(buf_done) struct buf value = { 0 };

	if (setting(fix->doc, variable->own) ||
	    !(always || (args && has_serial_console(fix->doc, args))))
		return;
	for (uint32_t w = 0; args && w < args->word_count; w++) {
		const char *text = fix->doc->words[args->words + w].text;

		if (!argument_is_plain(text)) {
			fix_remark(fix, args->after,
				   "dom0's console is left: %s cannot be copied into %s", text,
				   variable->own);
			return;
		}
		if (!is_serial_console(text))
			buf_format(&value, "%s ", text);
	}
	CLEANUP(free_cleanup)
	char *line = str_format("%s=\"%sconsole=%s\"", variable->own, buf_str(&value),
				dom0_console_of(fix));
	CLEANUP(free_cleanup)
	char *reason =
		str_format("dom0's console is Xen's; the plain entries keep %s", variable->source);
	fix_append_line(fix, line, reason);
}

/* A part of the settings gets only what it makes necessary itself. */
static void dom0_settings(struct fix *fix, bool found)
{
	bool whole = !found && !grubfix_is_included(fix->doc->name);

	dom0_variable_add(fix, &dom0_variables[0], whole);
	dom0_variable_add(fix, &dom0_variables[1], false);
}

/* SUSE keeps dom0's arguments in a variable of their own. */
static void dom0_sysconfig(struct fix *fix)
{
	CLEANUP(free_cleanup)
	char *line = str_format("XEN_KERNEL_APPEND=\"console=%s\"", dom0_console_of(fix));

	fix_append_line(fix, line, "dom0's console is Xen's in the entry of the next kernel too");
}

static int dom0_console_apply(struct fix *fix, struct err *err)
{
	CLEANUP(free_cleanup) bool *com1 = menu_uses_com1(fix->doc);
	bool settings = TYPE_BIT(fix->doc->type) & TYPES_SETTINGS;
	bool found = false;
	int r = wish_check_plain(dom0_console_of(fix), err);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < fix->doc->args_count; i++) {
		const struct args *args = fix->doc->args + i;
		bool all = fix->facts->console;

		if (args->role != ARGS_DOM0 ||
		    (!all && (args->entry == NONE || !com1[args->entry])))
			continue;
		dom0_list(fix, i, all && (!settings || !found));
		found = true;
	}
	if (fix->facts->console && fix->doc->type == GRUBFIX_DEFAULT_GRUB)
		dom0_settings(fix, found);
	if (!found && fix->facts->console && fix->doc->type == GRUBFIX_SYSCONFIG)
		dom0_sysconfig(fix);
	return 0;
}

static const struct fix_example dom0_console_example = {
	GRUBFIX_LEGACY,
	"title Xen\n"
	"    kernel /boot/xen.gz com1=115200,8n1 console=com1\n"
	"    module /boot/vmlinuz-xen console=tty0 console=ttyS0,115200\n",
	"",
	{ 0 },
};

const struct fix_rule rule_dom0_console = {
	.id = "dom0-console",
	.why = "Under Xen the serial line belongs to the hypervisor: dom0 finds no ttyS0 and is "
	       "silent unless its console is hvc0.",
	.types = TYPES_XEN_ARGS,
	.matches = NULL,
	.apply = dom0_console_apply,
	.example = &dom0_console_example,
};

/* --- GRUB itself ----------------------------------------------------------------------------- */

static char *serial_command(const struct fix *fix)
{
	const char *com1 = com1_of(fix);

	size_t digits = strspn(com1, "0123456789");

	return digits ? str_format("serial --unit=0 --speed=%.*s", (int)digits, com1)
		      : str_copy("serial --unit=0"); /* auto: as the firmware left it */
}

static const struct statement *global(const struct doc *doc, const char *name)
{
	for (uint32_t i = 0; i < doc->statement_count; i++)
		if (doc->statements[i].entry == NONE && !doc->statements[i].hidden &&
		    strcmp(doc->statements[i].name, name) == 0)
			return doc->statements + i;
	return NULL;
}

static bool has_word(const struct doc *doc, const struct statement *s, const char *text)
{
	for (uint32_t i = 0; i < s->word_count; i++)
		if (strcmp(doc->words[s->words + i].text, text) == 0)
			return true;
	return false;
}

/* Lines that go in front of a token, in the order of the calls. */
static void line_add(struct fix *fix, uint32_t token, const char *line)
{
	CLEANUP(free_cleanup) char *text = str_format("%s%s", line, doc_newline(fix->doc));

	doc_before(fix->doc, token, text);
	fix_edited(fix, token, NULL, line, "GRUB's menu shows on the serial line");
}

/* In front of the first terminal, behind the options: GRUB Legacy takes no option after a name.
 * Source: GRUB 0.97 stage2/builtins.c terminal_func(). */
static void serial_word_add(struct fix *fix, const struct statement *s)
{
	uint32_t index = statement_file_index(fix->doc, s);
	const struct word *terminal = statement_word(fix->doc, s, index);

	if (s->key == NONE || has_word(fix->doc, s, "serial") || s->word_count == 0)
		return;
	if (terminal)
		doc_before(fix->doc, terminal->first, "serial ");
	else
		doc_after(fix->doc, statement_word(fix->doc, s, index - 1)->last, " serial");
	fix_edited(fix, s->key, NULL, "serial", "GRUB's menu shows on the serial line too");
}

static void legacy_serial(struct fix *fix)
{
	const struct doc *doc = fix->doc;
	CLEANUP(free_cleanup) char *serial = serial_command(fix);
	const struct statement *first = NULL;
	uint32_t token;

	for (uint32_t i = 0; i < doc->statement_count && !first; i++)
		if (!doc->statements[i].hidden)
			first = doc->statements + i;
	if (!first)
		return;
	token = first->line_first;
	if (!global(doc, "serial"))
		line_add(fix, token, serial);
	if (!global(doc, "terminal"))
		line_add(fix, token, "terminal --timeout=5 serial console");
	else
		serial_word_add(fix, global(doc, "terminal"));
	for (uint32_t i = 0; i < doc->statement_count; i++) {
		const struct statement *menu = doc->statements + i;

		if (menu->entry != NONE || menu->hidden || strcmp(menu->name, "gfxmenu") != 0)
			continue;
		doc_remove(fix->doc, menu->line_first, doc_line_end(doc, menu->key) - 1);
		fix_edited(fix, menu->key, menu->name, NULL,
			   "the graphical menu would hide the one on the serial line");
	}
}

static void grub_cfg_serial(struct fix *fix)
{
	static const char *const terminals[] = { "terminal_input", "terminal_output", NULL };
	const struct doc *doc = fix->doc;
	CLEANUP(free_cleanup) char *serial = serial_command(fix);
	uint32_t token = 0;

	if (doc->entry_count == 0 || grubfix_is_included(doc->name))
		return;
	token = doc->statements[doc->entries[0].statement].line_first;
	for (uint32_t i = 0; i < doc->statement_count; i++)
		if (doc->statements[i].entry == NONE &&
		    str_starts(doc->statements[i].name, "terminal_") &&
		    doc->statements[i].line_first < token)
			token = doc->statements[i].line_first;
	if (!global(doc, "serial"))
		line_add(fix, token, serial);
	for (const char *const *name = terminals; *name; name++) {
		CLEANUP(free_cleanup) char *line = str_format("%s serial console", *name);

		if (!global(doc, *name))
			line_add(fix, token, line);
	}
	for (uint32_t i = 0; i < doc->statement_count; i++)
		if (doc->statements[i].entry == NONE &&
		    (strcmp(doc->statements[i].name, terminals[0]) == 0 ||
		     strcmp(doc->statements[i].name, terminals[1]) == 0))
			serial_word_add(fix, doc->statements + i);
}

static void default_grub_serial(struct fix *fix)
{
	const char *reason = "the next update of the menu keeps it on the serial line";
	const struct statement *terminal = setting(fix->doc, "GRUB_TERMINAL");
	CLEANUP(free_cleanup) char *serial = serial_command(fix);
	CLEANUP(free_cleanup) char *line = str_format("GRUB_SERIAL_COMMAND=\"%s\"", serial);

	if (terminal && !strstr(terminal->value, "serial")) {
		statement_set(fix->doc, terminal, "serial console");
		fix_edited(fix, terminal->key, terminal->value, "serial console", "%s", reason);
	}
	if (grubfix_is_included(fix->doc->name))
		return;
	if (!terminal)
		fix_append_line(fix, "GRUB_TERMINAL=\"serial console\"", reason);
	if (!setting(fix->doc, "GRUB_SERIAL_COMMAND"))
		fix_append_line(fix, line, reason);
}

static int grub_serial_apply(struct fix *fix, struct err *err)
{
	int r = wish_check_plain(com1_of(fix), err);

	if (r < 0)
		return r;
	if (fix->doc->type == GRUBFIX_LEGACY)
		legacy_serial(fix);
	else if (fix->doc->type == GRUBFIX_GRUB_CFG)
		grub_cfg_serial(fix);
	else
		default_grub_serial(fix);
	return 0;
}

static const struct fix_example grub_serial_example = {
	GRUBFIX_LEGACY,
	"default 0\n"
	"timeout 8\n"
	"gfxmenu (hd0,1)/boot/message\n"
	"title Xen\n"
	"    kernel /boot/xen.gz\n",
	"--console",
	{ .console = true },
};

const struct fix_rule rule_grub_serial = {
	.id = "grub-serial",
	.why = "Without a screen GRUB's menu and its errors are seen on the serial line only, "
	       "and the graphical menu hides them.",
	.types = TYPES_MENU | TYPE_BIT(GRUBFIX_DEFAULT_GRUB),
	.matches = wants_console,
	.apply = grub_serial_apply,
	.example = &grub_serial_example,
};
