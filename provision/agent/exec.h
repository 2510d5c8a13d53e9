/* Commands that L0 asks for: their output and exit as messages. At most EXEC_MAX at once; their
 * output waits while the outward queue is full. */
#pragma once
#include "json.h"
#include "loop.h"
#include "outward.h"

#define EXEC_MAX	 8
#define EXEC_CHUNK_BYTES 8192

struct exec_stream {
	struct exec_job *job;
	unsigned number; /* 1 or 2 */
	struct watch pipe;
};

struct exec_job {
	struct exec *exec;
	unsigned id;
	bool used, ended;
	int status;
	struct child child;
	struct exec_stream streams[2];
};

struct exec {
	struct loop *loop;
	struct outward *outward;
	struct exec_job jobs[EXEC_MAX];
	bool waits; /* for room in the queue */
};

void exec_init(struct exec *exec, struct loop *loop, struct outward *outward);
/* An exec message. What is wrong with it becomes an exit message with a text. */
void exec_start(struct exec *exec, const struct json_object *message);
/* The answer to one for a layer inside that cannot be reached. */
void exec_undeliverable(struct exec *exec, const struct json_object *message);
/* There is room again. */
void exec_resume(struct exec *exec);
/* Kills what still runs. */
void exec_done(struct exec *exec);
