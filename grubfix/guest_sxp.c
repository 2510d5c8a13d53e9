/* SXP: settings are lists inside (image (hvm ...)). */
#include <string.h>

#include "guest.h"

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

static enum guest_kind sxp_kind(const struct doc *doc)
{
	return find(doc, "hvm", "image") ? GUEST_HVM : GUEST_PV;
}

static const char *sxp_get(struct doc *doc, const char *key, uint32_t *ret_token)
{
	const struct node *node = find(doc, key, "hvm");

	*ret_token = node ? node->open : 0;
	return node ? node->text : NULL;
}

static bool sxp_set(struct fix *fix, const char *key, const char *value, const char *reason)
{
	const struct node *hvm = find(fix->doc, "hvm", "image"), *node = find(fix->doc, key, "hvm");
	CLEANUP(free_cleanup) char *text = str_format(" (%s %s)", key, value);

	if (!hvm || strcmp(key, "hdtype") == 0)
		return false;
	if (node) { /* the whole list, whatever was in it */
		doc_remove(fix->doc, node->open, node->close);
		doc_replace(fix->doc, node->open, text + 1);
		fix_edited(fix, node->open, node->text, value, "%s: %s", key, reason);
	} else {
		doc_after(fix->doc, hvm->open_end, text);
		fix_edited(fix, hvm->open, NULL, text + 1, "%s", reason);
	}
	return true;
}

static void sxp_drop_netfront(struct fix *fix, const char *reason)
{
	const struct doc *doc = fix->doc;

	for (uint32_t i = 0; i < doc->node_count; i++) {
		const struct node *node = doc->nodes + i;
		uint32_t first = node->open;

		if (strcmp(node->name, "type") != 0 || strcmp(node->text, "netfront") != 0 ||
		    node->parent == NONE || strcmp(doc->nodes[node->parent].name, "vif") != 0)
			continue;
		while (first > 0 && (doc->tokens[first - 1].kind == TOKEN_BLANK ||
				     doc->tokens[first - 1].kind == TOKEN_NEWLINE))
			first--;
		doc_remove(fix->doc, first, node->close);
		fix_edited(fix, node->open, "(type netfront)", NULL, "%s", reason);
	}
}

const struct guest_format guest_sxp = {
	.types = TYPE_BIT(GRUBFIX_SXP),
	.kind = sxp_kind,
	.get = sxp_get,
	.set = sxp_set,
	.drop_netfront = sxp_drop_netfront,
};
