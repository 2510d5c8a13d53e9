/* Stands in for libFuzzer where there is none: mutates the files given for some seconds, each time
 * in the same way. Usage: PROGRAM SECONDS FILE... */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INPUT_MAX 65536
#define FILES_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	uint8_t *data;
	size_t size;
};

static uint64_t state = 88172645463325252u;

static size_t below(size_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return limit ? state % limit : 0;
}

static struct input read_input(const char *path)
{
	struct input input = { malloc(INPUT_MAX), 0 };
	FILE *file = fopen(path, "rb");

	if (!file || !input.data) {
		perror(path);
		exit(1);
	}
	input.size = fread(input.data, 1, INPUT_MAX, file);
	fclose(file);
	return input;
}

/* One change: bytes flipped, cut out, doubled, or taken from another file. */
static size_t mutate(uint8_t *data, size_t size, const struct input *other)
{
	static const char marks[] = "\n\r\"'\\{}()[]<>=,;#$ \t&|/";
	size_t at = below(size), length = 1 + below(16);

	if (length > size - at)
		length = size - at;
	switch (below(5)) {
	case 0:
		data[at] = (uint8_t)below(256);
		return size;
	case 1:
		data[at] = (uint8_t)marks[below(sizeof marks - 1)];
		return size;
	case 2:
		memmove(data + at, data + at + length, size - at - length);
		return size - length;
	case 3:
		if (size + length > INPUT_MAX)
			return size;
		memmove(data + at + length, data + at, size - at);
		return size + length;
	default: {
		size_t from = below(other->size), take = 1 + below(64);

		if (take > other->size - from)
			take = other->size - from;
		if (take > INPUT_MAX - at)
			take = INPUT_MAX - at;
		memcpy(data + at, other->data + from, take);
		return at + take > size ? at + take : size;
	}
	}
}

int main(int argc, char **argv)
{
	static struct input inputs[FILES_MAX];
	static uint8_t data[INPUT_MAX];
	size_t count = 0, runs = 0;
	time_t end = argc > 1 ? time(NULL) + atoi(argv[1]) : 0;

	for (int i = 2; i < argc && count < FILES_MAX; i++)
		inputs[count++] = read_input(argv[i]);
	if (count == 0)
		return 2;
	for (; time(NULL) < end; runs++) {
		const struct input *input = &inputs[below(count)];
		size_t size = input->size, changes = below(6);

		memcpy(data, input->data, size);
		for (size_t i = 0; i < changes && size > 2; i++)
			size = mutate(data, size, &inputs[below(count)]);
		LLVMFuzzerTestOneInput(data, size);
	}
	printf("%zu runs\n", runs);
	for (size_t i = 0; i < count; i++)
		free(inputs[i].data);
	return 0;
}
