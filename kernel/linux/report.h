/* linux/report.h: what the program was doing, on the console: who, registers, the mappings at the
 * places that matter, a backtrace with names.
 *
 * For a panic (report.c serves panic_program_hook) in any context: it takes no lock, sleeps never
 * and looks only at what lies in memory, after a look into the page tables. */
#pragma once

#include "arch/x86_64/regs.h"

/* The current task dies of a fault at addr: the long form, if somebody wants it (the word `report`,
 * or loglevel=7 and above). From the task itself, interrupts on. */
void report_death(const struct regs *regs, uint64_t addr);
