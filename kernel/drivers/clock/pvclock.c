/* KVM's clock (Documentation/virt/kvm/x86/msr.rst). It is asked at boot, for the frequency of the
 * TSC and for the time of day, and then turned off: time itself is read from the TSC, by programs
 * too. */

#include "drivers/clock/pvclock.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/memory_map.h"
#include "lib/string.h"

enum { SIGNATURE_LEAF = 0x40000000, FEATURES_LEAF = 0x40000001, FEATURE_CLOCK = 1 << 3 };
enum { MSR_WALL_CLOCK = 0x4b564d00, MSR_SYSTEM_TIME = 0x4b564d01, SYSTEM_TIME_ENABLE = 1 };
enum { TRIES = 1000 };
#define HYPERVISOR (1u << 31) /* CPUID 1, ECX */

static bool offered(void)
{
    char name[13] = "";
    if (!(cpuid(1, 0).ecx & HYPERVISOR))
        return false;
    struct cpuid id = cpuid(SIGNATURE_LEAF, 0);
    memcpy(name, &id.ebx, 4);
    memcpy(name + 4, &id.ecx, 4);
    memcpy(name + 8, &id.edx, 4);
    return strcmp(name, "KVMKVMKVM") == 0 && (id.eax == 0 || id.eax >= FEATURES_LEAF) &&
           cpuid(FEATURES_LEAF, 0).eax & FEATURE_CLOCK;
}

/* Copy what the host writes, whole. Acquire: the version is read before and after all else. */
static bool copy(const void *from, void *to, size_t n)
{
    const _Atomic uint32_t *version = from;
    for (unsigned i = 0; i < TRIES; i++) {
        uint32_t before = atomic_load_explicit(version, memory_order_acquire);
        memcpy(to, from, n);
        atomic_thread_fence(memory_order_acquire);
        if (before && !(before & 1) &&
            atomic_load_explicit(version, memory_order_relaxed) == before)
            return true;
    }
    return false;
}

static bool read_clock(struct pvclock *clock)
{
    static struct pvclock shared __attribute__((aligned(64)));
    wrmsr(MSR_SYSTEM_TIME, virt_to_phys(&shared) | SYSTEM_TIME_ENABLE);
    bool read = copy(&shared, clock, sizeof(*clock));
    wrmsr(MSR_SYSTEM_TIME, 0);
    return read;
}

uint64_t pvclock_tsc_hz(void)
{
    struct pvclock clock;
    return offered() && read_clock(&clock) ? pvclock_hz(clock.multiplier, clock.shift) : 0;
}

uint64_t pvclock_wall_ns(void)
{
    static struct pvclock_wall shared __attribute__((aligned(64)));
    struct pvclock_wall wall;
    struct pvclock clock;
    if (!offered() || !read_clock(&clock))
        return 0;
    wrmsr(MSR_WALL_CLOCK, virt_to_phys(&shared));
    if (!copy(&shared, &wall, sizeof(wall)))
        return 0;
    uint64_t since = clock.ns + pvclock_ns(rdtsc() - clock.tsc, clock.multiplier, clock.shift);
    return wall.seconds * 1000000000ull + wall.ns + since;
}
