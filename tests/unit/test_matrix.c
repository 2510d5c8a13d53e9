/* The matrix as a table and as JSON; records and what they prove. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/fs.h"
#include "run_fixture.h"
#include "verify/evidence.h"
#include "verify/l0.h"
#include "verify/matrix.h"

#define NONCE "0123456789abcdef0123456789abcdef"
#define ECHO  "aa11"

static void set(char **field, const char *text)
{
	free(*field);
	*field = str_copy(text);
}

static struct matrix *sample(void)
{
	struct matrix *matrix = matrix_new("xen-l3", "tcg");
	struct matrix_row *row = matrix_add(matrix);

	row->level = 1;
	set(&row->name, "l1");
	set(&row->os, "Debian");
	set(&row->hypervisor, "Xen 4.17.7");
	set(&row->guest_type, "QEMU TCG");
	set(&row->state, "proven");
	set(&row->record, "{\"agent\":1}");
	row->booted = row->network = row->proven = true;
	row->seconds = 35.04;
	row = matrix_add(matrix);
	row->level = 2;
	set(&row->name, "l2");
	set(&row->state, "failed");
	set(&row->step, "it stuck in Xen's start");
	set(&row->reason, "no word");
	set(&row->symptom, "dom0 dies");
	set(&row->cause, "SMAP");
	set(&row->cure, "-smap");
	strv_add(&row->console, "last words \xff");
	row->seconds = 126;
	return matrix;
}

static char *printed(const struct matrix *matrix)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	matrix_print(matrix, out);
	fclose(out);
	return text;
}

static void prints_a_table_and_the_failures(void **state)
{
	CLEANUP(matrix_cleanup) struct matrix *matrix = sample();
	CLEANUP(free_cleanup) char *text = printed(matrix);

	(void)state;
	assert_string_equal(
		text,
		"level  name  OS      hypervisor  guest type  booted  network  proven  seconds\n"
		"L1     l1    Debian  Xen 4.17.7  QEMU TCG    yes     yes      yes        35.0\n"
		"L2     l2    -       -           -           no      no       no        126.0\n"
		"\n"
		"L2 l2: failed, it stuck in Xen's start\n"
		"  reason   no word\n"
		"  symptom  dom0 dies\n"
		"  cause    SMAP\n"
		"  cure     -smap\n"
		"  the last lines of its console:\n"
		"    | last words \xff\n");
	assert_false(matrix_all_proven(matrix));
}

static void prints_a_reset(void **state)
{
	CLEANUP(matrix_cleanup) struct matrix *matrix = matrix_new("lab", "tcg");
	struct matrix_row *row = matrix_add(matrix);

	(void)state;
	row->level = 2;
	row->resets = 1;
	set(&row->name, "l2");
	set(&row->state, "proven");
	set(&row->reset_step, "in Xen's start, 3.0 s after its start");
	strv_add(&row->reset_console, "last words");
	CLEANUP(free_cleanup) char *text = printed(matrix);
	assert_non_null(strstr(text, "\nL2 l2: reset itself in Xen's start, 3.0 s after its start, "
				     "and started again\n"
				     "  the last lines of its console:\n    | last words\n"));
	row->resets = 3;
	CLEANUP(free_cleanup) char *more = printed(matrix);
	assert_non_null(strstr(more,
			       "\nL2 l2: reset itself 3 times, last in Xen's start, 3.0 s after "
			       "its start, and started again\n"));
	CLEANUP(matrix_cleanup) struct matrix *back = NULL;
	CLEANUP(free_cleanup) char *json = matrix_json_text(matrix, false);
	assert_int_equal(matrix_from_json(json, &back, NULL), 0);
	assert_int_equal(back->rows[0].resets, 3);
	assert_string_equal(back->rows[0].reset_console.items[0], "last words");
}

static void json_goes_there_and_back(void **state)
{
	CLEANUP(matrix_cleanup) struct matrix *matrix = sample();
	CLEANUP(matrix_cleanup) struct matrix *back = NULL;
	CLEANUP(free_cleanup) char *text = matrix_json_text(matrix, false);

	(void)state;
	assert_int_equal(matrix_from_json(text, &back, NULL), 0);
	CLEANUP(free_cleanup) char *again = matrix_json_text(back, false);
	assert_string_equal(text, again);
	assert_string_equal(back->rows[1].console.items[0], "last words ?");
	assert_string_equal(back->rows[0].record, "{\"agent\":1}");
	assert_null(strchr(text, '\n'));
}

static void bad_json_is_refused(void **state)
{
	struct matrix *matrix = NULL;
	struct err err = { 0 };

	(void)state;
	assert_true(matrix_from_json("{\"levels\":3}", &matrix, &err) < 0);
	assert_string_equal(err.text, "a matrix cannot be read: no levels");
	assert_true(matrix_from_json("nonsense", &matrix, &err) < 0);
	err_clear(&err);
	struct matrix *empty = matrix_new("x", "tcg");
	assert_false(matrix_all_proven(empty));
	matrix_free(empty);
}

/* --- evidence -------------------------------------------------------------------------------- */

