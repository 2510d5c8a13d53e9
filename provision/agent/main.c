/* nestctl-agent: the small program inside every layer that proves what the layer is, starts its
 * guests, and carries what is said between them and L0. docs/agent-protocol.md is its contract. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "agent.h"
#include "files.h"
#include "init.h"
#include "lease.h"
#include "netconf.h"
#include "proc.h"

#define CONF_FILE_BYTES (64 * 1024)

struct program {
	struct agent agent;
	struct netconf netconf;
	struct proc poweroff;
	const char *conf_path;
	bool is_init, keeps_power;
	char conf_text[CONF_FILE_BYTES];
};

static const char usage[] =
	"usage: nestctl-agent [--conf FILE] [--root FOLDER] [--no-poweroff]\n"
	"       nestctl-agent --lease FILE EVENT (what udhcpc calls; FILE is its script)\n"
	"  --conf FILE      settings (/etc/nestctl/agent.conf)\n"
	"  --root FOLDER    read /proc, /sys, /run and /etc/os-release below it (tests)\n"
	"  --no-poweroff    end instead of powering the machine off (tests)\n";

/* 0, or the status to exit with. */
static int options_read(struct program *program, int argc, char **argv)
{
	static const struct option options[] = {
		{ "conf", required_argument, NULL, 'c' },
		{ "root", required_argument, NULL, 'r' },
		{ "no-poweroff", no_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			program->conf_path = optarg;
		else if (option == 'r')
			program->agent.root = optarg;
		else if (option == 'n')
			program->keeps_power = true;
		else
			return 2;
	}
	return optind == argc ? 0 : 2;
}

static int conf_read(struct program *program)
{
	char problem[256] = "it cannot be read";

	if (file_text("", program->conf_path, program->conf_text, sizeof program->conf_text) &&
	    conf_parse(program->conf_text, &program->agent.conf, problem, sizeof problem) == 0)
		return 0;
	fprintf(stderr, "nestctl-agent: %s: %s\n", program->conf_path, problem);
	return -EINVAL;
}

/* ---- the end ---- */

static void poweroff_ended(void *context, int status, const char *text)
{
	struct program *program = context;

	if (status == 0)
		return; /* systemd stops us in its time */
	fprintf(stderr, "nestctl-agent: systemctl poweroff: %s\n", text);
	sync();
	reboot(RB_POWER_OFF);
	program->agent.loop.stop = true;
}

static void power_off(struct agent *agent)
{
	/* --force: file systems are unmounted, services are not asked one by one. What matters
	 * here, the guests, is down already. */
	static char *const argv[] = { (char *)"systemctl", (char *)"poweroff", (char *)"--force",
				      (char *)"--no-wall", NULL };
	struct program *program = (struct program *)agent; /* its first member */

	if (program->keeps_power) {
		agent->loop.stop = true;
		return;
	}
	sync();
	if (program->is_init) {
		reboot(RB_POWER_OFF);
		return;
	}
	program->poweroff =
		(struct proc){ .loop = &agent->loop, .on_end = poweroff_ended, .context = program };
	proc_start(&program->poweroff, argv, 30);
}

/* To process 1: busybox poweroff, halt and reboot say it so; here, all mean the end. */
static void signal_in(void *context, int number)
{
	struct program *program = context;

	(void)number;
	if (program->is_init)
		agent_down(&program->agent, 0);
	else
		program->agent.loop.stop = true;
}

/* Process 1 never returns: the kernel would panic. */
static int program_end(const struct program *program, int status)
{
	while (program->is_init && !program->keeps_power)
		pause();
	return status;
}

int main(int argc, char **argv)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGUSR1, SIGUSR2, 0 };
	static struct program program = { .conf_path = "/etc/nestctl/agent.conf" };
	struct agent *agent = &program.agent;
	int status;

	if (argc == 4 && strcmp(argv[1], "--lease") == 0)
		return lease_apply(argv[3]);
	agent->root = "";
	program.is_init = getpid() == 1;
	if (program.is_init) /* the kernel hands its own command line on */
		init_mount();
	else if ((status = options_read(&program, argc, argv)) != 0) {
		fputs(usage, stderr);
		return status;
	}
	agent->power_off = power_off;
	if (loop_init(&agent->loop, signals) < 0 || conf_read(&program) < 0)
		return program_end(&program, 1);
	agent->loop.on_signal = signal_in;
	agent->loop.context = &program;
	agent_init(agent);
	if (agent->conf.init && program.is_init) {
		init_settle(&agent->conf, &agent->outward);
		netconf_start(&program.netconf, &agent->loop, &agent->conf, &agent->outward);
	}
	loop_run(&agent->loop);
	agent_done(agent);
	loop_done(&agent->loop);
	return program_end(&program, 0);
}
