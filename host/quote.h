/* host/quote.h: words written so that another parser reads them back unchanged. */
#pragma once

#include "text.h"

/* Append one word in the syntax of the kernel's command line (docs/host-guest.md), with a blank
 * before it unless the text is empty. */
void quote_kernel(struct text *line, const char *word);

/* The same in the syntax of a POSIX shell. */
void quote_shell(struct text *line, const char *word);
