#include "net/mib.h"

#include "mm/heap.h"

#define NAME(group, name, id) #group "\0" #name "\0"
const char mib_names[] = MIB_LIST(NAME);

static uint64_t without_memory[MIB_COUNT]; /* shared: may miss some */

uint64_t *mib_make(void)
{
    uint64_t *counters = kzalloc(MIB_COUNT * sizeof(*counters)), *none = NULL;
    struct cpu *cpu = this_cpu();

    if (!counters)
        return without_memory;
    /* An interrupt may have done the same. */
    if (!__atomic_compare_exchange_n(&cpu->mib, &none, counters, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        kfree(counters);
        counters = none;
    }
    return counters;
}

uint64_t mib_sum(enum mib which)
{
    uint64_t sum = without_memory[which];

    for (unsigned i = 0; i < ncpus; i++)
        if (cpus[i] && __atomic_load_n(&cpus[i]->mib, __ATOMIC_ACQUIRE))
            sum += cpus[i]->mib[which];
    return sum;
}
