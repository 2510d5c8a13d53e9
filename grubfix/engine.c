/* Applies the rules one after the other, each on a fresh parse, and checks that the result needs
 * no further edit. */
#include "fix.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "chain.h"
#include "menu.h"
#include "syntax.h"

/* The order in which they are applied: names first, then the loader's own view, then which entry
 * boots, then how it talks; a guest config is translated last. */
static const struct fix_rule *const rules[] = {
	&rule_root,	    &rule_resume,      &rule_linux_uuid,  &rule_fstab,
	&rule_crypttab,	    &rule_grub_root,   &rule_boot_path,	  &rule_search,
	&rule_missing_file, &rule_device_map,  &rule_xen_default, &rule_xen_console,
	&rule_dom0_console, &rule_grub_serial, &rule_dom0_mem,	  &rule_xen_args,
	&rule_dom0_args,    &rule_altp2m,      &rule_netfront,	  &rule_hap,
	&rule_nestedhvm,    &rule_tsc_mode,    &rule_hdtype,	  &rule_serial,
	&rule_to_xl,	    &rule_to_xm,
};

#define RULES (sizeof rules / sizeof *rules)

const struct fix_rule *grubfix_rule_at(size_t index)
{
	return index < RULES ? rules[index] : NULL;
}

const char *grubfix_rule_id(const struct fix_rule *rule)
{
	return rule->id;
}

const char *grubfix_rule_why(const struct fix_rule *rule)
{
	return rule->why;
}

/* --- findings -------------------------------------------------------------------------------- */

static void finding_add(struct fix *fix, uint32_t token, bool edit, const char *before,
			const char *after, char *reason)
{
	struct grubfix_result *result = fix->result;
	size_t count = result->finding_count;

	if ((count & (count - 1)) == 0) /* grown at every power of two */
		result->findings =
			mem_grow(result->findings, count ? 2 * count : 1, sizeof *result->findings);
	result->findings[result->finding_count++] = (struct grubfix_finding){
		.rule = fix->rule->id,
		.line = doc_origin(fix->doc, token),
		.edit = edit,
		.before = str_copy(before),
		.after = str_copy(after),
		.reason = reason,
	};
}

void fix_edited(struct fix *fix, uint32_t token, const char *before, const char *after,
		const char *format, ...)
{
	va_list args;

	va_start(args, format);
	finding_add(fix, token, true, before, after, str_vformat(format, args));
	va_end(args);
}

void fix_remark(struct fix *fix, uint32_t token, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	finding_add(fix, token, false, NULL, NULL, str_vformat(format, args));
	va_end(args);
}

/* Does the text end in a backslash that would join the next line to it? */
static bool continues(const struct doc *doc)
{
	size_t end = doc->length, start;
	enum token_kind last =
		doc->token_count ? doc->tokens[doc->token_count - 1].kind : TOKEN_NEWLINE;

	if (last == TOKEN_CONTINUE)
		return true;
	for (start = end; start > 0 && doc->text[start - 1] == '\\';)
		start--;
	return last != TOKEN_COMMENT && (end - start) % 2 == 1;
}

void fix_append_line(struct fix *fix, const char *line, const char *reason)
{
	const struct doc *doc = fix->doc;
	bool ended = doc->length == 0 || doc->text[doc->length - 1] == '\n';
	CLEANUP(free_cleanup)
	char *text = str_format("%s%s%s%s", continues(doc) ? doc_newline(doc) : "",
				ended ? "" : doc_newline(doc), line, ended ? doc_newline(doc) : "");
	uint32_t last = doc->token_count ? doc->token_count - 1 : 0;

	doc_after(fix->doc, last, text);
	fix_edited(fix, last, NULL, line, "%s", reason);
}

int fix_fail(const struct fix *fix, struct err *err, uint32_t token, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	CLEANUP(free_cleanup) char *text = str_vformat(format, args);
	va_end(args);
	return err_set(err, -EBADMSG, "%s:%zu: %s", fix->doc->name, doc_origin(fix->doc, token),
		       text);
}

void grubfix_result_done(struct grubfix_result *result)
{
	for (size_t i = 0; i < result->finding_count; i++) {
		free(result->findings[i].before);
		free(result->findings[i].after);
		free(result->findings[i].reason);
	}
	free(result->findings);
	free(result->text);
	*result = (struct grubfix_result){ 0 };
}

/* --- what must hold before any rule ---------------------------------------------------------- */

static bool listed(const char *const *list, const char *id)
{
	for (; list && *list; list++)
		if (strcmp(*list, id) == 0)
			return true;
	return false;
}

static int check_ids(const char *const *list, struct err *err)
{
	for (; list && *list; list++) {
		size_t i = 0;

		while (i < RULES && strcmp(rules[i]->id, *list) != 0)
			i++;
		if (i == RULES)
			return err_set(err, -EINVAL,
				       "there is no rule \"%s\" (--list-rules shows all)", *list);
	}
	return 0;
}

