/* drivers/clock/hypervisor.h: who runs us, and what it tells of clocks (CPUID leaves from
 * 0x40000000 on). Pure: CPUID and MSRs come through functions. */
#pragma once

#include "arch/x86_64/cpu.h"

struct hypervisor {
    bool present, counts_ns;    /* counts_ns: its local APIC timer runs at 1 GHz (QEMU, KVM) */
    uint32_t tsc_khz, apic_khz; /* 0: not told */
    const char *name;           /* of one whose own devices we have no drivers for; or NULL */
};
struct hypervisor hypervisor_ask(struct cpuid (*ask)(uint32_t leaf, uint32_t subleaf),
                                 uint64_t (*read_msr)(uint32_t msr));
