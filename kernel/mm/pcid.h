/* mm/pcid.h: translations that a CPU keeps under a number while it runs other address spaces (SDM
 * 3A 4.10.1, process-context identifiers).
 *
 * Each CPU has a few numbers of its own and remembers whose translations lie under each, and up to
 * which flush of that space they are right. Nobody interrupts a CPU for a space that it does not
 * run: a space that comes back and has been flushed meanwhile loses what was kept. Pure; interrupts
 * off.
 */
#pragma once

#include "lib/types.h"

enum { PCIDS = 8 }; /* as many as are worth the search; number 0 is for what is not kept */
#define PCID_KEEP (1ull << 63) /* in CR3: drop nothing (SDM 3A 4.10.4.1) */

struct pcid_cpu {
    struct {
        uint64_t space, generation; /* struct address_space.number (0: none), flushes seen */
    } kept[PCIDS];
    unsigned loaded; /* the number in CR3 */
    unsigned next;   /* whose turn it is to be given away */
    bool enabled;    /* CR4.PCIDE */
};

/* The space in CR3 goes; its translations are right up to this flush. */
void pcid_leave(struct pcid_cpu *cpu, uint64_t generation);
/* The space, whose last flush had this number, comes: the bits for CR3 beside its table. */
uint64_t pcid_enter(struct pcid_cpu *cpu, uint64_t space, uint64_t generation);
