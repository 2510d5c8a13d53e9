/* Messages and console text in one stream, however it is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "run/crypto.h"
#include "run/frame.h"
#include "run/message.h"

struct seen {
	struct buf text, messages;
};

static bool message(void *context, const char *line)
{
	struct seen *seen = context;

	if (line[0] != '{')
		return false;
	buf_format(&seen->messages, "%s|", line);
	return true;
}

static void text(void *context, const char *data, size_t length)
{
	buf_add(&((struct seen *)context)->text, data, length);
}

static void feed(const char *data, size_t length, size_t step, const char *want_text,
		 const char *want_messages)
{
	struct seen seen = { 0 };
	struct frame frame = { message, text, &seen, { 0 }, false };

	for (size_t i = 0; i < length; i += step)
		frame_feed(&frame, data + i, length - i < step ? length - i : step);
	assert_string_equal(buf_str(&seen.text), want_text);
	assert_string_equal(buf_str(&seen.messages), want_messages);
	frame_done(&frame);
	buf_done(&seen.text);
	buf_done(&seen.messages);
}

static void separates_text_and_messages(void **state)
{
	const char data[] = "boot\n\x1e{\"t\":1}\r\nmore\n\x1e{\"t\":2}\n\x1enot json\nend";

	(void)state;
	for (size_t step = 1; step < sizeof data; step++)
		feed(data, sizeof data - 1, step, "boot\nmore\nnot json\nend",
		     "{\"t\":1}|{\"t\":2}|");
}

static void a_sender_that_begins_anew(void **state)
{
	const char data[] = "\x1e{\"t\":\x1e{\"t\":2}\n";

	(void)state;
	feed(data, sizeof data - 1, 3, "\x1e{\"t\":", "{\"t\":2}|");
}

static void a_line_without_end_is_text(void **state)
{
	size_t length = FRAME_MAX_BYTES + 100;
	CLEANUP(free_cleanup) char *data = mem_alloc(length + 20);
	struct seen seen = { 0 };
	struct frame frame = { message, text, &seen, { 0 }, false };

	(void)state;
	memset(data, 'x', length);
	data[0] = FRAME_MARK;
	strcpy(data + length, "\n\x1e{}\n");
	frame_feed(&frame, data, strlen(data));
	assert_string_equal(buf_str(&seen.messages), "{}|");
	assert_int_equal(seen.text.length, length + 1);
	frame_done(&frame);
	buf_done(&seen.text);
	buf_done(&seen.messages);
}

static void messages_are_read(void **state)
{
	struct message parsed;

	(void)state;
	assert_int_equal(message_parse("{\"t\":\"out\",\"path\":\"a/b\",\"id\":3,\"fd\":2,"
				       "\"data\":\"aGkK\"}",
				       &parsed, NULL),
			 0);
	assert_int_equal(parsed.kind, MESSAGE_OUT);
	assert_int_equal(parsed.fd, 2);
	assert_string_equal(parsed.data, "hi\n");
	assert_int_equal(parsed.data_length, 3);
	message_done(&parsed);
	assert_true(message_parse("{\"x\":1}", &parsed, NULL) < 0);
	assert_true(message_parse("[1]", &parsed, NULL) < 0);
	assert_int_equal(message_parse("{\"t\":\"out\",\"path\":5,\"id\":-1,\"data\":\"%%\"}",
				       &parsed, NULL),
			 0);
	assert_string_equal(parsed.path, "");
	assert_int_equal(parsed.data_length, 0);
	message_done(&parsed);
}

static void messages_are_written(void **state)
{
	char *argv[] = { "ls", "a \"b\"", NULL };
	struct buf out = { 0 };

	(void)state;
	message_exec(&out, "l1/l2", 7, argv);
	message_down(&out, "l1", 30);
	assert_string_equal(buf_str(&out),
			    "\x1e{\"t\":\"exec\",\"path\":\"l1/l2\",\"id\":7,\"argv\":[\"ls\",\"a "
			    "\\\"b\\\"\"]}\n\x1e{\"t\":\"down\",\"path\":\"l1\",\"seconds\":30}\n");
	buf_done(&out);
}

static void base64_and_hmac(void **state)
{
	const char *const words[] = { "", "a", "ab", "abc", "abcd", "\xff\xfe" };
	uint8_t key[ECHO_KEY_BYTES] = { 0 };
	char hex[ECHO_HEX_LENGTH + 1];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		CLEANUP(free_cleanup) char *coded = base64_encode(words[i], strlen(words[i]));
		size_t length = 99;
		CLEANUP(free_cleanup) char *back = base64_decode(coded, &length);

		assert_int_equal(length, strlen(words[i]));
		assert_memory_equal(back, words[i], length);
	}
	size_t length = 0;
	assert_null(base64_decode("abc", &length));
	assert_null(base64_decode("a%c=", &length));
	/* printf %s 'l1 00' | openssl dgst -sha256 -mac HMAC -macopt hexkey:00..00 (32 bytes) */
	echo_answer(key, "l1", "00", hex);
	assert_string_equal(hex,
			    "92c2f3e17c2067153bb97ba51994f0dbbfd8dc133dc10cfb64e0894892d6c778");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(separates_text_and_messages),
		cmocka_unit_test(a_sender_that_begins_anew),
		cmocka_unit_test(a_line_without_end_is_text),
		cmocka_unit_test(messages_are_read),
		cmocka_unit_test(messages_are_written),
		cmocka_unit_test(base64_and_hmac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
