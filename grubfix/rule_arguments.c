/* What the hypervisor and dom0 are told besides their consoles, because the caller asks for it:
 * dom0's memory, and further arguments. */
#include <errno.h>
#include <string.h>

#include "fix.h"
#include "wishes.h"
#include "words.h"

static bool wants_memory(const struct fix *fix)
{
	return fix->facts->dom0_mem != NULL;
}

static int dom0_mem_apply(struct fix *fix, struct err *err)
{
	const char *size = fix->facts->dom0_mem;
	CLEANUP(free_cleanup) char *value = str_format("%s,max:%s", size, size);
	const struct wish wishes[] = { { WISH_SET, "dom0_mem", value }, { 0 } };
	size_t digits = strspn(size, "0123456789");

	if (digits == 0 || size[digits + strspn(size + digits, "KMGTkmgt")] != '\0')
		return err_set(err, -EINVAL, "dom0_mem: \"%s\" is not a size (write 1024M)", size);
	wishes_grant(fix, ARGS_XEN, wishes,
		     "dom0 gets this much memory, and the guests inside get the rest");
	return 0;
}

static const struct fix_example dom0_mem_example = {
	GRUBFIX_DEFAULT_GRUB,
	"GRUB_CMDLINE_XEN=\"\"\n",
	"--dom0-mem 1024M",
	{ .dom0_mem = "1024M" },
};

const struct fix_rule rule_dom0_mem = {
	.id = "dom0-mem",
	.why = "Without dom0_mem the dom0 takes all memory and has to be ballooned down before "
	       "any guest can start.",
	.types = TYPES_XEN_ARGS,
	.matches = wants_memory,
	.apply = dom0_mem_apply,
	.example = &dom0_mem_example,
};

static int arguments_set(struct fix *fix, enum args_role role, const char *const *list,
			 struct err *err)
{
	CLEANUP(strv_done) struct strv keys = { 0 };
	CLEANUP(free_cleanup) struct wish *wishes = NULL;
	size_t count = 0;

	for (const char *const *item = list; *item; item++) {
		int r = wish_check_plain(*item, err);

		if (r < 0)
			return r;
		strv_format(&keys, "%.*s", (int)strcspn(*item, "="), *item);
	}
	wishes = mem_alloc((keys.count + 1) * sizeof *wishes);
	for (; count < keys.count; count++) {
		const char *value = strpbrk(list[count] ? list[count] : "", "=");

		wishes[count] =
			(struct wish){ WISH_SET, keys.items[count], value ? value + 1 : "" };
	}
	wishes_grant(fix, role, wishes, "the profile asks for it");
	return 0;
}

static bool wants_xen_args(const struct fix *fix)
{
	return fix->facts->xen_args && *fix->facts->xen_args;
}

static int xen_args_apply(struct fix *fix, struct err *err)
{
	return arguments_set(fix, ARGS_XEN, fix->facts->xen_args, err);
}

static const char *const example_xen_args[] = { "loglvl=all", NULL };
static const char *const example_dom0_args[] = { "net.ifnames=0", NULL };

static const struct fix_example xen_args_example = {
	GRUBFIX_XEN_CFG,
	"[global]\ndefault=xen\n[xen]\noptions=noreboot\nkernel=vmlinuz root=/dev/vg/root\n",
	"--xen-arg loglvl=all",
	{ .xen_args = example_xen_args },
};

const struct fix_rule rule_xen_args = {
	.id = "xen-args",
	.why = "The profile of the layer asks for further hypervisor arguments.",
	.types = TYPES_XEN_ARGS,
	.matches = wants_xen_args,
	.apply = xen_args_apply,
	.example = &xen_args_example,
};

static bool wants_dom0_args(const struct fix *fix)
{
	return fix->facts->dom0_args && *fix->facts->dom0_args;
}

static int dom0_args_apply(struct fix *fix, struct err *err)
{
	return arguments_set(fix, ARGS_DOM0, fix->facts->dom0_args, err);
}

static const struct fix_example dom0_args_example = {
	GRUBFIX_SYSCONFIG,
	"XEN_KERNEL_APPEND=\"splash=silent\"\n",
	"--dom0-arg net.ifnames=0",
	{ .dom0_args = example_dom0_args },
};

const struct fix_rule rule_dom0_args = {
	.id = "dom0-args",
	.why = "The profile of the layer asks for further arguments of the dom0 kernel.",
	.types = TYPES_XEN_ARGS,
	.matches = wants_dom0_args,
	.apply = dom0_args_apply,
	.example = &dom0_args_example,
};
