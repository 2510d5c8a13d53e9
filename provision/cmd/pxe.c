#include "cmd/pxe.h"

#include <errno.h>

#include "base/fs.h"
#include "base/spawn.h"
#include "pxe/netboot.h"
#include "pxe/render.h"
#include "pxe/serve.h"
#include "pxe/status_view.h"
#include "run/folder.h"

static const struct option_row options[] = {
	{ "out", 'o', "DIR", "serve, render: where labs are built (default: out)" },
	{ "store", 0, "DIR", "serve, render: the store (default: ~/.cache/nestctl)" },
	{ "accel", 0, "HOW", "serve, render: of installers that run here: auto, tcg or kvm" },
	{ "offline", 0, NULL, "serve, render: fetch nothing: build from the store alone" },
	{ "keep", 'k', NULL, "serve: go on after every machine is proven" },
	{ "watch", 'w', NULL, "status: show it again whenever it changes" },
	{ "json", 0, NULL, "status: for programs" },
	{ NULL, 0, NULL, NULL },
};