static const char good[] =
	"{\"t\":\"record\",\"path\":\"l1/l2\",\"nonce\":\"" NONCE
	"\",\"depth\":2,\"os\":\"Debian\","
	"\"hypervisor\":{\"cpuid\":\"XenVMMXenVMM\"},\"xen\":{\"type\":\"xen\",\"version\":\"4.17.7\","
	"\"role\":\"dom0\",\"guest_type\":\"PV\"},\"network\":{\"address\":\"10.0.2.16/24\","
	"\"echo\":\"" ECHO "\",\"error\":\"\"}}";

/* The record with one part of its text replaced. */
static void judge(const char *from, const char *to, unsigned level, struct evidence *ret)
{
	struct fixture fixture;
	CLEANUP(record_cleanup) struct record *record = NULL;
	const char *at = from ? strstr(good, from) : good;
	CLEANUP(free_cleanup)
	char *json = str_format("%.*s%s%s", (int)(at - good), good, to ? to : "",
				at + strlen(from ? from : ""));

	fixture_make(&fixture);
	assert_int_equal(record_parse(json, &record, NULL), 0);
	struct expectation expected = { .layer = &fixture.layers[level],
					.path = "l1/l2",
					.nonce = NONCE,
					.echo = ECHO,
					.l0_hypervisor = "TCGTCGTCGTCG" };
	evidence_judge(&expected, record, ret);
}

static const struct {
	const char *from, *to;
	unsigned level;
	bool counts, network;
	const char *reason;
} judgements[] = {
	{ NULL, NULL, 1, true, true, "" },
	{ NONCE, "ff", 1, false, false, "a record of another run or layer: ignored" },
	{ "l1/l2", "l1/l9", 1, false, false, "a record of another run or layer: ignored" },
	{ "\"depth\":2", "\"depth\":1", 1, true, true, "its depth is 1, not 2" },
	{ "dom0", "domU", 1, true, true, "the domain is domU, not dom0" },
	{ "XenVMMXenVMM", "TCGTCGTCGTCG", 1, true, true,
	  "the hypervisor that CPUID shows is TCGTCGTCGTCG, not XenVMMXenVMM" },
	{ "\"xen\":", "\"other\":", 1, true, true,
	  "plain Linux runs, not Xen (no /sys/hypervisor)" },
	{ ECHO, "bb", 1, true, false, "no network: the echo is not the one that L0 sent" },
	{ ECHO, "", 1, true, false, "no network: no echo from L0" },
	{ "10.0.2.16/24", "", 1, true, false, "no network: no address" },
	{ "\"echo\":\"" ECHO "\",\"error\":\"\"", "\"echo\":\"\",\"error\":\"br0: timed out\"", 1,
	  true, false, "no network: br0: timed out" },
};

/* On a Xen host even the outermost guest is a domU. */
static void evidence_of_a_guest_on_xen(void **state)
{
	static const char text[] = "{\"t\":\"record\",\"path\":\"l1\",\"nonce\":\"" NONCE
				   "\",\"depth\":1,\"hypervisor\":{\"cpuid\":\"XenVMMXenVMM\"},"
				   "\"xen\":{\"type\":\"xen\",\"role\":\"domU\","
				   "\"guest_type\":\"HVM\"},\"network\":{\"address\":"
				   "\"10.0.2.16/24\",\"echo\":\"" ECHO "\",\"error\":\"\"}}";
	static const char *const wanted[] = {
		[L0_TCG] = "the hypervisor that CPUID shows is XenVMMXenVMM, not TCGTCGTCGTCG",
		[L0_KVM] = "the hypervisor that CPUID shows is XenVMMXenVMM, not KVMKVMKVM",
		[L0_XEN] = "",
		[L0_ANY] = "",
	};
	struct fixture fixture;
	struct evidence evidence;

	(void)state;
	fixture_make(&fixture);
	fixture.layers[0].role = ROLE_GUEST;
	fixture.layers[0].hypervisor = HYPERVISOR_NONE;
	for (enum l0_kind l0 = L0_TCG; l0 <= L0_ANY; l0++) {
		CLEANUP(record_cleanup) struct record *record = NULL;
		struct expectation expected = { .layer = &fixture.layers[0],
						.path = "l1",
						.nonce = NONCE,
						.echo = ECHO,
						.l0_hypervisor = l0_nature(l0)->hypervisor };

		assert_int_equal(record_parse(text, &record, NULL), 0);
		evidence_judge(&expected, record, &evidence);
		assert_string_equal(evidence.reason, wanted[l0]);
		evidence_done(&evidence);
	}
}

