/* Guest configs from one toolstack to the other: xm's Python to xl's grammar and back.
 * Sources: xen-4.17 docs/man/xl.cfg.5.pod.in, xl-disk-configuration.5.pod.in,
 * xl-network-configuration.5.pod.in; xen-4.4 tools/python/xen/xm/create.py. */
#include <errno.h>
#include <string.h>

#include "fix.h"
#include "guest.h"
#include "words.h"

#define DISK_PARTS 4

/* What a disk string says, in either language. Strings are owned. */
struct disk {
	char *target, *format, *vdev, *access;
	bool cdrom;
};

static void disk_done(struct disk *disk)
{
	free(disk->target);
	free(disk->format);
	free(disk->vdev);
	free(disk->access);
}

static void replace(char **text, char *with)
{
	free(*text);
	*text = with;
}

/* The next part of "a,b,c" without blanks around it; *text moves on, NULL after the last. */
static char *part_next(const char **text)
{
	const char *start = *text + strspn(*text, " \t");
	size_t length = strcspn(start, ",");
	const char *end = start + length;

	*text = *end ? end + 1 : NULL;
	while (length > 0 && strchr(" \t", start[length - 1]))
		length--;
	return str_format("%.*s", (int)length, start);
}

/* Prefixes of the back ends that xm knew, and the format that each stands for. */
static const struct {
	const char *prefix, *format;
} backends[] = {
	{ "file:", "raw" },	   { "phy:", "raw" },
	{ "tap:aio:", "raw" },	   { "tap2:aio:", "raw" },
	{ "tap:qcow2:", "qcow2" }, { "tap2:qcow2:", "qcow2" },
	{ "tap:qcow:", "qcow" },   { "tap:vhd:", "vhd" },
	{ "tap2:vhd:", "vhd" },	   { "tap:tapdisk:aio:", "raw" },
	{ "vhd:", "vhd" },	   { "raw:", "raw" },
	{ "qcow2:", "qcow2" },
};

static void backend_split(struct disk *disk)
{
	for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
		if (str_starts(disk->target, backends[i].prefix)) {
			replace(&disk->format, str_copy(backends[i].format));
			replace(&disk->target, str_copy(disk->target + strlen(backends[i].prefix)));
			return;
		}
}

/* "hdc:cdrom" is a device and its kind. */
static void vdev_split(struct disk *disk)
{
	char *colon = disk->vdev ? strchr(disk->vdev, ':') : NULL;

	if (!colon)
		return;
	disk->cdrom = str_equal(colon + 1, "cdrom");
	*colon = '\0';
}

/* "file:/path,hda,w": three parts, no more. */
static bool xm_disk_read(const char *text, struct disk *disk)
{
	char **parts[] = { &disk->target, &disk->vdev, &disk->access };
	size_t count = 0;

	while (text && count < sizeof parts / sizeof *parts)
		*parts[count++] = part_next(&text);
	if (text || count < 2)
		return false;
	disk->format = str_copy("raw");
	backend_split(disk);
	vdev_split(disk);
	return *disk->vdev != '\0';
}

static bool xl_key_read(const char *part, struct disk *disk)
{
	if (str_starts(part, "format="))
		replace(&disk->format, str_copy(part + 7));
	else if (str_starts(part, "vdev="))
		replace(&disk->vdev, str_copy(part + 5));
	else if (str_starts(part, "access="))
		replace(&disk->access, str_copy(part + 7));
	else if (str_starts(part, "target="))
		replace(&disk->target, str_copy(part + 7));
	else if (str_equal(part, "devtype=cdrom") || str_equal(part, "cdrom"))
		disk->cdrom = true;
	else
		return false;
	return true;
}

/* Positional parts (target, format, vdev, access) first, then keys; target= takes all that is
 * left, commas too. */
static bool xl_disk_read(const char *text, struct disk *disk)
{
	char **parts[DISK_PARTS] = { &disk->target, &disk->format, &disk->vdev, &disk->access };
	size_t place = 0;

	while (text) {
		const char *here = text + strspn(text, " \t");

		if (str_starts(here, "target=")) {
			replace(&disk->target, str_copy(here + 7));
			break;
		}
		CLEANUP(free_cleanup) char *part = part_next(&text);
		if (strchr(part, '=') || str_equal(part, "cdrom")) {
			if (!xl_key_read(part, disk))
				return false;
			continue;
		}
		if (place == DISK_PARTS)
			return false;
		replace(parts[place++], take(&part));
	}
	if (!disk->format || !*disk->format)
		replace(&disk->format, str_copy("raw"));
	if (disk->target)
		backend_split(disk);
	vdev_split(disk);
	return disk->target && disk->vdev && *disk->vdev;
}

