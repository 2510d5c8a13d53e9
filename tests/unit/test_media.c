#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/url_text.h"
#include "media/boot_cfg.h"

#define OPTIONS "ks=cdrom:/KS.CFG"

static void kickstart_is(const char *text, const char *wanted)
{
	CLEANUP(free_cleanup) char *changed = boot_cfg_with_options(text, OPTIONS);

	assert_string_equal(changed, wanted);
}

static void the_kickstart_is_added_to_what_was_there(void **state)
{
	(void)state;
	kickstart_is("title=x\nkernelopt=runweasel cdromBoot\nbuild=1\n",
		     "title=x\nkernelopt=runweasel cdromBoot ks=cdrom:/KS.CFG\nbuild=1\n");
	kickstart_is("kernelopt=\r\nmodules=/a\r\n",
		     "kernelopt=ks=cdrom:/KS.CFG\r\nmodules=/a\r\n");
	kickstart_is("KERNELOPT=runweasel", "KERNELOPT=runweasel ks=cdrom:/KS.CFG");
}

static void an_older_kickstart_is_replaced(void **state)
{
	(void)state;
	kickstart_is("kernelopt=ks=usb  text KS=http://h/k\n", "kernelopt=text ks=cdrom:/KS.CFG\n");
	kickstart_is("kernelopt=ks=cdrom:/KS.CFG\n", "kernelopt=ks=cdrom:/KS.CFG\n");
}

static void a_line_that_is_missing_is_added(void **state)
{
	(void)state;
	kickstart_is("title=x\n", "title=x\nkernelopt=ks=cdrom:/KS.CFG\n");
	kickstart_is("title=x\r\n", "title=x\r\nkernelopt=ks=cdrom:/KS.CFG\r\n");
	kickstart_is("title=x", "title=x\nkernelopt=ks=cdrom:/KS.CFG\n");
	kickstart_is("", "kernelopt=ks=cdrom:/KS.CFG\n");
	kickstart_is("kernelopts=no\n", "kernelopts=no\nkernelopt=ks=cdrom:/KS.CFG\n");
}

static void values_and_modules_are_read(void **state)
{
	static const char text[] = "Kernel=/tboot.b00\r\n"
				   "modules=/b.b00 --- k.b00 ---  /dir/s.v00\r\nbuild=\r\n";
	CLEANUP(free_cleanup) char *kernel = boot_cfg_value(text, "kernel");
	CLEANUP(free_cleanup) char *build = boot_cfg_value(text, "build");
	CLEANUP(free_cleanup) char *title = boot_cfg_value(text, "title");
	CLEANUP(strv_done) struct strv modules = { 0 };

	(void)state;
	boot_cfg_modules(text, &modules);
	assert_string_equal(kernel, "/tboot.b00");
	assert_null(title);
	assert_non_null(build);
	assert_int_equal(modules.count, 3);
	assert_string_equal(modules.items[0], "b.b00");
	assert_string_equal(modules.items[1], "k.b00");
	assert_string_equal(modules.items[2], "dir/s.v00");
}

static void a_url_is_shown_without_its_password(void **state)
{
	CLEANUP(free_cleanup) char *shown = url_shown("https://me:secret@host/a@b.iso");
	CLEANUP(free_cleanup) char *plain = url_shown("http://host/a.iso");

	(void)state;
	assert_string_equal(shown, "https://host/a@b.iso");
	assert_string_equal(plain, "http://host/a.iso");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kickstart_is_added_to_what_was_there),
		cmocka_unit_test(an_older_kickstart_is_replaced),
		cmocka_unit_test(a_line_that_is_missing_is_added),
		cmocka_unit_test(values_and_modules_are_read),
		cmocka_unit_test(a_url_is_shown_without_its_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
