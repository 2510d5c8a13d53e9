/* The files of a layer's own on top of its base tree, and of the small guest in its initramfs. */
#pragma once
#include "compose/overlay.h"
#include "profile/stack.h"

/* Names that only the base tree knows. */
struct boot_names {
	const char *kernel_version;
	const char *hypervisor_file; /* NULL for guests */
};

/* For layers with a system on their disk: name, addresses, users, units, boot menu, guest configs,
 * the agent. Everything but the initramfs and the inner layers' images. */
int system_overlay(const char *stack_name, const struct layer *layer,
		   const struct boot_names *names, struct overlay *overlay, struct err *err);

/* For the small guest: what its initramfs holds besides busybox and modules. modules: file names in
 * the order of loading. */
int leaf_overlay(const struct layer *layer, const struct strv *modules, struct overlay *overlay,
		 struct err *err);

/* What the initramfs of a layer with a root file system holds besides busybox and modules. */
int root_initramfs_overlay(struct overlay *overlay, struct err *err);

/* grub.cfg and /etc/default/grub. */
int menu_overlay(const char *stack_name, const struct layer *layer, const struct boot_names *names,
		 struct overlay *overlay, struct err *err);

#define AGENT_PATH "/usr/lib/nestctl/nestctl-agent" /* where its unit looks */
#define AGENT_CONF "/etc/nestctl/agent.conf"

/* /etc/hostname and /etc/hosts. */
void host_names_overlay(const struct layer *layer, struct overlay *overlay);
/* /root/.ssh/authorized_keys; nothing for a layer without keys. */
void ssh_keys_overlay(const struct layer *layer, struct overlay *overlay);
/* /etc/nestctl/agent.conf. */
void agent_conf_overlay(const struct layer *layer, const struct strv *modules,
			struct overlay *overlay);
/* The same and the agent itself at agent_path. */
int agent_overlay(const struct layer *layer, const struct strv *modules, const char *agent_path,
		  struct overlay *overlay, struct err *err);
/* The systemd unit that starts it, enabled. */
int agent_unit_overlay(struct overlay *overlay, struct err *err);
/* The configs of the machines inside a host, by which its toolstack starts them. */
void guests_overlay(const char *stack_name, const struct layer *layer, struct overlay *overlay);
/* The extra files of the profile. */
void layer_files_overlay(const struct layer *layer, struct overlay *overlay);
