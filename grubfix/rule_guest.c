/* Guest configs: what lets a guest be a Xen host itself. */
#include <errno.h>
#include <string.h>

#include "fix.h"
#include "guest.h"
#include "words.h"

static const struct guest_format *const formats[] = { &guest_flat, &guest_sxp, &guest_libvirt };

/* Never NULL for a guest config's type. */
static const struct guest_format *format_of(enum grubfix_type type)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (formats[i]->types & TYPE_BIT(type))
			return formats[i];
	return NULL;
}

/* A value that can stand between quotes and in XML as it is. */
static int check_value(const char *key, const char *value, struct err *err)
{
	if (argument_is_plain(value))
		return 0;
	return err_set(err, -EINVAL, "%s: \"%s\" cannot be written into a guest config", key,
		       value);
}

/* Sets a value unless it is there already. */
static int setting_fix(struct fix *fix, const char *key, const char *value, const char *reason,
		       struct err *err)
{
	const struct guest_format *format = format_of(fix->doc->type);
	uint32_t token = 0;
	const char *current = format->get(fix->doc, key, &token);
	int r = check_value(key, value, err);

	if (r < 0 || str_equal(current, value))
		return r;
	if (!format->set(fix, key, value, reason))
		fix_remark(fix, token, "%s=%s is left out: a %s file has no such setting here", key,
			   value, grubfix_type_name(fix->doc->type));
	return 0;
}

static int check_hvm(const struct fix *fix, struct err *err)
{
	if (format_of(fix->doc->type)->kind(fix->doc) == GUEST_HVM)
		return 0;
	return fix_fail(fix, err, 0,
			"is no HVM guest, and only an HVM guest can run a hypervisor (make it "
			"%s, or leave --nested out)",
			fix->doc->type == GRUBFIX_XM	? "builder='hvm'"
			: fix->doc->type == GRUBFIX_XL	? "type=\"hvm\""
			: fix->doc->type == GRUBFIX_SXP ? "(image (hvm ...))"
							: "<type>hvm</type>");
}

static bool wants_nested(const struct fix *fix)
{
	return fix->facts->guest.nested;
}

/* --- altp2m ---------------------------------------------------------------------------------- */

static bool is_off(const char *value)
{
	return !value || strcmp(value, "0") == 0 || strcmp(value, "disabled") == 0 || !*value ||
	       strcmp(value, "False") == 0;
}

static bool is_nested(const struct fix *fix)
{
	uint32_t token;

	return fix->facts->guest.nested ||
	       !is_off(format_of(fix->doc->type)->get(fix->doc, "nestedhvm", &token));
}

static int altp2m_apply(struct fix *fix, struct err *err)
{
	static const char *const keys[] = { "altp2m", "altp2mhvm", NULL };
	const struct guest_format *format = format_of(fix->doc->type);

	if (!is_nested(fix))
		return 0;
	for (const char *const *key = keys; *key; key++) {
		uint32_t token = 0;
		const char *value = format->get(fix->doc, *key, &token);

		if (!is_off(value))
			return fix_fail(fix, err, token,
					"%s=%s excludes nestedhvm: Xen refuses to start such a "
					"guest (remove one of the two)",
					*key, value);
	}
	return 0;
}

const struct fix_rule rule_altp2m = {
	.id = "altp2m",
	.why = "Xen refuses a guest with both altp2m and nestedhvm; which of the two is wanted "
	       "only its owner can say, so that this is an error and no edit.",
	.types = TYPES_GUEST,
	.matches = NULL,
	.apply = altp2m_apply,
};

/* --- netfront -------------------------------------------------------------------------------- */

static int netfront_apply(struct fix *fix, struct err *err)
{
	const struct guest_format *format = format_of(fix->doc->type);

	(void)err;
	if (format->kind(fix->doc) == GUEST_HVM)
		format->drop_netfront(fix, "it makes the card PV only, and under the inner Xen "
					   "nothing drives that: there would be no network");
	return 0;
}

static const struct fix_example netfront_example = {
	GRUBFIX_XM,
	"builder='hvm'\n"
	"vif=[ 'mac=00:16:3e:1e:73:af,bridge=br0,model=e1000,type=netfront', ]\n",
	"",
	{ 0 },
};

const struct fix_rule rule_netfront = {
	.id = "netfront",
	.why = "type=netfront gives an HVM guest a PV network card only; the kernel under the "
	       "inner Xen cannot reach the PV back end and has no network.",
	.types = TYPES_GUEST,
	.matches = NULL,
	.apply = netfront_apply,
	.example = &netfront_example,
};

/* --- hap, nestedhvm -------------------------------------------------------------------------- */

static int hap_apply(struct fix *fix, struct err *err)
{
	int r = check_hvm(fix, err);

	return r < 0 ? r
		     : setting_fix(fix, "hap", "1",
				   "nestedhvm needs hardware assisted paging for the outer level",
				   err);
}

static const struct fix_example hap_example = {
	GRUBFIX_XL,
	"type = \"hvm\"\nhap = 0\n",
	"--nested",
	{ .guest = { .nested = true } },
};

const struct fix_rule rule_hap = {
	.id = "hap",
	.why = "Nested virtualization works with hardware assisted paging only; hap=0 switches "
	       "it off.",
	.types = TYPES_GUEST,
	.matches = wants_nested,
	.apply = hap_apply,
	.example = &hap_example,
};

