// sources: kernel/drivers/clock/hypervisor.c
// flags: -Ikernel
/* Who runs us, by CPUID leaves as each of them shows them. */
#include "drivers/clock/hypervisor.h"
#include <stdio.h>
#include <string.h>

struct leaf {
    uint32_t leaf, eax, ebx, ecx, edx;
    const char *name;
};
static const struct leaf *leaves;
static unsigned asked_msrs;
static int failures;

static struct cpuid ask(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid id = {0x16, 1, 2, 3}; /* beyond the highest: that of another leaf */
    for (const struct leaf *l = leaves; l->leaf; l++)
        if (l->leaf == leaf && !subleaf) {
            id = (struct cpuid){l->eax, l->ebx, l->ecx, l->edx};
            if (l->name) {
                memcpy(&id.ebx, l->name, 4);
                memcpy(&id.ecx, l->name + 4, 4);
                memcpy(&id.edx, l->name + 8, 4);
            }
        }
    return id;
}

static uint64_t read_msr(uint32_t msr)
{
    asked_msrs++;
    return msr == 0x40000022 ? 2100000000 : msr == 0x40000023 ? 200000000 : 0;
}

static void is(const char *test, const struct leaf *machine, const char *name, uint32_t tsc,
               uint32_t apic)
{
    leaves = machine;
    struct hypervisor h = hypervisor_ask(ask, read_msr);
    bool same = name ? h.name && !strcmp(h.name, name) : !h.name;
    bool right = same && h.tsc_khz == tsc && h.apic_khz == apic;
    printf("%s - %s\n", right ? "ok" : "not ok", test);
    failures += !right;
}

int main(void)
{
    enum { ON = (int)0x80000000 };
    static const struct leaf bare[] = {{1, 0, 0, 0, 0, NULL}, {}};
    static const struct leaf kvm[] = {
        {1, 0, 0, ON, 0, NULL}, {0x40000000, 0x40000001, 0, 0, 0, "KVMKVMKVM\0\0"}, {}};
    static const struct leaf vmware[] = {{1, 0, 0, ON, 0, NULL},
                                         {0x40000000, 0x40000010, 0, 0, 0, "VMwareVMware"},
                                         {0x40000010, 2000000, 66000, 0, 0, NULL},
                                         {}};
    static const struct leaf hyperv[] = {{1, 0, 0, ON, 0, NULL},
                                         {0x40000000, 0x4000000b, 0, 0, 0, "Microsoft Hv"},
                                         {0x40000003, 1 << 11, 0, 0, 0, NULL},
                                         {}};
    static const struct leaf old_hyperv[] = {{1, 0, 0, ON, 0, NULL},
                                             {0x40000000, 0x40000005, 0, 0, 0, "Microsoft Hv"},
                                             {0x40000003, 0, 0, 0, 0, NULL},
                                             {}};
    static const struct leaf xen[] = {{1, 0, 0, ON, 0, NULL},
                                      {0x40000000, 0x40000005, 0, 0, 0, "XenVMMXenVMM"},
                                      {0x40000003, 0, 0, 2600000, 0, NULL},
                                      {}};
    static const struct leaf xen_as_hyperv[] = {{1, 0, 0, ON, 0, NULL},
                                                {0x40000000, 0x40000006, 0, 0, 0, "Microsoft Hv"},
                                                {0x40000003, 0, 0, 0, 0, NULL},
                                                {0x40000100, 0x40000105, 0, 0, 0, "XenVMMXenVMM"},
                                                {0x40000103, 0, 0, 2500000, 0, NULL},
                                                {}};
    static const struct leaf garbage[] = {{1, 0, 0, ON, 0, NULL}, {}};

    is("no hypervisor", bare, NULL, 0, 0);
    is("KVM", kvm, NULL, 0, 0);
    is("VMware tells its clocks", vmware, NULL, 2000000, 66000);
    is("Hyper-V tells them in MSRs", hyperv, "Hyper-V", 2100000, 200000);
    asked_msrs = 0;
    is("an old Hyper-V has no such MSRs", old_hyperv, "Hyper-V", 0, 0);
    printf("%s - and is not asked for them\n", asked_msrs ? "not ok" : "ok");
    is("Xen", xen, "Xen", 2600000, 0);
    is("Xen that shows Hyper-V's leaves, too", xen_as_hyperv, "Xen", 2500000, 0);
    is("the bit, and garbage in the leaves (BitVisor)", garbage, NULL, 0, 0);
    return failures != 0 || asked_msrs;
}
