/* What an answer file says of the system itself: names, password, clock, files, scripts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linuxrc.h"

#define SCRIPTS "/var/adm/autoinstall/scripts"

static void names_set(const struct node *profile)
{
	const char *host = value_at(profile, "networking/dns/hostname");
	const char *domain = value_at(profile, "networking/dns/domain");

	if (!*host)
		fail("<networking><dns><hostname>: is missing");
	say("host name %s%s%s", host, *domain ? "." : "", domain);
	put_file(TARGET "/etc/hostname", 0644, text("%s\n", host));
	put_file(TARGET "/etc/hosts", 0644,
		 *domain ? text("127.0.0.1 localhost\n127.0.1.1 %s.%s %s\n", host, domain, host)
			 : text("127.0.0.1 localhost\n127.0.1.1 %s\n", host));
	put_file(TARGET "/etc/machine-id", 0444, "uninitialized\n");
}

/* The second field of root's line. */
static void root_password_set(const char *hash)
{
	const char *path = TARGET "/etc/shadow";
	char *old = get_file(path);
	char *line = old ? strstr(old, "root:") : NULL;

	if (!line || (line != old && line[-1] != '\n'))
		fail("/etc/shadow: has no line for root");
	char *after = strchr(line + strlen("root:"), ':');
	if (!after || strpbrk(hash, ":\n"))
		fail("the password of root is no hash");
	put_file(path, 0640, text("%.*sroot:%s%s", (int)(line - old), old, hash, after));
}

static void users_set(const struct node *profile)
{
	const struct node *users = node_at(profile, "users");

	for (const struct node *user = users ? users->first : NULL; user; user = user->next) {
		const char *name = value_at(user, "username");
		const char *password = value_at(user, "user_password");

		if (!true_at(user, "encrypted", false))
			fail("user %s: the password is not encrypted", name);
		if (strcmp(name, "root") == 0)
			root_password_set(password);
		else
			RUN("chroot", TARGET, "useradd", "-m", "-p", password, name);
		say("user %s", name);
	}
}

static void fstab_write(const struct disk *disk)
{
	char *lines = text("%s", "");

	for (int i = 0; i < disk->count; i++) {
		const struct partition *partition = &disk->partitions[i];
		bool swap = i == disk->swap, root = i == disk->root;

		if (swap || partition->mount[0] == '/')
			lines = text("%s%-20s %-20s %-10s %-21s %s\n", lines, partition->name,
				     swap ? "swap" : partition->mount, partition->filesystem,
				     swap ? "defaults" : "acl,user_xattr",
				     swap   ? "0 0"
				     : root ? "1 1"
					    : "1 2");
	}
	put_file(TARGET "/etc/fstab", 0644, lines);
}

static void locale_set(const struct node *profile)
{
	const char *zone = value_at(profile, "timezone/timezone");
	const char *keymap = value_at(profile, "keyboard/keymap");
	const char *language = value_at(profile, "language/language");

	if (*zone) {
		const char *file = text("/usr/share/zoneinfo/%s", zone);

		if (access(text("%s%s", TARGET, file), F_OK) < 0)
			fail("<timezone>%s</timezone>: is not known", zone);
		RUN("ln", "-sfn", file, TARGET "/etc/localtime");
		put_file(TARGET "/etc/timezone", 0644, text("%s\n", zone));
	}
	put_file(TARGET "/etc/sysconfig/language", 0644, text("RC_LANG=\"%s\"\n", language));
	put_file(TARGET "/etc/sysconfig/keyboard", 0644, text("KEYTABLE=\"%s\"\n", keymap));
}

static void files_write(const struct node *profile)
{
	const struct node *files = node_at(profile, "files");

	for (const struct node *file = files ? files->first : NULL; file; file = file->next) {
		const char *path = value_at(file, "file_path");
		const char *mode = value_at(file, "file_permissions");
		const struct node *contents = node_at(file, "file_contents");

		if (path[0] != '/' || !contents)
			fail("<files>: \"%s\" has no path or no contents", path);
		put_file(text("%s%s", TARGET, path),
			 *mode ? (unsigned)strtoul(mode, NULL, 8) : 0644,
			 contents->content + strspn(contents->content, "\n"));
		say("file %s", path);
	}
}

/* The unit of a service, or an init script of it; NULL: the host tree has neither, or masks it. */
static const char *service_find(const char *name, bool *ret_script)
{
	const char *unit = strcmp(name, "sshd") == 0 ? "ssh" : name;
	char *masked = text("%s/etc/systemd/system/%s.service", TARGET, unit), target[16];
	ssize_t length = readlink(masked, target, sizeof target);

	if (length == 9 && memcmp(target, "/dev/null", 9) == 0)
		return NULL;
	if (access(text("%s/usr/lib/systemd/system/%s.service", TARGET, unit), F_OK) == 0)
		return unit;
	*ret_script = access(text("%s/etc/init.d/%s", TARGET, unit), F_OK) == 0;
	return *ret_script ? unit : NULL;
}

/* <service_start> has the run levels, <service_status> is the older word. */
static void services_set(const struct node *profile)
{
	const struct node *services = node_at(profile, "runlevel/services");

	for (const struct node *service = services ? services->first : NULL; service;
	     service = service->next) {
		const char *name = value_at(service, "service_name");
		bool script = false;

		if (!*value_at(service, "service_start") &&
		    strcmp(value_at(service, "service_status"), "enable") != 0)
			continue;
		const char *unit = service_find(name, &script);
		if (!unit)
			say("service %s: the host tree has none, left out", name);
		else if (script)
			RUN("chroot", TARGET, "/sbin/insserv", unit);
		else
			RUN("chroot", TARGET, "systemctl", "--quiet", "enable",
			    text("%s.service", unit));
	}
}

void system_set(const struct node *profile, const struct disk *disk)
{
	names_set(profile);
	users_set(profile);
	fstab_write(disk);
	locale_set(profile);
	files_write(profile);
	services_set(profile);
}

static const char *interpreter_of(const struct node *script)
{
	const char *name = value_at(script, "interpreter");

	if (!*name || strcmp(name, "shell") == 0)
		return "/bin/sh";
	if (strcmp(name, "perl") == 0)
		return "/usr/bin/perl";
	fail("<interpreter>%s</interpreter>: is not known", name);
}

/* kind: "pre-scripts" or "chroot-scripts". YaST's chroot-scripts run in the installer unless they
 * say that they are <chrooted>. */
void scripts_run(const struct node *profile, const char *kind)
{
	const struct node *scripts = node_at(profile, text("scripts/%s", kind));
	int count = 0;

	for (const struct node *script = scripts ? scripts->first : NULL; script;
	     script = script->next) {
		const char *name = value_at(script, "filename");
		const struct node *source = node_at(script, "source");
		bool inside =
			strcmp(kind, "chroot-scripts") == 0 && true_at(script, "chrooted", false);

		if (!source)
			fail("<%s>: a script has no <source>", kind);
		if (!*name)
			name = text("%s-%d", kind, ++count);
		char *path = text("%s/%s", SCRIPTS, name);
		put_file(inside ? text("%s%s", TARGET, path) : path, 0700,
			 source->content + strspn(source->content, "\n"));
		say("script %s%s", name, inside ? ", in the new system" : "");
		if (inside)
			RUN("chroot", TARGET, interpreter_of(script), path);
		else
			RUN(interpreter_of(script), path);
	}
}
