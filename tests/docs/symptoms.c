/* The symptom table as lines "symptom | cause | cure", to be compared with its page. */
#include <stdio.h>

#include "verify/symptom.h"

int main(void)
{
	const struct symptom *row;

	for (size_t i = 0; (row = symptom_at(i)); i++)
		printf("| %s | %s | %s |\n", row->symptom, row->cause, row->cure);
	return 0;
}
