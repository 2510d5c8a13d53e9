#include "pxe/proof.h"

#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "run/levels_report.h"
#include "run/loop.h"

#define NONCE_BYTES 16
/* The ledger writes each word to the disk. */
#define CHANGE_SECONDS 0.5  /* a level's state */
#define NEWS_SECONDS   10.0 /* what it is doing */

#define LEVEL_CONSOLE_BYTES ((size_t)16 * 1024)
#define CONSOLE_BYTES	    ((size_t)4096) /* between two looks */
#define OUT_MAX		    ((size_t)64 * 1024)

static double now_of(const struct proof *proof)
{
	return clock_seconds() - proof->started;
}

static const char *name_of(const struct proof *proof)
{
	return proof->machine->name;
}

/* --- what the conversation asks --------------------------------------------------------------- */

static double host_now(void *context)
{
	return now_of(context);
}

static void host_echo(void *context, const char *path, char ret_hex[ECHO_HEX_LENGTH + 1])
{
	const struct proof *proof = context;

	echo_answer(proof->lab->echo_key, path, proof->levels.nonce, ret_hex);
}

/* The end of it alone, with the guest's name where another one spoke before. */
static void host_console(void *context, const struct level *level, const char *data, size_t length)
{
	struct proof *proof = context;
	struct buf *text = &proof->console;

	if (proof->console_of != level)
		buf_format(text, "\n--- %s ---\n", level->layer->name);
	proof->console_of = level;
	if (length > CONSOLE_BYTES) {
		data += length - CONSOLE_BYTES;
		length = CONSOLE_BYTES;
	}
	buf_add(text, data, length);
	if (text->length <= CONSOLE_BYTES)
		return;
	memmove(text->data, text->data + text->length - CONSOLE_BYTES, CONSOLE_BYTES);
	text->length = CONSOLE_BYTES;
}

static void level_changed(void *context, const struct level *level)
{
	struct proof *proof = context;
	CLEANUP(free_cleanup) char *doing = level_doing(level);

	proof->changed = true;
	log_info("%s: %s %s", name_of(proof), level->layer->name, doing);
}

/* A verdict is final, but for what ends after it. */
static size_t count_gone(const struct proof *proof)
{
	size_t gone = 0;

	for (size_t i = 0; i < proof->levels.count; i++)
		gone += level_is_gone(&proof->levels, &proof->levels.items[i]);
	return gone;
}

/* --- the connection --------------------------------------------------------------------------- */

static void hang_up(struct proof *proof)
{
	fd_cleanup(&proof->fd);
	proof->fd = -1;
	conversation_done(&proof->conversation);
}

/* As if nobody had ever connected. */
static void forget(struct proof *proof)
{
	hang_up(proof);
	levels_done(&proof->levels);
	buf_done(&proof->console);
	proof->console_of = NULL;
	proof->heard = proof->changed = false;
	memset(proof->digest, 0, sizeof proof->digest);
}

void proof_begin(struct proof *proof, const struct proof_lab *lab,
		 const struct lab_machine *machine)
{
	*proof = (struct proof){ .lab = lab, .machine = machine, .fd = -1 };
	proof->host = (struct conversation_host){ proof, host_now, host_echo, host_console, NULL };
}

void proof_done(struct proof *proof)
{
	forget(proof);
	explicit_bzero(proof->token, sizeof proof->token);
}

void proof_connect(struct proof *proof, int fd, const char *token, const char *data, size_t length)
{
	char nonce[2 * NONCE_BYTES + 1];

	forget(proof);
	proof->fd = fd;
	memcpy(proof->token, token, TOKEN_LENGTH);
	proof->started = clock_seconds();
	proof->told = -NEWS_SECONDS;
	proof->console_told = -CHANGE_SECONDS;
	random_hex(NONCE_BYTES, nonce);
	/* Without log files nothing can fail. */
	levels_init(&proof->levels, proof->machine->stack, nonce, L0_ANY, NULL, NULL);
	for (size_t i = 0; i < proof->levels.count; i++)
		console_limit(&proof->levels.items[i].console, LEVEL_CONSOLE_BYTES);
	levels_power_on(&proof->levels, 0);
	levels_spoke(&proof->levels, proof->levels.items[0].path, 0);
	proof->changed = true;
	proof->levels.on_change = level_changed;
	proof->levels.context = proof;
	conversation_begin(&proof->conversation, &proof->levels, &proof->host,
			   proof->lab->echo_address);
	conversation_hello(&proof->conversation);
	conversation_feed(&proof->conversation, data, length);
}

bool proof_has_nonce(const struct proof *proof, const char *nonce)
{
	return proof->levels.nonce && str_equal(proof->levels.nonce, nonce);
}

