#include "run/core.h"

#include "base/str.h"

/* A model of family 0x17: with family 0xf (max, qemu64) the inner Xen panics in init_amd, a GPF
 * writing MSR c0010015. It has svm. */
#define TCG_MODEL "EPYC-v1"

static const struct cpu_flag tcg_flags[] = {
	{ "-smap", "dom0 dies at once in create_bounce_frame (IRET to ring 3, QEMU before 9.1)" },
	{ "-smep", "goes with smap" },
	{ "-monitor", "the inner Xen panics in mwait_idle_with_hints" },
	{ "-rdtscp", "Insn mismatch: inner programs crash at random (RDTSC's exit code)" },
	{ "-avx", "invalid opcode in the inner dom0 (aesni self-test), then hangs" },
	{ "-avx2", "as avx" },
	{ "-f16c", "as avx" },
	{ "-fma", "as avx" },
	{ "-xsave", "as avx" },
	{ "-xsaveopt", "as avx" },
	{ "-xgetbv1", "as avx" },
	{ "-x2apic", "chains of four levels and more" },
};

#define TCG_FLAGS (sizeof tcg_flags / sizeof *tcg_flags)

const struct cpu_flag *core_cpu_flag(size_t index)
{
	return index < TCG_FLAGS ? &tcg_flags[index] : NULL;
}

char *core_cpu(bool kvm)
{
	struct buf text = { 0 };

	if (kvm)
		return str_copy("host");
	buf_text(&text, TCG_MODEL);
	for (size_t i = 0; i < TCG_FLAGS; i++)
		buf_format(&text, ",%s", tcg_flags[i].flag);
	return text.data;
}

const char *core_accel(bool kvm)
{
	return kvm ? "kvm" : "tcg,thread=multi";
}
