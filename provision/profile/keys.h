/* The keys of a layer: one table that parses, checks, fills in defaults, documents, and yields the
 * JSON Schema. */
#pragma once
#include "profile/yaml.h"

enum key_type {
	KEY_TEXT,
	KEY_SIZE,      /* "2GiB"; uint64_t bytes */
	KEY_REST_SIZE, /* a size, or "rest" (PARTITION_REST) */
	KEY_NUMBER,    /* unsigned */
	KEY_MODE,      /* file permission bits in octal, "0644"; uint32_t */
	KEY_BOOL,
	KEY_ENUM,    /* one of names; int */
	KEY_TEXTS,   /* a list of texts; struct strv */
	KEY_SIZES,   /* a list of sizes; struct sizes */
	KEY_MEDIUM,  /* a URL, or a path relative to the file that names it; char * */
	KEY_PATH,    /* a path, likewise; char * */
	KEY_PATTERN, /* name of a pattern; const struct pattern * */
	KEY_ADDRESS, /* "dhcp" or ADDRESS/BITS; struct network_spec */
	KEY_PARTITIONS,
	KEY_FILES,
	KEY_ROWS, /* a list of maps with the keys of rows; read by whoever knows the object */
};

/* Where a layer's key means something: a layer that gives it elsewhere is wrong. */
struct key_place {
	const char *keys[5]; /* that fits looks at; ends with NULL */
	bool (*fits)(const struct layer *layer);
	const char *words; /* "in a layer of role host": for messages, reference and schema */
};

struct key_row {
	const char *path; /* "machine.memory"; NULL ends a table */
	enum key_type type;
	size_t offset;		  /* into the object, such as struct layer */
	const char *const *names; /* KEY_ENUM */
	uint64_t min, max;	  /* KEY_SIZE, KEY_NUMBER: limits; KEY_TEXT: max bytes, 0: none */
	bool (*valid)(const char *text); /* KEY_TEXT, KEY_TEXTS: NULL: anything without newlines */
	const char *allowed;		 /* what valid() wants, for messages and the schema */
	const char *form;	  /* the same as a regular expression (ECMA-262), for the schema */
	const char *default_text; /* as it would be written; NULL: the key is required */
	const char *help;
	const struct key_row *rows;    /* KEY_ROWS */
	const struct key_place *place; /* of a layer's keys; NULL: everywhere */
	bool secret; /* what was found is not shown: it may be a password or a private key */
};

extern const struct key_place place_host, place_system, place_menu, place_disk, place_hvm;

extern const struct key_row layer_keys[];
extern const struct key_row partition_keys[];
extern const struct key_row file_keys[];

struct key_source {
	const struct node *map;
	const struct mark *mark; /* of the object, for what is missing */
	const char *prefix;	 /* stands before the keys in messages: "disk.partitions[2]." */
	bool partial; /* a part of the map could not be read: what is not given may stand there */
	struct diagnostics *diagnostics;
	const char *reference; /* what prints the allowed keys; NULL: of profiles */
	struct strv *wrong;    /* gets the keys whose value in object is a stand-in; may be NULL */
};

/* Parses every key of the table into object and reports unknown keys. */
void keys_parse(const struct key_row *keys, const struct key_source *source, void *object);

/* What a key allows, in words, for messages and the reference; the caller frees. */
char *key_allowed(const struct key_row *row);

/* Adds "KEY: ..." at the place of a layer's key, else at the layer's. */
void key_wrong(const struct layer *layer, const char *key, struct diagnostics *diagnostics,
	       const char *format, va_list args) __attribute__((format(printf, 4, 0)));