/* xl also says "rw" and "ro"; both know "w" and "r". */
static const char *access_of(const struct disk *disk)
{
	if (!disk->access || !*disk->access || str_equal(disk->access, "rw"))
		return "w";
	return str_equal(disk->access, "ro") ? "r" : disk->access;
}

static char *xl_disk_text(const struct disk *disk)
{
	return str_format("%s,%s,%s,%s%s", disk->target, disk->format, disk->vdev, access_of(disk),
			  disk->cdrom ? ",devtype=cdrom" : "");
}

/* NULL: xm splits at every comma, and cannot name such a file. */
static char *xm_disk_text(const struct disk *disk)
{
	if (strchr(disk->target, ','))
		return NULL;
	bool raw = str_equal(disk->format, "raw");
	bool device = str_starts(disk->target, "/dev/");
	CLEANUP(free_cleanup)
	char *prefix =
		raw ? str_copy(device ? "phy:" : "file:") : str_format("tap:%s:", disk->format);

	return str_format("%s%s,%s%s,%s", *disk->target ? prefix : "", disk->target, disk->vdev,
			  disk->cdrom ? ":cdrom" : "", access_of(disk));
}

struct direction {
	enum grubfix_type to;
	bool (*disk_read)(const char *text, struct disk *disk);
	char *(*disk_text)(const struct disk *disk); /* NULL: it cannot be said */
	const char *vif_from, *vif_to;		     /* the PV-only type of a vif */
};

static const struct direction to_xl = { GRUBFIX_XL, xm_disk_read, xl_disk_text, "type=netfront",
					"type=vif" };
static const struct direction to_xm = { GRUBFIX_XM, xl_disk_read, xm_disk_text, "type=vif",
					"type=netfront" };

static int disks_translate(struct fix *fix, const struct direction *direction, struct err *err)
{
	const struct statement *list = flat_find(fix->doc, "disk");

	for (uint32_t i = 0; list && i < list->word_count; i++) {
		const struct word *word = statement_word(fix->doc, list, i);
		CLEANUP(disk_done) struct disk disk = { 0 };

		CLEANUP(free_cleanup)
		char *text = direction->disk_read(word->text, &disk) ? direction->disk_text(&disk)
								     : NULL;
		if (!text)
			return fix_fail(
				fix, err, word->first,
				"disk \"%s\" cannot be written for %s (write it by hand, or "
				"take it out first)",
				word->text, grubfix_type_name(direction->to));
		if (str_equal(text, word->text))
			continue;
		word_set(fix->doc, word, text);
		fix_edited(fix, word->first, word->text, text, "%s writes a disk so",
			   grubfix_type_name(direction->to));
	}
	return 0;
}

/* xend takes blanks around the "=" of "model = e1000" and behind the value, xl does not. */
static bool is_loose(const struct doc *doc, uint32_t gap, uint32_t end)
{
	const struct token *before = doc->tokens + gap - 1, *after = doc->tokens + gap + 1;

	return doc->tokens[gap].kind == TOKEN_GAP &&
	       (gap + 1 == end || doc->text[before->offset + before->length - 1] == '=' ||
		doc->text[after->offset] == '=');
}

static void vif_close_up(struct fix *fix, uint32_t first, uint32_t end)
{
	CLEANUP(buf_done) struct buf text = { 0 };
	bool loose = false;

	for (uint32_t token = first; token < end; token++) {
		if (token == first || !is_loose(fix->doc, token, end)) {
			buf_text(&text, doc_slice(fix->doc, token, token));
			continue;
		}
		doc_remove(fix->doc, token, token);
		loose = true;
	}
	if (loose)
		fix_edited(fix, first, doc_slice(fix->doc, first, end - 1), buf_str(&text),
			   "xl takes no blanks there");
}

static void vif_translate(struct fix *fix, const struct direction *direction,
			  const struct word *item)
{
	for (uint32_t first = item->first + 1, end; first < item->last; first = end + 1) {
		end = flat_piece_end(fix->doc, item, first);
		while (first < end && fix->doc->tokens[first].kind == TOKEN_GAP)
			first++;
		if (!flat_piece_is(fix->doc, first, end, direction->vif_from)) {
			if (direction->to == GRUBFIX_XL)
				vif_close_up(fix, first, end);
			continue;
		}
		doc_remove(fix->doc, first, end - 1);
		doc_replace(fix->doc, first, direction->vif_to);
		fix_edited(fix, first, direction->vif_from, direction->vif_to,
			   "%s calls the PV network card so", grubfix_type_name(direction->to));
	}
}

