/* memory.h: what the calls of the memory family share. All their areas lie in the arena, whose
 * pages are shown by number; what the kernel puts elsewhere is shown as that and given back. */
#pragma once

#include "families.h"

enum { PAGE = 4096, PAGES = 48, AROUND = 1024, SHARED = 4 };

#define ARENA ((char *)0x100000000000)

extern int shared_ids[SHARED]; /* System V segments */

char *place(void);                     /* an argument: somewhere in the arena, seldom elsewhere */
size_t extent(void);                   /* an argument: some pages; at times odd, 0, far too long */
void end_place(long result, size_t n); /* end() of a call that answers with an address */
void show_place(const void *at);
/* Whether n bytes at `at` are the file's, and overlap the n at the offset. */
bool shows(const char *at, int fd, long offset, size_t n);
void clear_arena(void);
void show_arena(bool numbers); /* areas; numbers: what smaps says of them as well */
