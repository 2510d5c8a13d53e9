#include "plan/object.h"

int object_begin(struct plan *plan, const struct step *step, struct store_object *object,
		 bool *ret_exists, struct err *err)
{
	int r = step->again ? store_remove(plan->store, OBJECT_KIND, step->key, err) : 0;

	return r < 0 ? r
		     : store_begin(plan->store, OBJECT_KIND, step->key, object, ret_exists, err);
}