static void vifs_translate(struct fix *fix, const struct direction *direction)
{
	const struct statement *list = flat_find(fix->doc, "vif");

	for (uint32_t i = 0; list && i < list->word_count; i++)
		vif_translate(fix, direction, statement_word(fix->doc, list, i));
}

/* --- what the guest is ----------------------------------------------------------------------- */

/* Writes NAME = VALUE in place of a statement. */
static void statement_become(struct fix *fix, const struct statement *statement, const char *name,
			     const char *value, const char *reason)
{
	CLEANUP(free_cleanup)
	char *before = str_format("%s=%s", statement->name, statement->value);
	CLEANUP(free_cleanup) char *after = str_format("%s=%s", name, value);

	doc_replace(fix->doc, statement->key, name);
	flat_write(fix->doc, statement, value);
	fix_edited(fix, statement->key, before, after, "%s", reason);
}

static const char kind_reason[] = "the toolstacks name the kind of guest in different ways";

/* xm: builder='hvm' or 'linux', or a kernel= that is hvmloader; xl: type=. */
static void kind_to_xl(struct fix *fix)
{
	bool hvm = guest_flat.kind(fix->doc) == GUEST_HVM;
	const char *kind = hvm ? "hvm" : "pv";
	const struct statement *builder = flat_find(fix->doc, "builder");
	const struct statement *kernel = flat_find(fix->doc, "kernel");

	if (kernel && strstr(kernel->value, "hvmloader")) {
		doc_remove(fix->doc, kernel->line_first,
			   doc_line_end(fix->doc, kernel->line_first) - 1);
		fix_edited(fix, kernel->key, kernel->value, NULL,
			   "xl finds the firmware of an HVM guest itself");
	}
	if (flat_find(fix->doc, "type"))
		return;
	if (builder) {
		statement_become(fix, builder, "type", kind, kind_reason);
	} else {
		CLEANUP(free_cleanup) char *line = flat_line(fix->doc, "type", kind);

		fix_append_line(fix, line, kind_reason);
	}
}

static int kind_to_xm(struct fix *fix, struct err *err)
{
	const struct statement *type = flat_find(fix->doc, "type");
	enum guest_kind kind = guest_flat.kind(fix->doc);

	if (kind == GUEST_OTHER)
		return fix_fail(
			fix, err, type ? type->key : 0,
			"type=\"%s\" has no counterpart in xm, which starts HVM and PV guests",
			type ? type->value : "");
	if (type && !flat_find(fix->doc, "builder"))
		statement_become(fix, type, "builder", kind == GUEST_HVM ? "hvm" : "linux",
				 kind_reason);
	return 0;
}

/* --- what has no counterpart ----------------------------------------------------------------- */

/* Settings of one toolstack that the other ignores or takes for something else. */
static const struct {
	enum grubfix_type to;
	const char *key, *what;
} strangers[] = {
	{ GRUBFIX_XL, "device_model",
	  "xl chooses the device model itself (device_model_override "
	  "names another)" },
	{ GRUBFIX_XL, "bootargs", "xl calls them bootloader_args" },
	{ GRUBFIX_XL, "vnclisten", "xl knows it, its default is 127.0.0.1" },
	{ GRUBFIX_XL, "xauthority", "xl has no such setting" },
	{ GRUBFIX_XL, "description", "xl has no such setting" },
	{ GRUBFIX_XL, "extid", "xl has no such setting" },
	{ GRUBFIX_XL, "guest_os_type", "xl has no such setting" },
	{ GRUBFIX_XL, "fda", "xl has no floppy disks" },
	{ GRUBFIX_XL, "fdb", "xl has no floppy disks" },
	{ GRUBFIX_XL, "cpu", "xl pins with cpus" },
	{ GRUBFIX_XL, "cpu_cap", "xl calls it cap" },
	{ GRUBFIX_XL, "on_xend_start", "xl has no daemon: links in /etc/xen/auto start guests" },
	{ GRUBFIX_XL, "on_xend_stop", "xl has no daemon: the service xendomains stops guests" },
	{ GRUBFIX_XM, "bootloader_args", "xm calls them bootargs" },
	{ GRUBFIX_XM, "cap", "xm calls it cpu_cap" },
	{ GRUBFIX_XM, "cmdline", "xm has root and extra" },
	{ GRUBFIX_XM, "vga", "xm has stdvga" },
	{ GRUBFIX_XM, "device_model_override", "xm has device_model" },
	{ GRUBFIX_XM, "hdtype", "xm has no such setting: the disk hangs on IDE" },
	{ GRUBFIX_XM, "device_model_version", "xm has one device model alone" },
	{ GRUBFIX_XM, "firmware", "xm starts SeaBIOS or ROMBIOS alone" },
	{ GRUBFIX_XM, "bios", "xm starts SeaBIOS or ROMBIOS alone" },
};

