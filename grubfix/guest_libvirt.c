/* libvirt: hap is a feature, nesting is the CPU mode host-passthrough, a serial line is a device.
 * Source: https://libvirt.org/formatdomain.html; libvirt src/libxl/libxl_conf.c for what makes a
 * Xen domain nest (host-passthrough, vmx or svm not disabled). */
#include <ctype.h>
#include <string.h>

#include "guest.h"

#define PASSTHROUGH "host-passthrough"

static const struct node *find(const struct doc *doc, const char *name, const char *parent)
{
	for (uint32_t i = 0; i < doc->node_count; i++) {
		const struct node *node = doc->nodes + i;

		if (strcmp(node->name, name) == 0 && node->parent != NONE &&
		    strcmp(doc->nodes[node->parent].name, parent) == 0)
			return node;
	}
	return NULL;
}

static const struct attribute *attribute(const struct doc *doc, const struct node *node,
					 const char *name)
{
	for (uint32_t i = 0; i < node->attribute_count; i++)
		if (strcmp(doc->attributes[node->attributes + i].name, name) == 0)
			return doc->attributes + node->attributes + i;
	return NULL;
}

static bool attribute_is(const struct doc *doc, const struct node *node, const char *name,
			 const char *value)
{
	const struct attribute *found = attribute(doc, node, name);

	return found && strcmp(found->value, value) == 0;
}

static void attribute_set(struct doc *doc, const struct node *node, const char *name,
			  const char *value)
{
	const struct attribute *found = attribute(doc, node, name);
	CLEANUP(free_cleanup) char *text = str_format(" %s='%s'", name, value);

	if (!found)
		doc_after(doc, node->open + 1, text);
	else if (doc->tokens[found->value_token].kind == TOKEN_QUOTE)
		doc_after(doc, found->value_token, value);
	else
		doc_replace(doc, found->value_token, value);
}

/* The text of an element, blanks at its ends cut off. */
static bool text_is(const struct doc *doc, const struct node *node, const char *text)
{
	for (uint32_t i = node->open_end + 1; i < node->close; i++)
		if (doc->tokens[i].kind == TOKEN_WORD)
			return token_is(doc, i, text);
	return false;
}

static enum guest_kind libvirt_kind(const struct doc *doc)
{
	const struct node *type = find(doc, "type", "os");

	return type && text_is(doc, type, "hvm") ? GUEST_HVM : GUEST_PV;
}

/* --- elements that are added ----------------------------------------------------------------- */

/* The blanks in front of a token, if nothing else stands before it on its line. */
static const char *indent_of(struct doc *doc, uint32_t token)
{
	if (token == 0 || doc->tokens[token - 1].kind != TOKEN_BLANK)
		return "";
	if (token >= 2 && doc->tokens[token - 2].kind != TOKEN_NEWLINE)
		return "";
	return doc_slice(doc, token - 1, token - 1);
}

static bool starts_line(const struct doc *doc, uint32_t token)
{
	return token == 0 || doc->tokens[token - 1].kind == TOKEN_NEWLINE ||
	       (doc->tokens[token - 1].kind == TOKEN_BLANK &&
		(token == 1 || doc->tokens[token - 2].kind == TOKEN_NEWLINE));
}

static void child_add(struct fix *fix, const struct node *parent, const char *element,
		      const char *reason)
{
	struct doc *doc = fix->doc;
	const char *newline = doc_newline(doc);
	CLEANUP(free_cleanup) char *text = NULL;

	if (parent->close == parent->open) { /* <features/> */
		const char *indent = indent_of(doc, parent->open);

		text = str_format(">%s%s  %s%s%s</%s>", newline, indent, element, newline, indent,
				  parent->name);
		doc_replace(doc, parent->close_end, text);
	} else if (starts_line(doc, parent->close)) {
		const char *indent = indent_of(doc, parent->close);

		text = str_format("%s  %s%s", indent, element, newline);
		doc_before(doc, *indent ? parent->close - 1 : parent->close, text);
	} else {
		doc_before(doc, parent->close, element);
	}
	fix_edited(fix, parent->close, NULL, element, "%s", reason);
}

static const struct node *domain(const struct doc *doc)
{
	for (uint32_t i = 0; i < doc->node_count; i++)
		if (strcmp(doc->nodes[i].name, "domain") == 0)
			return doc->nodes + i;
	return NULL;
}

/* --- settings -------------------------------------------------------------------------------- */

static bool is_nesting_feature(const struct doc *doc, const struct node *node)
{
	return strcmp(node->name, "feature") == 0 && node->parent != NONE &&
	       strcmp(doc->nodes[node->parent].name, "cpu") == 0 &&
	       (attribute_is(doc, node, "name", "vmx") || attribute_is(doc, node, "name", "svm"));
}

