#include "run/view.h"

#include <string.h>

#include "base/log.h"
#include "run/levels_report.h"

#define INTERVAL_SECONDS 0.25
#define LAST_LINE_BYTES	 200

void view_change(const struct level *level)
{
	CLEANUP(free_cleanup) char *doing = level_doing(level);

	if (level->state == LEVEL_WAITING || (log_is_terminal() && level->state < LEVEL_PROVEN))
		return;
	log_info("%7.1f s  %*sL%u %s: %s", level->since, 2 * (int)(level->layer->depth - 1), "",
		 level->layer->depth, level->layer->name, doing);
	if (level->symptom)
		log_info("           cause: %s; cure: %s", level->symptom->cause,
			 level->symptom->cure);
}

/* One line of the tree, cut to the width: a wrapped line would break the way back up. */
static void line_add(struct buf *out, const struct level *level, double now, size_t columns)
{
	CLEANUP(free_cleanup) char *doing = level_doing(level);
	CLEANUP(free_cleanup) char *last = console_last(&level->console, LAST_LINE_BYTES);
	bool live = level->state == LEVEL_STARTING || level->state == LEVEL_BOOTED;
	CLEANUP(free_cleanup)
	char *line = str_format("%*sL%u %-20s %5.0f s  %s%s%s", 2 * (int)(level->layer->depth - 1),
				"", level->layer->depth, level->layer->name,
				live ? now - level->since : level->since, doing,
				live && *last ? " | " : "", live ? last : "");
	size_t length = str_cut(line, columns - 1);

	str_tame(line);
	buf_format(out, "\033[K%.*s", (int)length, line);
}

void view_draw(struct view *view, const struct levels *levels, double now)
{
	struct buf out = { 0 };

	if (!log_is_terminal() || now - view->drawn < INTERVAL_SECONDS)
		return;
	view->drawn = now;
	size_t columns = log_columns();
	for (size_t i = 0; i < levels->count; i++) {
		buf_text(&out, i ? "\n" : "");
		line_add(&out, &levels->items[i], now, columns);
	}
	/* Back to the first line: the next log line or redraw begins there. */
	if (levels->count > 1)
		buf_format(&out, "\r\033[%zuA", levels->count - 1);
	log_draw(buf_str(&out));
	buf_done(&out);
}

double view_interval(void)
{
	return log_is_terminal() ? INTERVAL_SECONDS : 1.0;
}

void view_clear(void)
{
	log_draw("\033[J");
}
