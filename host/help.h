/* host/help.h: what `osprey help` and `osprey version` print. */
#pragma once

#include <stdbool.h>

/* Print the help on a subcommand, or the overview for NULL. False if there is no such one. */
bool help(const char *topic);

void print_version(void);
