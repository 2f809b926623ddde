#include "mm/pcid.h"

void pcid_leave(struct pcid_cpu *cpu, uint64_t generation)
{
    if (cpu->loaded)
        cpu->kept[cpu->loaded - 1].generation = generation;
    cpu->loaded = 0;
}

uint64_t pcid_enter(struct pcid_cpu *cpu, uint64_t space, uint64_t generation)
{
    uint64_t keep = PCID_KEEP;
    unsigned i = 0;

    while (i < PCIDS && cpu->kept[i].space != space)
        i++;
    if (i == PCIDS) {
        i = cpu->next++ % PCIDS;
        cpu->kept[i].space = space;
        keep = 0;
    } else if (cpu->kept[i].generation != generation) {
        keep = 0;
    }
    cpu->kept[i].generation = generation;
    cpu->loaded = i + 1;
    return cpu->loaded | keep;
}
