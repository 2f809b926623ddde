/* fs/proc_cpu.c: /proc/cpuinfo as Linux prints it (SDM 2A, CPUID). */
#include "core/boot.h"
#include "core/cpu.h"
#include "fs/procfs.h"
#include "lib/string.h"

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static struct cpuid cpuid(uint32_t leaf, uint32_t sub)
{
    struct cpuid r;
    asm volatile("cpuid"
                 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                 : "a"(leaf), "c"(sub));
    return r;
}

/* Linux's names by register and bit, blank-separated; "-" where a bit has none. */
static const char leaf1_edx[] = "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov "
                                "pat pse36 pn clflush - dts acpi "
                                "mmx fxsr sse sse2 ss ht tm ia64 pbe";
static const char leaf1_ecx[] =
    "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid "
    "dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand "
    "hypervisor";
static const char ext_edx[] = "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - "
                              "fxsr_opt pdpe1gb rdtscp - lm 3dnowext 3dnow";
static const char ext_ecx[] =
    "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop "
    "skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb - bpext ptsc "
    "perfctr_llc mwaitx - -";
static const char leaf7_ebx[] =
    "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a avx512f "
    "avx512dq rdseed adx smap avx512ifma - clflushopt clwb intel_pt avx512pf avx512er avx512cd "
    "sha_ni avx512bw avx512vl";
static const char leaf7_ecx[] =
    "- avx512vbmi umip pku ospke waitpkg avx512_vbmi2 - gfni vaes vpclmulqdq avx512_vnni "
    "avx512_bitalg tme avx512_vpopcntdq - la57 - - - - - rdpid - bus_lock_detect cldemote - "
    "movdiri "
    "movdir64b enqcmd sgx_lc -";
static const char leaf7_edx[] =
    "- - avx512_4vnniw avx512_4fmaps fsrm - - - avx512_vp2intersect - md_clear - - - serialize - "
    "tsxldtrk pconfig arch_lbr ibt - amx_bf16 avx512_fp16 amx_tile amx_int8 - - flush_l1d "
    "arch_capabilities - -";
static const char leafd_eax[] = "xsaveopt xsavec xgetbv1 xsaves";

static void show_bits(struct text *text, const char *names, uint32_t bits)
{
    for (; *names; bits >>= 1) {
        const char *end = strchr(names, ' ');
        size_t len = end ? (size_t)(end - names) : strlen(names);
        if (bits & 1 && *names != '-') {
            text_printf(text, " ");
            text_put(text, names, len);
        }
        names += len + (end != NULL);
    }
}

static void show_flags(struct text *text, uint32_t max, uint32_t max_ext)
{
    struct cpuid one = cpuid(1, 0), ext = {}, seven = {}, power = {}, save = {};
    if (max_ext >= 0x80000001)
        ext = cpuid(0x80000001, 0);
    if (max_ext >= 0x80000007)
        power = cpuid(0x80000007, 0);
    if (max >= 7)
        seven = cpuid(7, 0);
    if (max >= 0xd && one.ecx >> 26 & 1)
        save = cpuid(0xd, 1);
    text_printf(text, "flags\t\t:");
    show_bits(text, leaf1_edx, one.edx);
    show_bits(text, ext_edx, ext.edx);
    text_printf(text, " constant_tsc rep_good nopl");
    if (power.edx >> 8 & 1)
        text_printf(text, " nonstop_tsc");
    text_printf(text, " cpuid");
    show_bits(text, leaf1_ecx, one.ecx);
    show_bits(text, ext_ecx, ext.ecx);
    show_bits(text, leaf7_ebx, seven.ebx);
    show_bits(text, leafd_eax, save.eax);
    show_bits(text, leaf7_ecx, seven.ecx);
    show_bits(text, leaf7_edx, seven.edx);
    text_printf(text, "\n");
}

static void show_names(struct text *text, uint32_t max_ext)
{
    struct cpuid zero = cpuid(0, 0), one = cpuid(1, 0);
    uint32_t family = one.eax >> 8 & 15, model = one.eax >> 4 & 15;
    char vendor[13], brand[49] = "unknown";
    memcpy(vendor, &zero.ebx, 4);
    memcpy(vendor + 4, &zero.edx, 4);
    memcpy(vendor + 8, &zero.ecx, 4);
    vendor[12] = 0;
    if (family >= 6)
        model |= one.eax >> 12 & 0xf0;
    if (family == 15)
        family += one.eax >> 20 & 0xff;
    if (max_ext >= 0x80000004) {
        for (unsigned i = 0; i < 3; i++) {
            struct cpuid part = cpuid(0x80000002 + i, 0);
            memcpy(brand + 16 * i, &part, 16);
        }
        brand[48] = 0;
    }
    const char *name = brand;
    while (*name == ' ')
        name++;
    text_printf(text, "vendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\n",
                vendor, family, model, name);
    text_printf(text, "stepping\t: %u\nmicrocode\t: 0x1\n", one.eax & 15);
}

/* Of the time-stamp counter, in kHz; 0: not known. */
static uint64_t tsc_khz(void)
{
    uint64_t mult = clock_data ? clock_data->mult : 0;
    return mult ? (1000000ull << clock_data->shift) / mult : 0;
}

static void show_cpu(struct text *text, unsigned id)
{
    uint32_t max = cpuid(0, 0).eax, max_ext = cpuid(0x80000000, 0).eax;
    uint32_t clflush = (cpuid(1, 0).ebx >> 8 & 0xff) * 8;
    uint32_t sizes = max_ext >= 0x80000008 ? cpuid(0x80000008, 0).eax : 0x3024;
    uint64_t khz = tsc_khz();
    text_printf(text, "processor\t: %u\n", id);
    show_names(text, max_ext);
    text_printf(text, "cpu MHz\t\t: %lu.%03lu\n", khz / 1000, khz % 1000);
    text_printf(text, "cache size\t: %u KB\n",
                max_ext >= 0x80000006 ? cpuid(0x80000006, 0).ecx >> 16 : 0);
    text_printf(text, "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n", ncpus,
                id, ncpus);
    text_printf(text, "apicid\t\t: %u\ninitial apicid\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\n",
                cpus[id]->apic_id, cpus[id]->apic_id);
    text_printf(text, "cpuid level\t: %u\nwp\t\t: yes\n", max);
    show_flags(text, max, max_ext);
    text_printf(text, "bugs\t\t:\nbogomips\t: %lu.%02lu\n", khz / 500, khz / 5 % 100);
    text_printf(text, "clflush size\t: %u\ncache_alignment\t: %u\n", clflush, clflush);
    text_printf(text, "address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n",
                sizes & 0xff, sizes >> 8 & 0xff);
}

static int show_cpuinfo(struct text *text, const struct pseudo *self)
{
    for (unsigned i = 0; i < ncpus; i++)
        if (atomic_load_explicit(&cpus[i]->online, memory_order_relaxed))
            show_cpu(text, i);
    return 0;
}

static struct pseudo_entry cpuinfo = PSEUDO_FILE("cpuinfo", show_cpuinfo);

static int start(void)
{
    proc_register(&cpuinfo);
    return 0;
}
BOOT_STEP(PHASE_BUS, "proc cpuinfo", start);
