#include "plan/trees.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "base/fs.h"

struct tree {
	struct step *step;
	struct err damage;
};

struct trees {
	struct store *store; /* borrowed */
	struct tree *items;
	size_t count;
	pthread_t thread;
	bool at_work;
};

static void *verify(void *context)
{
	struct trees *trees = context;

	for (size_t i = 0; i < trees->count; i++) {
		struct tree *tree = &trees->items[i];

		if (tree->step->cached)
			store_verify(trees->store, "base", tree->step->key, &tree->damage);
	}
	return NULL;
}

static void verification_join(struct trees *trees)
{
	if (trees->at_work)
		pthread_join(trees->thread, NULL);
	trees->at_work = false;
}

static void tree_add(struct trees *trees, struct step *step)
{
	for (size_t i = 0; i < trees->count; i++)
		if (trees->items[i].step == step)
			return;
	trees->items = mem_grow(trees->items, trees->count + 1, sizeof *trees->items);
	trees->items[trees->count++] = (struct tree){ .step = step };
}

int trees_open(struct plan *plan, size_t first_compose, struct trees **ret_trees, struct err *err)
{
	CLEANUP(trees_cleanup) struct trees *trees = mem_alloc(sizeof *trees);

	trees->store = plan->store;
	for (size_t i = first_compose; i < plan->count; i++) {
		tree_add(trees, plan->steps[i]->base_step);
		if (plan->steps[i]->loader_step)
			tree_add(trees, plan->steps[i]->loader_step);
	}
	if (pthread_create(&trees->thread, NULL, verify, trees) != 0)
		return err_set(err, -EAGAIN, "no thread can be started to verify the base trees");
	trees->at_work = true;
	*ret_trees = take(&trees);
	return 0;
}

bool trees_damaged(struct trees *trees)
{
	bool damaged = false;

	verification_join(trees);
	for (size_t i = 0; i < trees->count; i++) {
		struct tree *tree = &trees->items[i];

		if (!tree->damage.text)
			continue;
		damaged = true;
		tree->step->cached = false;
		free(tree->step->damage);
		tree->step->damage = str_copy(tree->damage.text);
	}
	return damaged;
}

void trees_close(struct trees *trees)
{
	if (!trees)
		return;
	verification_join(trees);
	for (size_t i = 0; i < trees->count; i++)
		err_clear(&trees->items[i].damage);
	free(trees->items);
	free(trees);
}

void trees_cleanup(struct trees **trees)
{
	trees_close(*trees);
}
