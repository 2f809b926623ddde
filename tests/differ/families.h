/* families.h: the families and their calls, by file. */
#pragma once

#include "differ.h"

bool files_setup(void); /* names.c: a small tree, a few open files */
void files_setup_again(void);
bool descriptors_setup(void);
extern const struct op names_ops[], data_ops[], descriptors_ops[];
