#include "emit/product.h"

static const struct emit_product products[] = {
	{ "esxi", "-flat.vmdk", false, { &vmx_guest, &vmfs_guest } },
	{ "workstation", "-flat.vmdk", false, { &vmx_guest, &vmdk_guest } },
	{ "hyper-v", ".vhdx", true, { &hyper_v_guest } },
	{ "libvirt", ".raw", false, { &libvirt_guest } },
	{ "xl", ".raw", false, { &xl_guest } },
	{ "xm", ".raw", false, { &xm_guest, &sxp_guest, &xend_xml_guest } },
};

#define PRODUCTS (sizeof products / sizeof *products)

const struct emit_product *emit_product_at(size_t index)
{
	return index < PRODUCTS ? &products[index] : NULL;
}

int emit_product_check(const struct emit_product *product, const struct layer *layer,
		       struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < EMIT_FORMATS && product->formats[i]; i++)
		r = guest_format_check(product->formats[i], layer, err);
	return r;
}
