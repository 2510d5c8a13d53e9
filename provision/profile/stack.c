#include "profile/stack.h"

#include "profile/yaml.h"

static void partitions_free(struct disk_spec *disk)
{
	for (size_t i = 0; i < disk->partition_count; i++) {
		free(disk->partitions[i].label);
		free(disk->partitions[i].mount_point);
	}
	free(disk->partitions);
	free(disk->extra.bytes);
}

static void files_free(struct layer *layer)
{
	for (size_t i = 0; i < layer->file_count; i++) {
		free(layer->files[i].path);
		free(layer->files[i].content);
		free(layer->files[i].source);
	}
	free(layer->files);
}

static void layer_free(struct layer *layer)
{
	char *texts[] = { layer->name,
			  layer->release,
			  layer->mirror,
			  layer->keyring,
			  layer->machine.mac,
			  layer->hypervisor_args,
			  layer->kernel_args,
			  layer->host_name,
			  layer->domain,
			  layer->locale,
			  layer->time_zone,
			  layer->keymap,
			  layer->network.bridge,
			  layer->network.address,
			  layer->network.gateway,
			  layer->root_password_hash,
			  layer->install.medium,
			  layer->install.sha256,
			  layer->install.kernel_args };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free(texts[i]);
	strv_done(&layer->packages);
	strv_done(&layer->groups);
	strv_done(&layer->services);
	strv_done(&layer->network.dns);
	strv_done(&layer->network.routes);
	strv_done(&layer->ssh_keys);
	strv_done(&layer->guest_config_lines);
	partitions_free(&layer->disk);
	files_free(layer);
	free(layer->inner);
	node_free(layer->map);
	free(layer);
}

void stack_free(struct stack *stack)
{
	if (!stack)
		return;
	for (size_t i = 0; i < stack->layer_count; i++)
		layer_free(stack->layers[i]);
	free(stack->layers);
	free(stack->name);
	free(stack->own_name);
	free(stack->path);
	strv_done(&stack->sources);
	free(stack);
}

void stack_cleanup(struct stack **stack)
{
	stack_free(*stack);
}

bool layer_is_installed(const struct layer *layer)
{
	return layer->install.medium && *layer->install.medium;
}

size_t disk_partition_at(const struct disk_spec *disk, const char *mount_point)
{
	size_t index = 0;

	while (index < disk->partition_count &&
	       !str_equal(disk->partitions[index].mount_point, mount_point))
		index++;
	return index;
}
