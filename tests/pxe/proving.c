/* The agents' server of a lab alone: pxe-proving FOLDER ADDRESS PORT STACK... makes a machine r1,
 * r2, ... of each stack file, installed already. At the first start it prints "NAME TOKEN" for
 * each; keeps FOLDER/status.json up to date; goes on until a signal. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/spawn.h"
#include "pxe/proving.h"
#include "run/loop.h"

#define ROUND_SECONDS 0.2

struct program {
	struct lab lab;
	struct ledger *ledger;
	struct proving *proving;
	char *status_path;
	uint64_t version;
};

static int lab_make(struct program *program, char **stacks, size_t count, struct err *err)
{
	static char lab_name[] = "rack", none[] = "";

	program->lab.name = lab_name;
	program->lab.path = none;
	program->lab.machines = mem_alloc(count * sizeof *program->lab.machines);
	program->lab.machine_count = count;
	for (size_t i = 0; i < count; i++) {
		struct lab_machine *machine = &program->lab.machines[i];
		int r = stack_load(stacks[i], &machine->stack, err);

		if (r < 0)
			return r;
		machine->name = str_format("r%zu", i + 1);
		machine->mac = str_format("52:54:00:00:%02zx:%02zx", (i + 1) / 256, (i + 1) % 256);
		machine->uuid = none;
	}
	return 0;
}

static int machine_install(struct program *program, const struct lab_machine *machine,
			   struct err *err)
{
	struct boot_client client = { machine->mac, "", "10.0.0.9", FIRMWARE_BIOS };
	struct boot_answer answer;
	int r = ledger_boot(program->ledger, &client, &answer, err);

	if (r == 0)
		r = ledger_installed(program->ledger, machine, err);
	if (r == 0)
		printf("%s %s\n", machine->name, answer.agent_token);
	return r;
}

static int start(struct program *program, const char *folder, const char *address, struct err *err)
{
	CLEANUP(free_cleanup) char *ledger = path_join(folder, "ledger");
	bool known = path_exists(ledger);
	int r = ledger_open(ledger, &program->lab, &program->ledger, err);

	for (size_t i = 0; r == 0 && !known && i < program->lab.machine_count; i++)
		r = machine_install(program, &program->lab.machines[i], err);
	program->status_path = path_join(folder, "status.json");
	if (r == 0)
		r = proving_start(&program->lab, address, program->ledger, &program->proving, err);
	puts(r == 0 ? "serves" : "failed");
	fflush(stdout);
	return r;
}

static void status_write(struct program *program)
{
	uint64_t version = ledger_version(program->ledger);

	if (version == program->version)
		return;
	program->version = version;
	CLEANUP(free_cleanup) char *text = ledger_json(program->ledger);
	file_write(program->status_path, text, strlen(text), 0600, NULL);
}

static void woken(void *context, int fd, short events)
{
	(void)context;
	(void)fd;
	(void)events;
}

static void serve(struct program *program)
{
	CLEANUP(loop_done) struct loop loop = { 0 };

	while (!spawn_stop_signal()) {
		double wait = proving_tick(program->proving, ROUND_SECONDS);

		status_write(program);
		loop_add(&loop, spawn_stop_fd(), POLLIN, woken, NULL);
		proving_poll(program->proving, &loop);
		loop_round(&loop, (int)(wait * 1000) + 1);
	}
}

static void program_done(struct program *program)
{
	proving_end(program->proving);
	ledger_free(program->ledger);
	for (size_t i = 0; i < program->lab.machine_count; i++) {
		stack_free(program->lab.machines[i].stack);
		free(program->lab.machines[i].name);
		free(program->lab.machines[i].mac);
	}
	free(program->lab.machines);
	free(program->status_path);
}

int main(int argc, char **argv)
{
	CLEANUP(program_done) struct program program = { 0 };
	CLEANUP(err_clear) struct err err = { 0 };

	if (argc < 5) {
		fputs("usage: pxe-proving FOLDER ADDRESS PORT STACK...\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	spawn_stop_fd();
	program.lab.interface = ""; /* whatever the address is on */
	program.lab.ports.agents = (unsigned)atoi(argv[3]);
	if (lab_make(&program, argv + 4, (size_t)argc - 4, &err) < 0 ||
	    start(&program, argv[1], argv[2], &err) < 0) {
		fprintf(stderr, "pxe-proving: %s\n", err.text);
		return 1;
	}
	serve(&program);
	return 0;
}
