/* The matrix: the verdict on every level of a stack, as a table and as JSON.
 * Knows nothing of how the evidence was gathered. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "base/str.h"

struct matrix_row { /* strings are owned and never NULL; "" for what is not known */
	unsigned level;
	char *name;
	char *path;	  /* "l1/l2" */
	char *os;	  /* what the layer said of itself, else what the stack says */
	char *hypervisor; /* what runs in it, "Xen 4.17.7"; "-" for guests */
	char *guest_type; /* "QEMU TCG", "HVM", "PV" */
	/* "waiting", "starting", "booted", "proven", "failed", "not reached"; "ended": after its
	 * proof. */
	char *state;
	bool booted, network, proven;
	unsigned resets;	   /* how often it reset itself while it booted */
	char *reset_step;	   /* where it was the last time */
	struct strv reset_console; /* its last lines then */
	double seconds;		   /* from power-on of L1 to the verdict */
	char *address;		   /* "10.0.2.15/24" */
	char *step;		   /* failed: where it stuck */
	char *reason;		   /* failed: why */
	char *symptom, *cause, *cure;
	struct strv console; /* failed: the last lines of its console */
	char *record;	     /* the agent's record as it came, JSON */
};

struct matrix {
	char *stack;		 /* name */
	char *accelerator;	 /* "tcg", "kvm", "xen", "any" */
	double seconds;		 /* power-on to the last verdict */
	struct matrix_row *rows; /* outermost first */
	size_t row_count;
};

/* Without rows; never NULL. Copies. */
struct matrix *matrix_new(const char *stack, const char *accelerator);
/* A new last row, all strings ""; valid until the next is added. */
struct matrix_row *matrix_add(struct matrix *matrix);
void matrix_free(struct matrix *matrix);
void matrix_cleanup(struct matrix **matrix);

bool matrix_all_proven(const struct matrix *matrix); /* false without rows */

/* The table, then for each level that failed what is known of it. */
void matrix_print(const struct matrix *matrix, FILE *out);

/* One JSON object; the caller frees. */
char *matrix_json_text(const struct matrix *matrix, bool pretty);
/* Writes it atomically. */
int matrix_json(const struct matrix *matrix, const char *path, struct err *err);
/* Reads what matrix_json_text wrote. -EBADMSG. */
int matrix_from_json(const char *text, struct matrix **ret_matrix, struct err *err);