static int nestedhvm_apply(struct fix *fix, struct err *err)
{
	uint32_t token = 0;
	int r = check_hvm(fix, err);

	if (r == 0)
		r = setting_fix(fix, "nestedhvm", "1",
				"the guest sees the CPU's virtualization and can be a Xen host",
				err);
	if (r == 0 && fix->doc->type == GRUBFIX_LIBVIRT &&
	    !guest_libvirt.get(fix->doc, "nesting-required", &token))
		fix_remark(fix, token,
			   "the host nests only with nested_hvm = 1 in /etc/libvirt/libxl.conf, or "
			   "with <feature policy='require' name='vmx'/> (svm on AMD) in <cpu>");
	return r;
}

static const struct fix_example nestedhvm_example = {
	GRUBFIX_LIBVIRT,
	"<domain type='xen'>\n"
	"  <os><type>hvm</type></os>\n"
	"</domain>\n",
	"--nested",
	{ .guest = { .nested = true } },
};

const struct fix_rule rule_nestedhvm = {
	.id = "nestedhvm",
	.why = "Without nestedhvm=1 (libvirt: the CPU mode host-passthrough) the guest sees no "
	       "VT-x or AMD-V and its own Xen can start PV guests only.",
	.types = TYPES_GUEST,
	.matches = wants_nested,
	.apply = nestedhvm_apply,
	.example = &nestedhvm_example,
};

/* --- tsc_mode, hdtype, serial ---------------------------------------------------------------- */

static bool wants_tsc_mode(const struct fix *fix)
{
	return fix->facts->guest.tsc_mode != NULL;
}

static int tsc_mode_apply(struct fix *fix, struct err *err)
{
	/* xl takes the names too, xm the numbers only. Source: xl.cfg(5), tsc_mode. */
	static const char *const names[] = { "default", "always_emulate", "native",
					     "native_paravirt" };
	const char *mode = fix->facts->guest.tsc_mode;
	CLEANUP(free_cleanup) char *number = NULL;

	bool for_xl =
		(fix->doc->type == GRUBFIX_XL && fix->facts->guest.translate_to != GRUBFIX_XM) ||
		fix->facts->guest.translate_to == GRUBFIX_XL;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (str_equal(mode, names[i]) && !for_xl)
			number = str_format("%zu", i);
	return setting_fix(fix, "tsc_mode", number ? number : mode,
			   "the time stamp counter is asked for in this mode", err);
}

static const struct fix_example tsc_mode_example = {
	GRUBFIX_XL,
	"type = \"hvm\"\n",
	"--tsc-mode native",
	{ .guest = { .tsc_mode = "native" } },
};

const struct fix_rule rule_tsc_mode = {
	.id = "tsc-mode",
	.why = "An emulated time stamp counter makes every level above it slow; the profile says "
	       "which mode is wanted.",
	.types = TYPES_GUEST,
	.matches = wants_tsc_mode,
	.apply = tsc_mode_apply,
	.example = &tsc_mode_example,
};

static bool wants_hdtype(const struct fix *fix)
{
	return fix->facts->guest.hdtype != NULL;
}

static int hdtype_apply(struct fix *fix, struct err *err)
{
	const char *hdtype = fix->facts->guest.hdtype;

	if (!str_equal(hdtype, "ide") && !str_equal(hdtype, "ahci"))
		return err_set(err, -EINVAL, "hdtype: \"%s\" is neither ide nor ahci", hdtype);
	if (fix->doc->type != GRUBFIX_XL && fix->facts->guest.translate_to != GRUBFIX_XL) {
		fix_remark(fix, 0, "hdtype=%s is left out: only xl knows it", hdtype);
		return 0;
	}
	return setting_fix(fix, "hdtype", hdtype, "the emulated disk hangs on this controller",
			   err);
}

static const struct fix_example hdtype_example = {
	GRUBFIX_XL,
	"type=\"hvm\"\n",
	"--hdtype ahci",
	{ .guest = { .hdtype = "ahci" } },
};

const struct fix_rule rule_hdtype = {
	.id = "hdtype",
	.why = "Some kernels drive the emulated IDE controller only, some AHCI only; the profile "
	       "says which the layer needs.",
	.types = TYPES_GUEST,
	.matches = wants_hdtype,
	.apply = hdtype_apply,
	.example = &hdtype_example,
};

static bool wants_serial(const struct fix *fix)
{
	return fix->facts->guest.serial != NULL;
}

static int serial_apply(struct fix *fix, struct err *err)
{
	return setting_fix(fix, "serial", fix->facts->guest.serial,
			   "the layer's consoles are watched on its serial line", err);
}

static const struct fix_example serial_example = {
	GRUBFIX_SXP,
	"(domain (name l1) (image (hvm (hap 1))))\n",
	"--serial pty",
	{ .guest = { .serial = "pty" } },
};

const struct fix_rule rule_serial = {
	.id = "serial",
	.why = "Without a serial line nothing of the layer's boot can be seen from outside.",
	.types = TYPES_GUEST,
	.matches = wants_serial,
	.apply = serial_apply,
	.example = &serial_example,
};