/* What a machine of unknown making runs on is its own affair; what it runs is not. */
static void evidence_of_any_machine(void **state)
{
	static const char *const below[] = {
		"",
		"\"hypervisor\":{\"cpuid\":\"Microsoft Hv\"},",
		("\"hypervisor\":{\"cpuid\":\"XenVMMXenVMM\"},\"xen\":{\"type\":\"xen\","
		 "\"role\":\"dom0\",\"guest_type\":\"PV\"},"),
	};
	static const char *const wanted[2][3] = {
		[HYPERVISOR_NONE] = { "", "", "" },
		[HYPERVISOR_XEN] = { "plain Linux runs, not Xen (no /sys/hypervisor)",
				     "plain Linux runs, not Xen (no /sys/hypervisor)", "" },
	};
	struct fixture fixture;
	struct evidence evidence;

	(void)state;
	fixture_make(&fixture);
	for (int i = 0; i < 6; i++) {
		CLEANUP(record_cleanup) struct record *record = NULL;
		CLEANUP(free_cleanup)
		char *text = str_format("{\"path\":\"l1\",\"nonce\":\"" NONCE "\",\"depth\":1,%s"
					"\"network\":{\"address\":\"10.0.2.16/24\",\"echo\":"
					"\"" ECHO "\"}}",
					below[i / 2]);
		struct expectation expected = { .layer = &fixture.layers[0],
						.path = "l1",
						.nonce = NONCE,
						.echo = ECHO,
						.l0_hypervisor = l0_nature(L0_ANY)->hypervisor };

		fixture.layers[0].hypervisor = i % 2 ? HYPERVISOR_XEN : HYPERVISOR_NONE;
		assert_int_equal(record_parse(text, &record, NULL), 0);
		evidence_judge(&expected, record, &evidence);
		assert_string_equal(evidence.reason, wanted[i % 2][i / 2]);
		evidence_done(&evidence);
	}
}

static void evidence_is_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof judgements / sizeof *judgements; i++) {
		struct evidence evidence;

		judge(judgements[i].from, judgements[i].to, judgements[i].level, &evidence);
		assert_string_equal(evidence.reason, judgements[i].reason);
		assert_int_equal(evidence.counts, judgements[i].counts);
		assert_int_equal(evidence.network, judgements[i].network);
		assert_int_equal(evidence.proven, *judgements[i].reason == '\0');
		evidence_done(&evidence);
	}
}

static void a_guest_is_no_dom0(void **state)
{
	struct evidence evidence;

	(void)state;
	judge("\"depth\":2", "\"depth\":3", 2, &evidence);
	assert_string_equal(evidence.reason, "the domain is dom0, not domU");
	evidence_done(&evidence);
}

static void bad_records_are_refused(void **state)
{
	struct record *record = NULL;

	(void)state;
	assert_true(record_parse("", &record, NULL) < 0);
	assert_true(record_parse("{\"path\":\"l1\"}", &record, NULL) < 0);
	assert_true(record_parse("{\"path\":\"a\",\"nonce\":\"b\",\"nonce\":\"c\"}", &record,
				 NULL) < 0);
	assert_int_equal(record_parse("{\"path\":\"a\",\"nonce\":\"b\",\"network\":7,\"xen\":[],"
				      "\"depth\":-3,\"memory_kib\":\"x\"}",
				      &record, NULL),
			 0);
	assert_int_equal(record->depth, 0);
	record_free(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_a_table_and_the_failures),
		cmocka_unit_test(json_goes_there_and_back),
		cmocka_unit_test(prints_a_reset),
		cmocka_unit_test(bad_json_is_refused),
		cmocka_unit_test(evidence_is_judged),
		cmocka_unit_test(evidence_of_a_guest_on_xen),
		cmocka_unit_test(evidence_of_any_machine),
		cmocka_unit_test(a_guest_is_no_dom0),
		cmocka_unit_test(bad_records_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