static bool nesting_disabled(const struct doc *doc, const struct node *node)
{
	return is_nesting_feature(doc, node) && (attribute_is(doc, node, "policy", "disable") ||
						 attribute_is(doc, node, "policy", "forbid"));
}

/* One that is disabled is about to be required. */
static const char *nesting_required(const struct doc *doc)
{
	for (uint32_t i = 0; i < doc->node_count; i++)
		if (is_nesting_feature(doc, doc->nodes + i))
			return "1";
	return NULL;
}

static const char *nested_get(const struct doc *doc, uint32_t *ret_token)
{
	const struct node *cpu = find(doc, "cpu", "domain");

	if (!cpu)
		return NULL;
	*ret_token = cpu->open;
	for (uint32_t i = 0; i < doc->node_count; i++)
		if (nesting_disabled(doc, doc->nodes + i))
			return "0";
	return attribute_is(doc, cpu, "mode", PASSTHROUGH) ? "1" : "0";
}

static const char *libvirt_get(struct doc *doc, const char *key, uint32_t *ret_token)
{
	const struct node *node;

	*ret_token = 0;
	if (strcmp(key, "nestedhvm") == 0)
		return nested_get(doc, ret_token);
	if (strcmp(key, "nesting-required") == 0) {
		node = find(doc, "cpu", "domain");
		*ret_token = node ? node->open : 0;
		return nesting_required(doc);
	}
	if (strcmp(key, "hap") == 0) {
		node = find(doc, "hap", "features");
		return !node ? NULL : attribute_is(doc, node, "state", "off") ? "0" : "1";
	}
	if (strcmp(key, "serial") == 0) {
		node = find(doc, "serial", "devices");
		return node && attribute(doc, node, "type") ? attribute(doc, node, "type")->value
							    : NULL;
	}
	return NULL;
}

static void nested_set(struct fix *fix, const char *reason)
{
	const struct node *cpu = find(fix->doc, "cpu", "domain");

	if (!cpu) {
		child_add(fix, domain(fix->doc), "<cpu mode='" PASSTHROUGH "'/>", reason);
		return;
	}
	if (!attribute_is(fix->doc, cpu, "mode", PASSTHROUGH)) {
		const struct attribute *mode = attribute(fix->doc, cpu, "mode");

		attribute_set(fix->doc, cpu, "mode", PASSTHROUGH);
		fix_edited(fix, cpu->open, mode ? mode->value : NULL, PASSTHROUGH, "%s", reason);
	}
	for (uint32_t i = 0; i < fix->doc->node_count; i++) {
		const struct node *node = fix->doc->nodes + i;

		if (!nesting_disabled(fix->doc, node))
			continue;
		attribute_set(fix->doc, node, "policy", "require");
		fix_edited(fix, node->open, "disable", "require", "%s", reason);
	}
}

static bool libvirt_set(struct fix *fix, const char *key, const char *value, const char *reason)
{
	const struct node *features = find(fix->doc, "features", "domain");
	const struct node *devices = find(fix->doc, "devices", "domain");
	const struct node *hap = find(fix->doc, "hap", "features");

	if (!domain(fix->doc))
		return false;
	if (strcmp(key, "nestedhvm") == 0) {
		nested_set(fix, reason);
	} else if (strcmp(key, "hap") == 0 && hap) {
		attribute_set(fix->doc, hap, "state", "on");
		fix_edited(fix, hap->open, "off", "on", "%s", reason);
	} else if (strcmp(key, "hap") == 0) {
		child_add(fix, features ? features : domain(fix->doc),
			  features ? "<hap/>" : "<features><hap/></features>", reason);
	} else if (strcmp(key, "serial") == 0 && devices && !find(fix->doc, "serial", "devices")) {
		CLEANUP(free_cleanup)
		char *element = str_format("<serial type='%s'><target port='0'/></serial>", value);
		child_add(fix, devices, element, reason);
	} else {
		return false;
	}
	return true;
}

static void libvirt_drop_netfront(struct fix *fix, const char *reason)
{
	for (uint32_t i = 0; i < fix->doc->node_count; i++) {
		const struct node *node = fix->doc->nodes + i;

		if (strcmp(node->name, "model") != 0 || node->parent == NONE ||
		    strcmp(fix->doc->nodes[node->parent].name, "interface") != 0 ||
		    !attribute_is(fix->doc, node, "type", "netfront"))
			continue;
		attribute_set(fix->doc, node, "type", "e1000");
		fix_edited(fix, node->open, "netfront", "e1000", "%s", reason);
	}
}

const struct guest_format guest_libvirt = {
	.types = TYPE_BIT(GRUBFIX_LIBVIRT),
	.kind = libvirt_kind,
	.get = libvirt_get,
	.set = libvirt_set,
	.drop_netfront = libvirt_drop_netfront,
};
