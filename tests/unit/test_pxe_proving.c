/* Agents of installed machines, played over real connections, and what the ledger shows of them. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "pxe/proving.h"
#include "run/loop.h"
#include "run_fixture.h"

#define MACHINES 2
#define ADDRESS	 "127.0.0.1"
/* Seconds: what must come has these; and a caller who says nothing (provision/pxe/proving.c). */
#define PATIENCE       60
#define CALLER_SECONDS 10

struct place {
	char *folder;
	struct fixture fixtures[MACHINES];
	struct lab_machine machines[MACHINES];
	struct lab lab;
	struct ledger *ledger;
	struct proving *proving;
	char tokens[MACHINES][TOKEN_LENGTH + 1];
};

/* One end of a connection, as an agent has it. */
struct agent {
	struct place *place;
	int fd;
	struct buf in;
	char nonce[64];
};

/* Until somebody else takes it. */
static unsigned free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = inet_addr(ADDRESS) };
	socklen_t length = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
	close(fd);
	return ntohs(at.sin_port);
}

static void install(struct place *place, size_t index)
{
	struct boot_client client = { place->machines[index].mac, "", "10.0.0.9", FIRMWARE_BIOS };
	struct boot_answer answer;
	CLEANUP(err_clear) struct err err = { 0 };

	assert_int_equal(ledger_boot(place->ledger, &client, &answer, &err), 0);
	assert_int_equal(answer.decision, DECISION_INSTALL);
	strcpy(place->tokens[index], answer.agent_token);
	assert_int_equal(ledger_installed(place->ledger, &place->machines[index], &err), 0);
}

static int set_up(void **state)
{
	static char names[MACHINES][3] = { "r1", "r2" }, empty[] = "", lab_name[] = "rack";
	static char macs[MACHINES][18] = { "52:54:00:00:00:01", "52:54:00:00:00:02" };
	struct place *place = mem_alloc(sizeof *place);
	struct err err = { 0 };

	assert_int_equal(temp_dir(NULL, &place->folder, &err), 0);
	place->lab = (struct lab){ .name = lab_name,
				   .path = empty,
				   .machines = place->machines,
				   .machine_count = MACHINES,
				   .interface = "lo" };
	for (size_t i = 0; i < MACHINES; i++) {
		fixture_make(&place->fixtures[i]);
		place->machines[i] = (struct lab_machine){ .name = names[i],
							   .mac = macs[i],
							   .uuid = empty,
							   .stack = &place->fixtures[i].stack };
	}
	CLEANUP(free_cleanup) char *folder = path_join(place->folder, "ledger");
	assert_int_equal(ledger_open(folder, &place->lab, &place->ledger, &err), 0);
	for (size_t i = 0; i < MACHINES; i++)
		install(place, i);
	int r = -EADDRINUSE;
	for (int i = 0; r == -EADDRINUSE && i < 20; i++) {
		err_clear(&err);
		place->lab.ports.agents = free_port();
		r = proving_start(&place->lab, ADDRESS, place->ledger, &place->proving, &err);
	}
	assert_int_equal(r, 0);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;

	proving_end(place->proving);
	ledger_free(place->ledger);
	tree_remove(place->folder, NULL);
	free(place->folder);
	free(place);
	return 0;
}

/* --- rounds ----------------------------------------------------------------------------------- */

static void round_run(struct place *place)
{
	CLEANUP(loop_done) struct loop loop = { 0 };
	double wait = proving_tick(place->proving, 0.02);

	proving_poll(place->proving, &loop);
	loop_round(&loop, (int)(wait * 1000));
}

static void rounds(struct place *place, double seconds)
{
	for (double until = clock_seconds() + seconds; clock_seconds() < until;)
		round_run(place);
}

/* --- the ledger ------------------------------------------------------------------------------- */

static char *shown(struct place *place, size_t machine, const char *key)
{
	CLEANUP(free_cleanup) char *text = ledger_json(place->ledger);
	CLEANUP(json_cleanup) json_t *root = json_loads(text, 0, NULL);
	const json_t *object = json_array_get(json_object_get(root, "machines"), machine);

	return str_copy(json_string_value(json_object_get(object, key)));
}

