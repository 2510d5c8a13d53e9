/* The page of all rules: each with its reason and a worked example, made by running it. */
#include <string.h>

#include "fix.h"

static void example_add(const struct fix_rule *rule, struct buf *page)
{
	const struct fix_example *example = rule->example;
	const char *const only[] = { rule->id, NULL };
	const struct grubfix_request request = {
		.name = grubfix_type_name(example->type),
		.text = example->text,
		.length = strlen(example->text),
		.type = example->type,
		.facts = &example->facts,
		.only = only,
	};
	CLEANUP(grubfix_result_done) struct grubfix_result result = { 0 };
	CLEANUP(err_clear) struct err err = { 0 };

	buf_format(page, "\nBefore (%s):\n\n```\n%s```\n", request.name, example->text);
	if (grubfix_run(&request, &result, &err) < 0)
		buf_format(page, "\nRefused: %s\n", err.text);
	else
		buf_format(page, "\nAfter `grubfix --only %s%s%s`:\n\n```\n%s```\n", rule->id,
			   *example->options ? " " : "", example->options, result.text);
}

char *grubfix_rules_markdown(void)
{
	struct buf page = { 0 };

	buf_text(&page,
		 "# The rules of grubfix\n\n"
		 "Written by `grubfix --list-rules --markdown`; the examples are what the rules "
		 "make of them.\nApplied in this order, each once: a second run changes "
		 "nothing.\n");
	for (size_t i = 0; grubfix_rule_at(i); i++) {
		const struct fix_rule *rule = grubfix_rule_at(i);

		buf_format(&page, "\n## %s\n\n%s\n", rule->id, rule->why);
		if (rule->example)
			example_add(rule, &page);
	}
	return page.data;
}
