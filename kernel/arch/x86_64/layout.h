/* arch/x86_64/layout.h: sizes that the assembler needs too. The sanitizer's build, with room around
 * variables and a check before each access, says others (Makefile). */
#pragma once

#ifndef KSTACK_BYTES
#define KSTACK_BYTES 16384 /* of a kernel stack */
#endif
/* Holds the address of struct clock_data, behind the vDSO at the start of the image
 * (boot/kernel.ld). */
#define CLOCK_PAGE_WORD 0xffffffff801009c0
#ifndef IMAGE_TABLES
#define IMAGE_TABLES 2 /* of 2 MiB each: what the first page tables map of the image */
#endif
