/* host/chart.h: the boot chart of the kernel's console as a drawing. */
#pragma once

#include <stddef.h>

/* The lines that the kernel has written ("osprey:  TIME +TIME  NAME", kernel/main.c) become an SVG
 * in `file`: the stages up to the program, and the kernel's steps. Says so where there are none, or
 * the file cannot be written; 0, or -1. */
int chart_write(const char *console, size_t size, const char *file);
