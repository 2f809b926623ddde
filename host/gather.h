/* host/gather.h: from the options to an image that runs the program. */
#pragma once

#include "cache.h"
#include "options.h"

/* Work out what PROGRAM needs and make the image, or find both in the cache. Ends the command with
 * one line when the program cannot be run (126, 127) or the image not be made (125). */
void gather_run(const struct options *options, struct plan *plan);

/* The same into the file that the options name, with the command line inside. */
void gather_build(const struct options *options);

/* The words of the kernel's command line that concern the program: environment, working folder,
 * user; then, after "--", its arguments. `plan` NULL: what an image's own command line is to be
 * overridden by. */
void gather_words(const struct options *options, const struct plan *plan, struct text *before,
                  struct text *after);
