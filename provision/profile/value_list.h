/* Values that are lists: of texts, of sizes, of partitions, of files. */
#pragma once
#include "profile/value.h"

/* Each puts what can be read into the field and reports the rest. */
void texts_parse(const struct value *value, struct strv *field);
void sizes_parse(const struct value *value, struct sizes *field);
void partitions_parse(const struct value *value, struct disk_spec *disk);
void files_parse(const struct value *value, struct layer *layer);
/* Only looks whether each is a map: who knows the object reads them. */
void rows_look(const struct value *value);
