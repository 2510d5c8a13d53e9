/* The record: one JSON object that says what this layer is (docs/agent-protocol.md). */
#pragma once
#include "conf.h"
#include "network.h"
#include "outward.h"

struct timings {
	double agent, hello, network; /* seconds since the kernel started */
};

void record_make(const struct outward *outward, const struct conf *conf,
		 const struct network *network, const struct timings *timings, const char *root,
		 struct buf *out);
