/* host/run.h: `osprey run`. */
#pragma once

#include "options.h"

/* Run what the options ask for; the status of the command. */
int run(struct options *options);
