#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frame.h"

struct seen {
	struct buf messages; /* each with a | behind it */
	struct buf text;
};

/* A message begins with { here. */
static bool message_in(void *context, const char *line, size_t length)
{
	struct seen *seen = context;

	if (length == 0 || *line != '{')
		return false;
	buf_add(&seen->messages, line, length);
	buf_text(&seen->messages, "|");
	return true;
}

static void text_in(void *context, const char *text, size_t length)
{
	struct seen *seen = context;

	buf_add(&seen->text, text, length);
}

static void seen_check(struct seen *seen, const char *messages, const char *text)
{
	buf_add(&seen->messages, "", 1);
	buf_add(&seen->text, "", 1);
	assert_string_equal(seen->messages.data, messages);
	assert_string_equal(seen->text.data, text);
	buf_done(&seen->messages);
	buf_done(&seen->text);
}

static struct frame frame_for(struct seen *seen)
{
	*seen = (struct seen){ 0 };
	return (struct frame){ .on_message = message_in, .on_text = text_in, .context = seen };
}

static const char stream[] =
	"boot\r\n\x1e{1}\nlogin: \x1e{2}\r\n\x1eno message\nx\x1e{3\x1e{4}\n\x1e\nend";
static const char stream_messages[] = "{1}|{2}|{4}|";
static const char stream_text[] = "boot\r\nlogin: no message\nx{3\nend";

static void split_at_every_byte(void **state)
{
	struct seen seen;

	(void)state;
	for (size_t first = 0; first <= strlen(stream); first++)
		for (size_t second = first; second <= strlen(stream); second++) {
			struct frame frame = frame_for(&seen);

			frame_feed(&frame, stream, first);
			frame_feed(&frame, stream + first, second - first);
			frame_feed(&frame, stream + second, strlen(stream) - second);
			seen_check(&seen, stream_messages, stream_text);
			frame_done(&frame);
		}
}

static void byte_by_byte(void **state)
{
	struct seen seen;
	struct frame frame = frame_for(&seen);

	(void)state;
	for (size_t i = 0; i < strlen(stream); i++)
		frame_feed(&frame, stream + i, 1);
	seen_check(&seen, stream_messages, stream_text);
	frame_done(&frame);
}

/* length bytes between mark and newline, fed in pieces. */
static void limit_check(size_t length, size_t piece, bool is_message)
{
	struct seen seen;
	struct frame frame = frame_for(&seen);
	struct buf line = { 0 };

	char *bytes = malloc(length);
	memset(bytes, 'a', length);
	bytes[0] = '{';
	frame_put(&line, bytes, length);
	free(bytes);
	buf_text(&line, "after");
	for (size_t at = 0; at < line.length; at += piece)
		frame_feed(&frame, line.data + at,
			   line.length - at < piece ? line.length - at : piece);
	assert_int_equal(seen.messages.length, is_message ? length + 1 : 0);
	assert_int_equal(seen.text.length, is_message ? 5 : length + 6);
	assert_true(frame.line.capacity <= 2 * 65536);
	buf_done(&seen.messages);
	buf_done(&seen.text);
	buf_done(&line);
	frame_done(&frame);
}

static void line_limit(void **state)
{
	static const size_t pieces[] = { 1, 100, 4096, 32768, 32769, 32770, 100000 };

	(void)state;
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		limit_check(FRAME_MAX_BYTES, pieces[i], true);
		limit_check(FRAME_MAX_BYTES + 1, pieces[i], false);
		limit_check(FRAME_MAX_BYTES + 2, pieces[i], false);
		limit_check(10 * FRAME_MAX_BYTES, pieces[i], false);
	}
}

static void reset_gives_the_half_back(void **state)
{
	struct seen seen;
	struct frame frame = frame_for(&seen);

	(void)state;
	frame_feed(&frame, "a\x1e{half", 7);
	frame_reset(&frame);
	frame_feed(&frame, "\x1e{1}\n", 5);
	frame_reset(&frame);
	seen_check(&seen, "{1}|", "a{half");
	frame_done(&frame);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_at_every_byte),
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(line_limit),
		cmocka_unit_test(reset_gives_the_half_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
