/* Makes the stream of an image, for tests: pack IMAGE STREAM. Prints its facts as the "image" of a
 * ticket. */
#include <inttypes.h>
#include <stdio.h>

#include "pxe/stream.h"

int main(int argc, char **argv)
{
	struct stream_facts facts;
	struct err err = { 0 };

	if (argc != 3 || stream_pack(argv[1], argv[2], &facts, &err) < 0) {
		fprintf(stderr, "pack: %s\n", err.text ? err.text : "IMAGE STREAM");
		return 1;
	}
	printf("{\"disk_bytes\": %" PRIu64 ", \"stream_bytes\": %" PRIu64 ", \"sha256\": \"%s\"}\n",
	       facts.disk_bytes, facts.stream_bytes, facts.sha256);
	return 0;
}