static void strangers_remark(struct fix *fix, enum grubfix_type to)
{
	for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
		const struct statement *s = flat_find(fix->doc, strangers[i].key);

		if (s && strangers[i].to == to)
			fix_remark(fix, s->key, "%s is kept as it stands: %s", s->name,
				   strangers[i].what);
	}
}

/* Values that Python knows and xl's grammar does not: u'' strings, True and False. */
static int values_to_xl(struct fix *fix, struct err *err)
{
	struct doc *doc = fix->doc;

	for (uint32_t i = 0; i < doc->word_count; i++) {
		const struct word *word = doc->words + i;
		const char *before = doc_slice(doc, word->first, word->first);
		const char *quote = strpbrk(before, "\"'");
		bool quoted = doc->tokens[word->first].kind == TOKEN_QUOTE;
		const char *after = NULL;

		if (quoted && quote[0] == quote[1])
			return fix_fail(fix, err, word->first,
					"a triple-quoted string cannot be written for xl");
		if (quoted && quote > before)
			after = quote;
		else if (!quoted && str_equal(before, "True"))
			after = "1";
		else if (!quoted && str_equal(before, "False"))
			after = "0";
		if (!after)
			continue;
		doc_replace(doc, word->first, after);
		fix_edited(fix, word->first, before, after, "xl's grammar is not Python's");
	}
	return 0;
}

static int translate(struct fix *fix, const struct direction *direction, struct err *err)
{
	int r;

	if (fix->doc->has_code)
		return fix_fail(
			fix, err, 0,
			"is a program, more than assignments, and cannot be translated (write "
			"the values out)");
	r = disks_translate(fix, direction, err);
	if (r < 0)
		return r;
	vifs_translate(fix, direction);
	if (direction->to == GRUBFIX_XL) {
		r = values_to_xl(fix, err);
		kind_to_xl(fix);
	} else {
		r = kind_to_xm(fix, err);
	}
	if (r < 0)
		return r;
	strangers_remark(fix, direction->to);
	fix->doc->type = direction->to;
	return 0;
}

/* --- the rules ------------------------------------------------------------------------------- */

static bool wants_xl(const struct fix *fix)
{
	return fix->facts->guest.translate_to == GRUBFIX_XL;
}

static int to_xl_apply(struct fix *fix, struct err *err)
{
	return translate(fix, &to_xl, err);
}

static const struct fix_example to_xl_example = {
	GRUBFIX_XM,
	"name='l1'\n"
	"builder='hvm'\n"
	"disk=[ 'file:/var/lib/xen/images/l1/disk0.raw,hda,w', 'phy:/dev/sr0,hdc:cdrom,r', ]\n",
	"--to xl",
	{ .guest = { .translate_to = GRUBFIX_XL } },
};

const struct fix_rule rule_to_xl = {
	.id = "to-xl",
	.why = "xl reads another grammar than xm: type in place of builder, disks by position; what "
	       "it does not know is kept.",
	.types = TYPE_BIT(GRUBFIX_XM),
	.matches = wants_xl,
	.apply = to_xl_apply,
	.example = &to_xl_example,
};

static bool wants_xm(const struct fix *fix)
{
	return fix->facts->guest.translate_to == GRUBFIX_XM;
}

static int to_xm_apply(struct fix *fix, struct err *err)
{
	return translate(fix, &to_xm, err);
}

static const struct fix_example to_xm_example = {
	GRUBFIX_XL,
	"name = \"l1\"\n"
	"type = \"hvm\"\n"
	"disk = [ \"/var/lib/xen/images/l1/disk0.raw,raw,hda,rw\" ]\n",
	"--to xm",
	{ .guest = { .translate_to = GRUBFIX_XM } },
};

const struct fix_rule rule_to_xm = {
	.id = "to-xm",
	.why = "xend's xm, up to Xen 4.4, reads a Python program: builder in place of type, disks "
	       "with the back end in front; what it does not know is kept.",
	.types = TYPE_BIT(GRUBFIX_XL),
	.matches = wants_xm,
	.apply = to_xm_apply,
	.example = &to_xm_example,
};
