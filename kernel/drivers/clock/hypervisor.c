#include "drivers/clock/hypervisor.h"

#include "lib/string.h"

enum {
    FIRST_LEAF = 0x40000000,
    TIMING_LEAF = 0x40000010, /* VMware's, which KVM and QEMU have, too: kHz of TSC and APIC */
    XEN_LAST = 0x40010000,    /* its leaves move up by 0x100 where it shows those of Hyper-V, too */
    HYPERV_FREQUENCIES =
        1 << 11, /* in leaf 0x40000003: it has the MSRs (Hyper-V TLFS 6.0b, 2.4.4) */
    HYPERV_TSC_HZ = 0x40000022,
    HYPERV_APIC_HZ = 0x40000023,
    CPUID_1_ECX_HYPERVISOR = (int)(1u << 31)
};

static bool named(struct cpuid id, const char *name)
{
    return !memcmp(&id.ebx, name, 4) && !memcmp(&id.ecx, name + 4, 4) &&
           !memcmp(&id.edx, name + 8, 4);
}

struct hypervisor hypervisor_ask(struct cpuid (*ask)(uint32_t, uint32_t),
                                 uint64_t (*read_msr)(uint32_t))
{
    struct hypervisor h = {.present = ask(1, 0).ecx & CPUID_1_ECX_HYPERVISOR};
    if (!h.present)
        return h;
    struct cpuid id = ask(FIRST_LEAF, 0);
    h.counts_ns = named(id, "TCGTCGTCGTCG") || named(id, "KVMKVMKVM\0\0");
    if (named(id, "Microsoft Hv")) {
        h.name = "Hyper-V";
        if (id.eax >= FIRST_LEAF + 3 && ask(FIRST_LEAF + 3, 0).eax & HYPERV_FREQUENCIES) {
            h.tsc_khz = read_msr(HYPERV_TSC_HZ) / 1000;
            h.apic_khz = read_msr(HYPERV_APIC_HZ) / 1000;
        }
    } else if (id.eax >= TIMING_LEAF && id.eax < FIRST_LEAF + 0x100) {
        id = ask(TIMING_LEAF, 0);
        h.tsc_khz = id.eax;
        h.apic_khz = id.ebx;
    }
    /* Only where something answers: what is beyond the highest leaf shows that of another. */
    for (uint32_t leaf = FIRST_LEAF; leaf < FIRST_LEAF + 0x200; leaf += 0x100)
        if (named(id = ask(leaf, 0), "XenVMMXenVMM") && id.eax >= leaf + 2 && id.eax < XEN_LAST) {
            h.name = "Xen";
            if (id.eax >= leaf + 3)
                h.tsc_khz = ask(leaf + 3, 0).ecx;
        }
    return h;
}
