#include "compose/loader_job.h"

#include <errno.h>
#include <pthread.h>

#include "base/str.h"

struct loader_job {
	const struct bootloader *loader;
	char *root_uuid;
	pthread_t thread;
	bool at_work;
	char *data;
	size_t length;
	int r;
	struct err err;
};

static void *prepare(void *context)
{
	struct loader_job *job = context;

	job->r = job->loader->prepare(job->root_uuid, &job->data, &job->length, &job->err);
	return NULL;
}

static void job_join(struct loader_job *job)
{
	if (job->at_work)
		pthread_join(job->thread, NULL);
	job->at_work = false;
}

int loader_job_begin(const struct bootloader *loader, const char *root_uuid,
		     struct loader_job **ret_job, struct err *err)
{
	CLEANUP(loader_job_cleanup) struct loader_job *job = mem_alloc(sizeof *job);

	job->loader = loader;
	job->root_uuid = str_copy(root_uuid);
	if (loader->prepare && pthread_create(&job->thread, NULL, prepare, job) != 0)
		return err_set(err, -EAGAIN, "no thread can be started to prepare the boot loader");
	job->at_work = loader->prepare != NULL;
	*ret_job = take(&job);
	return 0;
}

int loader_job_wait(struct loader_job *job, struct boot_part *ret_prepared, struct err *err)
{
	job_join(job);
	if (job->r < 0)
		return err_set(err, job->r, "%s", job->err.text);
	*ret_prepared = (struct boot_part){ job->data, job->length };
	return 0;
}

void loader_job_free(struct loader_job *job)
{
	if (!job)
		return;
	job_join(job);
	err_clear(&job->err);
	free(job->data);
	free(job->root_uuid);
	free(job);
}

void loader_job_cleanup(struct loader_job **job)
{
	loader_job_free(*job);
}
