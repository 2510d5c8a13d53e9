#include "syntax.h"
void flat_parse(struct doc *doc){(void)doc;}
void sxp_parse(struct doc *doc){(void)doc;}
void libvirt_parse(struct doc *doc){(void)doc;}
#include "base/str.h"
char *grubfix_rules_markdown(void){return str_copy("");}
