/* grubfix: the bare text tool. Reads a file, has the library repair it, prints it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "grubfix.h"
#include "input.h"
#include "options.h"
#include "report.h"

static void list_rules(bool markdown, struct buf *out)
{
	if (markdown) {
		CLEANUP(free_cleanup) char *page = grubfix_rules_markdown();

		buf_text(out, page);
		return;
	}
	for (size_t i = 0; grubfix_rule_at(i); i++)
		buf_format(out, "%-14s %s\n", grubfix_rule_id(grubfix_rule_at(i)),
			   grubfix_rule_why(grubfix_rule_at(i)));
}

static void print_result(const struct options *options, const char *name, const char *text,
			 size_t length, const struct grubfix_result *result, struct buf *out)
{
	CLEANUP(buf_done) struct buf report = { 0 };

	if (options->json) {
		report_json(name, result, out);
		return;
	}
	if (options->dry_run) {
		CLEANUP(free_cleanup)
		char *diff = grubfix_diff(name, text, length, result->text, result->length);

		buf_text(out, diff);
	} else {
		buf_add(out, result->text, result->length);
	}
	report_text(name, result, options->dry_run || options->explain, &report);
	fputs(buf_str(&report), stderr);
}

static int run_file(const struct options *options, const char *file, struct buf *out,
		    struct err *err)
{
	CLEANUP(free_cleanup) char *text = NULL;
	CLEANUP(option_facts_done) struct option_facts facts = { 0 };
	CLEANUP(grubfix_result_done) struct grubfix_result result = { 0 };
	const char *name = str_equal(file, "-") ? "standard input" : file;
	struct grubfix_request request = {
		.name = name,
		.facts = &facts.facts,
		.only = (const char *const *)options->only.items,
		.skip = (const char *const *)options->skip.items,
	};
	int r;

	if (options->type) {
		request.type = grubfix_type_from_name(options->type);
		if (request.type == GRUBFIX_UNKNOWN)
			return err_set(err, -EINVAL,
				       "--type %s: there is no such type (see --help)",
				       options->type);
	}
	r = option_facts_make(options, &facts, err);
	if (r == 0)
		r = input_read(file, GRUBFIX_MAX_BYTES, &text, &request.length, err);
	request.text = text;
	if (r == 0)
		r = grubfix_run(&request, &result, err);
	if (r == 0)
		print_result(options, name, text, request.length, &result, out);
	return r;
}

/* Says what went wrong; returns the exit status. */
static int complain(struct err *err, int r)
{
	int status = err_exit_status(err);

	fprintf(stderr, "grubfix: %s\n", err->text ? err->text : strerror(-r));
	err_clear(err);
	return status;
}

/* Of several files all are looked at; the status is that of the first that fails. */
static int run(const struct options *options, struct buf *out)
{
	int status = 0;

	if (options->help) {
		options_print_help(stdout);
		return 0;
	}
	if (options->list_rules) {
		list_rules(options->markdown, out);
		return 0;
	}
	for (size_t i = 0; i < options->inputs.count; i++) {
		struct err err = { 0 };
		int r = run_file(options, options->inputs.items[i], out, &err);
		int one = r < 0 ? complain(&err, r) : 0;

		status = status ? status : one;
	}
	return status;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct buf out = { 0 };
	struct err err = { 0 };
	int r = options_parse(argc, argv, &options, &err);
	int status = r < 0 ? complain(&err, r) : run(&options, &out);

	fwrite(buf_str(&out), 1, out.length, stdout);
	if (status == 0 && (fflush(stdout) != 0 || ferror(stdout))) {
		fputs("grubfix: standard output cannot be written\n", stderr);
		status = 1;
	}
	options_done(&options);
	buf_done(&out);
	return status;
}