static void wait_shown(struct place *place, size_t machine, const char *key, const char *wanted)
{
	CLEANUP(free_cleanup) char *found = NULL;

	for (double until = clock_seconds() + PATIENCE; clock_seconds() < until;) {
		free(found);
		found = shown(place, machine, key);
		if (strstr(found, wanted))
			return;
		rounds(place, 0.02);
	}
	fail_msg("%s is \"%s\", not \"%s\"", key, found, wanted);
}

/* --- a played agent --------------------------------------------------------------------------- */

static int dial(struct place *place)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = inet_addr(ADDRESS),
				  .sin_port = htons((uint16_t)place->lab.ports.agents) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void say(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(int fd, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	CLEANUP(free_cleanup) char *text = str_vformat(format, args);
	va_end(args);
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* True: the server closed it. */
static bool listen_to(struct place *place, int fd, struct buf *in)
{
	char chunk[4096];
	ssize_t got;

	round_run(place);
	while ((got = recv(fd, chunk, sizeof chunk, 0)) > 0)
		buf_add(in, chunk, (size_t)got);
	return got == 0 || errno != EAGAIN;
}

static bool is_closed(struct place *place, int fd, double seconds)
{
	CLEANUP(buf_done) struct buf in = { 0 };

	for (double until = clock_seconds() + seconds; clock_seconds() < until;)
		if (listen_to(place, fd, &in))
			return true;
	return false;
}

static bool hears(struct agent *agent, const char *wanted)
{
	double until = clock_seconds() + PATIENCE;
	bool closed = false;

	while (!strstr(buf_str(&agent->in), wanted) && !closed && clock_seconds() < until)
		closed = listen_to(agent->place, agent->fd, &agent->in);
	return strstr(buf_str(&agent->in), wanted);
}

static void hear(struct agent *agent, const char *wanted)
{
	if (!hears(agent, wanted))
		fail_msg("not \"%s\" but \"%s\"", wanted, buf_str(&agent->in));
}

static void agent_done(struct agent *agent)
{
	close(agent->fd);
	buf_done(&agent->in);
}

/* Up to the hello. */
static struct agent agent_new(struct place *place, size_t machine, bool ready)
{
	struct agent agent = { .place = place, .fd = dial(place) };

	say(agent.fd, "nestctl-agent l1 %s\n", place->tokens[machine]);
	if (ready)
		say(agent.fd, "\x1e{\"t\":\"ready\",\"agent\":1,\"layer\":\"l1\"}\n");
	hear(&agent, "}\n");
	const char *nonce = strstr(agent.in.data, "\"nonce\":\"");
	assert_non_null(nonce);
	assert_int_equal(sscanf(nonce, "\"nonce\":\"%32[0-9a-f]\"", agent.nonce), 1);
	CLEANUP(free_cleanup)
	char *echo = str_format("\"echo\":\"" ADDRESS ":%u\"", place->lab.ports.agents);
	assert_non_null(strstr(agent.in.data, echo));
	assert_non_null(strstr(agent.in.data, "\"t\":\"hello\",\"path\":\"l1\""));
	return agent;
}

static char *echo_of(struct agent *agent, const char *path)
{
	CLEANUP(buf_done) struct buf in = { 0 };
	int fd = dial(agent->place);

	say(fd, "nestctl-echo %s %s\n", path, agent->nonce);
	while (!listen_to(agent->place, fd, &in))
		;
	close(fd);
	assert_int_equal(in.length, 65);
	assert_int_equal(in.data[64], '\n');
	return str_format("%.64s", in.data);
}

static void prove_one(struct agent *agent, const char *path, unsigned depth, const char *role)
{
	CLEANUP(free_cleanup) char *echo = echo_of(agent, path);
	CLEANUP(free_cleanup)
	char *ack = str_format("{\"t\":\"ack\",\"path\":\"%s\",\"nonce\":\"%s\"}\n", path,
			       agent->nonce);

	say(agent->fd,
	    "\x1e{\"t\":\"record\",\"path\":\"%s\",\"nonce\":\"%s\",\"depth\":%u,\"os\":\"Debian\","
	    "\"hypervisor\":{\"cpuid\":\"XenVMMXenVMM\"},\"xen\":{\"type\":\"xen\",\"version\":"
	    "\"4.17.7\",\"role\":\"%s\",\"guest_type\":\"PV\"},\"network\":{\"address\":"
	    "\"10.0.2.16/24\",\"echo\":\"%s\",\"error\":\"\"}}\n",
	    path, agent->nonce, depth, role, echo);
	hear(agent, ack);
}

static void prove(struct agent *agent)
{
	prove_one(agent, "l1", 1, "dom0");
	prove_one(agent, "l1/l2", 2, "dom0");
	prove_one(agent, "l1/l2/l3", 3, "domU");
}

/* --- tests ------------------------------------------------------------------------------------ */

static void machines_are_proven(void **state)
{
	struct place *place = *state;

	wait_shown(place, 0, "stage", "installed");
	for (size_t i = 0; i < MACHINES; i++) {
		CLEANUP(agent_done) struct agent agent = agent_new(place, i, true);

		wait_shown(place, i, "stage", "proving");
		assert_false(ledger_all_proven(place->ledger));
		prove(&agent);
		wait_shown(place, i, "stage", "proven");
	}
	assert_true(ledger_all_proven(place->ledger));
	CLEANUP(free_cleanup) char *json = ledger_json(place->ledger);
	assert_non_null(strstr(json, "\"path\":\"l1/l2/l3\""));
	assert_non_null(strstr(json, "\"hypervisor\":\"Xen 4.17.7\""));
	assert_non_null(strstr(json, "\"guest_type\":\"machine\""));
	assert_non_null(strstr(json, "\"record\":null"));
	/* That their connections are gone changes nothing. */
	rounds(place, 0.7);
	assert_true(ledger_all_proven(place->ledger));
}

static void only_first_lines_with_a_token_are_heard(void **state)
{
	static const char *const lines[] = {
		"nestctl-agent l1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
		"nestctl-agent l1\n",
		"nestctl-agent l1 %s more\n",
		"nestctl-agent l1 %sA\n",
		"nestctl-echo l1 00112233445566778899aabbccddeeff\n",
		"nestctl-echo l1 %s\n",
		"GET / HTTP/1.1\r\n\r\n",
		"\n",
		"\x1e{\"t\":\"ready\"}\n",
	};
	struct place *place = *state;
	char flood[1000];

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		CLEANUP(buf_done) struct buf in = { 0 };
		CLEANUP(fd_cleanup) int fd = dial(place);
		const char *hole = strstr(lines[i], "%s");

		say(fd, "%.*s%s%s", hole ? (int)(hole - lines[i]) : (int)strlen(lines[i]), lines[i],
		    hole ? place->tokens[0] : "", hole ? hole + 2 : "");
		for (double until = clock_seconds() + PATIENCE; !listen_to(place, fd, &in);)
			assert_true(clock_seconds() < until);
		assert_int_equal(in.length, 0);
	}
	CLEANUP(fd_cleanup) int fd = dial(place);
	memset(flood, 'n', sizeof flood);
	say(fd, "%.1000s", flood);
	assert_true(is_closed(place, fd, PATIENCE));
	wait_shown(place, 0, "stage", "installed");
}

/* False: it took so long that the server may have closed them for their silence. */
static bool callers_are_kept(struct place *place)
{
	double start = clock_seconds();
	int silent[100];

	for (size_t i = 0; i < 100; i++) {
		silent[i] = dial(place);
		rounds(place, 0.001);
	}
	int slow = dial(place);
	say(slow, "nestctl-agent l1 ");
	rounds(place, 0.05);
	CLEANUP(agent_done) struct agent agent = agent_new(place, 0, true);
	prove(&agent);
	assert_true(is_closed(place, silent[0], PATIENCE));
	bool kept = !is_closed(place, silent[99], 0.05);
	say(slow, "%s\n", place->tokens[1]);
	CLEANUP(agent_done) struct agent other = { .place = place, .fd = slow };
	bool heard = hears(&other, "\"t\":\"hello\"");
	bool late = clock_seconds() - start > CALLER_SECONDS;
	for (size_t i = 0; i < 100; i++)
		close(silent[i]);
	assert_true(late || (kept && heard));
	return kept && heard;
}

/* The silent ones make room; a line may come in pieces. */
static void silent_callers_keep_nobody_out(void **state)
{
	int turns = 0;

	while (!callers_are_kept(*state) && turns < 10)
		turns++;
	assert_true(turns < 10);
}

static void the_last_connection_of_a_machine_counts(void **state)
{
	struct place *place = *state;
	CLEANUP(agent_done) struct agent first = agent_new(place, 0, true);
	CLEANUP(agent_done) struct agent second = agent_new(place, 0, true);

	assert_true(is_closed(place, first.fd, PATIENCE));
	assert_string_not_equal(first.nonce, second.nonce);
	/* What it knew is worth nothing any more. */
	CLEANUP(fd_cleanup) int fd = dial(place);
	say(fd, "nestctl-echo l1 %s\n", first.nonce);
	assert_true(is_closed(place, fd, PATIENCE));
	prove(&second);
	wait_shown(place, 0, "stage", "proven");
}

static void a_machine_proves_nothing_for_another(void **state)
{
	struct place *place = *state;
	CLEANUP(agent_done) struct agent first = agent_new(place, 0, true);
	CLEANUP(agent_done) struct agent second = agent_new(place, 1, true);
	CLEANUP(free_cleanup) char *echo = echo_of(&first, "l1");

	say(second.fd,
	    "\x1e{\"t\":\"record\",\"path\":\"l1\",\"nonce\":\"%s\",\"depth\":1,\"xen\":{\"type\":"
	    "\"xen\",\"role\":\"dom0\",\"guest_type\":\"PV\"},\"hypervisor\":{\"cpuid\":"
	    "\"XenVMMXenVMM\"},\"network\":{\"address\":\"10.0.2.16/24\",\"echo\":\"%s\"}}\n",
	    first.nonce, echo);
	rounds(place, 0.7);
	assert_null(strstr(buf_str(&second.in), "\"ack\""));
	for (size_t i = 0; i < MACHINES; i++) {
		CLEANUP(free_cleanup) char *stage = shown(place, i, "stage");

		assert_string_equal(stage, "proving");
	}
	prove(&first);
	prove(&second);
	wait_shown(place, 1, "stage", "proven");
}

/* The connection that broke and came back takes no machine's proof away. */
static void a_broken_line_is_proven_anew(void **state)
{
	struct place *place = *state;
	CLEANUP(agent_done) struct agent first = agent_new(place, 0, true);

	prove(&first);
	wait_shown(place, 0, "stage", "proven");
	shutdown(first.fd, SHUT_RDWR);
	rounds(place, 0.1);
	CLEANUP(agent_done) struct agent second = agent_new(place, 0, false);
	assert_string_not_equal(first.nonce, second.nonce);
	prove(&second);
	rounds(place, 0.7);
	wait_shown(place, 0, "stage", "proven");
}

static void a_failure_is_shown_and_mended_by_the_next_boot(void **state)
{
	struct place *place = *state;
	CLEANUP(agent_done) struct agent agent = agent_new(place, 0, true);

	prove_one(&agent, "l1", 1, "dom0");
	say(agent.fd,
	    "\x1e{\"t\":\"event\",\"path\":\"l1\",\"seconds\":5,\"step\":\"guest-failed\","
	    "\"guest\":\"l1/l2\",\"text\":\"xl: no memory\"}\n");
	wait_shown(place, 0, "stage", "failed");
	wait_shown(place, 0, "error",
		   "l2: failed: the level around it could not start it: xl: no memory");
	CLEANUP(agent_done) struct agent again = agent_new(place, 0, true);
	prove(&again);
	wait_shown(place, 0, "stage", "proven");
	wait_shown(place, 0, "error", "");
}

static void a_level_that_ends_is_proven_no_more(void **state)
{
	struct place *place = *state;
	CLEANUP(agent_done) struct agent agent = agent_new(place, 0, true);

	prove(&agent);
	wait_shown(place, 0, "stage", "proven");
	say(agent.fd,
	    "\x1e{\"t\":\"event\",\"path\":\"l1/l2\",\"seconds\":5,\"step\":\"guest-ended\","
	    "\"guest\":\"l1/l2/l3\",\"text\":\"domain 1 is gone\"}\n");
	wait_shown(place, 0, "stage", "failed");
	wait_shown(place, 0, "error", "l3: ended");
}

static void consoles_reach_the_page(void **state)
{
	struct place *place = *state;
	CLEANUP(agent_done) struct agent agent = agent_new(place, 0, true);

	say(agent.fd, "\x1e{\"t\":\"console\",\"path\":\"l1/l2\",\"data\":\"R1JVQgpYZW4K\"}\n");
	say(agent.fd, "\x1e{\"t\":\"console\",\"path\":\"l1\",\"data\":\"bm9ib2R5Cg==\"}\n");
	say(agent.fd, "\x1e{\"t\":\"console\",\"path\":\"l1/l2/l3\",\"data\":\"bG9naW46AAo=\"}\n");
	wait_shown(place, 0, "console", "\n--- l2 ---\nGRUB\nXen\n\n--- l3 ---\nlogin: \n");
	CLEANUP(free_cleanup) char *text = shown(place, 0, "console");
	assert_null(strstr(text, "nobody"));
}

/* Installed anew: whoever had the old token is out. */
static void a_withdrawn_token_ends_the_connection(void **state)
{
	struct place *place = *state;
	CLEANUP(agent_done) struct agent agent = agent_new(place, 0, true);

	wait_shown(place, 0, "stage", "proving");
	assert_int_equal(ledger_decide(place->ledger, "r1", DECISION_INSTALL, NULL), 0);
	say(agent.fd,
	    "\x1e{\"t\":\"event\",\"path\":\"l1\",\"seconds\":5,\"step\":\"starting-guest\","
	    "\"guest\":\"l1/l2\",\"text\":\"\"}\n");
	assert_true(is_closed(place, agent.fd, PATIENCE));
	wait_shown(place, 0, "stage", "unseen");
	CLEANUP(fd_cleanup) int fd = dial(place);
	say(fd, "nestctl-agent l1 %s\n", place->tokens[0]);
	assert_true(is_closed(place, fd, PATIENCE));
}

static void noise_harms_nobody(void **state)
{
	struct place *place = *state;
	CLEANUP(agent_done) struct agent agent = agent_new(place, 0, true);
	CLEANUP(buf_done) struct buf noise = { 0 };

	for (unsigned i = 0; i < 200000; i++)
		buf_format(&noise, "%c", 1 + (int)(i * 2654435761u >> 13) % 255);
	buf_text(&noise, "\n\x1e[1,2]\n\x1e{\"t\":\"exit\",\"path\":\"l1\",\"id\":1}\n");
	for (size_t sent = 0; sent < noise.length;) {
		ssize_t put = send(agent.fd, noise.data + sent, noise.length - sent, MSG_NOSIGNAL);

		if (put > 0)
			sent += (size_t)put;
		round_run(place);
	}
	prove(&agent);
	wait_shown(place, 0, "stage", "proven");
}

static void a_taken_port_is_named(void **state)
{
	struct place *place = *state;
	struct proving *second = NULL;
	CLEANUP(err_clear) struct err err = { 0 };
	CLEANUP(free_cleanup)
	char *wanted = str_format("the agents' port %u cannot be opened on " ADDRESS
				  ": Address already in use",
				  place->lab.ports.agents);

	assert_int_equal(proving_start(&place->lab, ADDRESS, place->ledger, &second, &err),
			 -EADDRINUSE);
	assert_string_equal(err.text, wanted);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(machines_are_proven),
		CASE(only_first_lines_with_a_token_are_heard),
		CASE(silent_callers_keep_nobody_out),
		CASE(the_last_connection_of_a_machine_counts),
		CASE(a_machine_proves_nothing_for_another),
		CASE(a_broken_line_is_proven_anew),
		CASE(a_failure_is_shown_and_mended_by_the_next_boot),
		CASE(a_level_that_ends_is_proven_no_more),
		CASE(consoles_reach_the_page),
		CASE(a_withdrawn_token_ends_the_connection),
		CASE(noise_harms_nobody),
		CASE(a_taken_port_is_named),
	};

	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_QUIET);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