static void agent_ready(void *context, int fd, short events)
{
	struct proof *proof = context;

	(void)events;
	if (fd != proof->fd) /* replaced in this very round */
		return;
	size_t gone = count_gone(proof);
	bool goes_on = conversation_read(&proof->conversation, fd);

	proof->heard = true;
	proof->changed |= count_gone(proof) != gone;
	if (goes_on)
		return;
	log_debug("%s: its agent hung up", name_of(proof));
	hang_up(proof);
}

void proof_poll(struct proof *proof, struct loop *loop)
{
	if (proof->fd < 0)
		return;
	conversation_write(&proof->conversation, proof->fd);
	if (proof->conversation.out.length > OUT_MAX) {
		log_debug("%s: its agent reads nothing", name_of(proof));
		hang_up(proof);
		return;
	}
	loop_add(loop, proof->fd, conversation_events(&proof->conversation), agent_ready, proof);
}

/* --- what the ledger is told ------------------------------------------------------------------ */

static void console_tell(struct proof *proof, double now)
{
	struct buf *text = &proof->console;

	proof->console_told = now;
	for (size_t i = 0; i < text->length; i++)
		if (!text->data[i])
			text->data[i] = ' ';
	ledger_console(proof->lab->ledger, proof->machine, text->data, text->length);
	text->length = 0;
}

/* The agents' own records are long, and nobody looks at them here. */
static char *matrix_text(struct matrix *matrix)
{
	for (size_t i = 0; i < matrix->row_count; i++)
		*matrix->rows[i].record = '\0';
	return matrix_json_text(matrix, false);
}

/* False: it is what was told last. */
static bool is_news(struct proof *proof, const char *json)
{
	uint8_t digest[HASH_BYTES];
	struct hash *hash = hash_new();

	hash_add(hash, json, strlen(json));
	hash_finish(hash, digest);
	bool same = memcmp(digest, proof->digest, sizeof digest) == 0;
	memcpy(proof->digest, digest, sizeof digest);
	return !same;
}

static int levels_tell(struct proof *proof, struct err *err)
{
	CLEANUP(matrix_cleanup)
	struct matrix *matrix = levels_matrix(&proof->levels, now_of(proof));
	CLEANUP(free_cleanup) char *json = matrix_text(matrix);
	struct ledger *ledger = proof->lab->ledger;
	bool proven = matrix_all_proven(matrix);

	if (!is_news(proof, json))
		return 0;
	int r = ledger_levels(ledger, proof->machine, json, proven, err);

	if (r < 0 || proven || !levels_decided(&proof->levels))
		return r;
	for (size_t i = 0; i < matrix->row_count; i++) {
		const struct matrix_row *row = &matrix->rows[i];

		if (row->proven)
			continue;
		CLEANUP(free_cleanup)
		char *why = str_format("%s: %s: %s%s%s", row->name, row->state, row->step,
				       *row->step && *row->reason ? ": " : "", row->reason);
		return ledger_failed(ledger, proof->machine, why, err);
	}
	return 0;
}

/* A person may have decided that it is installed anew: what runs there has no part in the lab. */
static bool token_is_good(struct proof *proof)
{
	const struct lab_machine *machine = NULL;
	struct err err = { 0 };
	int r = ledger_agent_token(proof->lab->ledger, proof->token, &machine, &err);

	if (r < 0)
		log_debug("%s: %s", name_of(proof), err.text);
	err_clear(&err);
	return r == 0 && machine == proof->machine;
}

static void tell(struct proof *proof, double now)
{
	struct err err = { 0 };

	if (!token_is_good(proof)) {
		forget(proof);
		return;
	}
	proof->heard = proof->changed = false;
	proof->told = now;
	int r = levels_tell(proof, &err);
	if (r < 0 && !proof->refused)
		log_warn("%s: %s", name_of(proof), err.text);
	proof->refused = r < 0;
	if (r < 0) { /* once more, later */
		proof->heard = true;
		memset(proof->digest, 0, sizeof proof->digest);
	}
	err_clear(&err);
}

/* Seconds until the ledger is to be told; at most max. */
static double wait_of(const struct proof *proof, double now, double max)
{
	double due = proof->told + (proof->changed ? CHANGE_SECONDS : NEWS_SECONDS);

	if (!proof->changed && !proof->heard)
		return max;
	return due - now < max ? due - now : max;
}

double proof_tick(struct proof *proof, double max)
{
	double now = now_of(proof);

	if (!proof->levels.count)
		return max;
	max = levels_tick(&proof->levels, now, max);
	if (proof->console.length && max > CHANGE_SECONDS)
		max = CHANGE_SECONDS;
	if (proof->console.length && now >= proof->console_told + CHANGE_SECONDS)
		console_tell(proof, now);
	if (wait_of(proof, now, max) <= 0)
		tell(proof, now);
	double wait = proof->levels.count ? wait_of(proof, now, max) : max;
	return wait > 0 ? wait : 0;
}