static int check_text(const struct grubfix_request *request, struct err *err)
{
	const char *nul = memchr(request->text, '\0', request->length);
	size_t line = 1;

	if (!nul)
		return 0;
	for (const char *p = request->text; p < nul; p++)
		line += *p == '\n';
	return err_set(err, -EBADMSG,
		       "%s:%zu: has a NUL byte: it is no text file (nothing is done)",
		       request->name, line);
}

static int prepare(const struct grubfix_request *request, struct doc *doc, struct err *err)
{
	enum grubfix_type type = request->type;

	if (request->length > GRUBFIX_MAX_BYTES)
		return err_set(err, -EBADMSG,
			       "%s: is %zu bytes long; a boot file has at most %zu (is it the "
			       "right file?)",
			       request->name, request->length, GRUBFIX_MAX_BYTES);
	int r = check_text(request, err);
	if (r < 0)
		return r;
	if (type == GRUBFIX_UNKNOWN)
		type = grubfix_type_find(request->name, request->text, request->length);
	if (type == GRUBFIX_UNKNOWN)
		return err_set(err, -EBADMSG,
			       "%s: neither its name nor its content tells what it is (say so "
			       "with --type)",
			       request->name);
	doc_parse(doc, request->name, type, request->text, request->length);
	if (doc->problem)
		return err_set(err, -EBADMSG, "%s:%s", request->name, doc->problem);
	return 0;
}

/* --- the run --------------------------------------------------------------------------------- */

static int apply_all(const struct grubfix_request *request, struct doc *doc,
		     struct grubfix_result *result, struct err *err)
{
	for (size_t i = 0; i < RULES; i++) {
		struct fix fix = { doc, request->facts, rules[i], result };

		if (!(rules[i]->types & TYPE_BIT(doc->type)) ||
		    (request->only && !listed(request->only, rules[i]->id)) ||
		    listed(request->skip, rules[i]->id) ||
		    (rules[i]->matches && !rules[i]->matches(&fix)))
			continue;
		int r = rules[i]->apply(&fix, err);
		if (r == 0 && doc->type == GRUBFIX_GRUBENV)
			r = grubenv_pad(doc, err);
		if (r < 0)
			return r;
		doc_settle(doc);
		if (doc->problem)
			return err_set(err, -ENOTRECOVERABLE,
				       "%s:%s: after the rule %s (a fault in grubfix, please "
				       "report it)",
				       request->name, doc->problem, rules[i]->id);
	}
	return 0;
}

/* The second time over nothing may be left to edit. */
static int check_settled(const struct grubfix_request *request, struct doc *doc, struct err *err)
{
	CLEANUP(grubfix_result_done) struct grubfix_result again = { 0 };
	int r = apply_all(request, doc, &again, err);

	if (r < 0)
		return err_wrap(err, -ENOTRECOVERABLE, "looking at the result once more");
	for (size_t i = 0; i < again.finding_count; i++)
		if (again.findings[i].edit)
			return err_set(err, -ENOTRECOVERABLE,
				       "%s:%zu: the rule %s wants a second edit (a fault in "
				       "grubfix, please report it)",
				       request->name, again.findings[i].line,
				       again.findings[i].rule);
	return 0;
}

int grubfix_run(const struct grubfix_request *request, struct grubfix_result *ret_result,
		struct err *err)
{
	CLEANUP(doc_done) struct doc doc = { 0 };
	CLEANUP(grubfix_result_done) struct grubfix_result result = { 0 };
	CLEANUP(buf_done) struct buf text = { 0 };
	int r;

	r = check_ids(request->only, err);
	if (r == 0)
		r = check_ids(request->skip, err);
	if (r == 0)
		r = prepare(request, &doc, err);
	if (r == 0)
		r = apply_all(request, &doc, &result, err);
	if (r < 0)
		return r;
	doc_emit(&doc, &text);
	result.type = doc.type;
	result.changed = text.length != request->length ||
			 (text.length > 0 && memcmp(text.data, request->text, text.length) != 0);
	if (result.changed)
		r = check_settled(request, &doc, err);
	if (r < 0)
		return r;
	result.length = text.length;
	result.text = take(&text.data);
	*ret_result = result;
	result = (struct grubfix_result){ 0 };
	return 0;
}

int grubfix_xen_entry(const struct grubfix_request *request, char **ret_entry, struct err *err)
{
	CLEANUP(doc_done) struct doc doc = { 0 };
	int r = prepare(request, &doc, err);

	if (r < 0)
		return r;
	CLEANUP(free_cleanup) bool *usable = menu_usable(&doc, request->facts);
	uint32_t entry = menu_xen_entry(&doc, request->facts, usable);

	*ret_entry = entry == NONE ? NULL : menu_path(&doc, entry);
	return 0;
}

int grubfix_next_menus(const struct grubfix_request *request, struct strv *ret_paths,
		       struct err *err)
{
	CLEANUP(doc_done) struct doc doc = { 0 };
	int r = prepare(request, &doc, err);

	if (r == 0)
		chain_next(&doc, request->facts, ret_paths);
	return r;
}
