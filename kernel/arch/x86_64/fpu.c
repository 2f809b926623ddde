/* Extended state (SDM 1, 13). Saved with XSAVEOPT, which skips what is in its initial state or was
 * not touched since it was loaded from the same area, in the standard format that signal frames
 * show; without XSAVE with FXSAVE. */
#include "arch/x86_64/context.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/entry.h"
#include "arch/x86_64/paging.h"
#include "core/memory.h"
#include "lib/errno.h"
#include "lib/string.h"

enum {
    FXSAVE_SIZE = 512,
    HEADER_SIZE = 64,
    LEGACY_STATES = 3, /* x87, SSE */
    AVX_STATE = 1 << 2,
    AVX512_STATES = 7 << 5, /* all three or none */
    CPUID_1_ECX_XSAVE = 1 << 26,
    CPUID_D_1_EAX_XSAVEOPT = 1 << 0,
    FCW_INITIAL = 0x37f,
    MXCSR_INITIAL = 0x1f80,
    MXCSR_MASK_DEFAULT = 0xffbf, /* where FXSAVE says 0 (SDM 1, 11.6.6) */
};

/* FXSAVE's 512 bytes and the header that XSAVE puts behind them (SDM 1, 10.5.1 and 13.4). */
struct area {
    uint16_t fcw, fsw;
    uint8_t ftw, reserved0;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t registers[FXSAVE_SIZE - 32];
    uint64_t xstate_bv, xcomp_bv, reserved[6];
};

static enum method { FXSAVE, XSAVE, XSAVEOPT } method __after_boot_readonly;
static uint64_t mask __after_boot_readonly_set = LEGACY_STATES;
static size_t area_size __after_boot_readonly_set = FXSAVE_SIZE;
static uint32_t mxcsr_mask __after_boot_readonly_set = MXCSR_MASK_DEFAULT;
/* The initial state. No more is read of an area with xstate_bv 0. */
static alignas(64) struct area initial = {.fcw = FCW_INITIAL, .mxcsr = MXCSR_INITIAL};

static void xsetbv(uint64_t value)
{
    asm volatile("xsetbv" : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static uint64_t usable_states(void)
{
    struct cpuid d = cpuid(0xd, 0);
    uint64_t supported = (uint64_t)d.edx << 32 | d.eax, states = LEGACY_STATES;

    if (supported & AVX_STATE) {
        states |= AVX_STATE;
        if ((supported & AVX512_STATES) == AVX512_STATES)
            states |= AVX512_STATES;
    }
    return states;
}

static __cold void find_method(void)
{
    alignas(16) struct area now;

    asm volatile("fxsave64 %0" : "=m"(now));
    if (now.mxcsr_mask)
        mxcsr_mask = now.mxcsr_mask;
    if (!(cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE))
        return;
    mask = usable_states();
    method = cpuid(0xd, 1).eax & CPUID_D_1_EAX_XSAVEOPT ? XSAVEOPT : XSAVE;
}

__cold void fpu_cpu_init(void)
{
    bool boot_cpu = this_cpu()->id == 0;

    if (boot_cpu)
        find_method();
    if (method != FXSAVE)
        xsetbv(mask);
    if (boot_cpu && method != FXSAVE)
        area_size = cpuid(0xd, 0).ebx; /* for what XCR0 has now */
    fpu_load(&initial);
}

size_t fpu_area_size(void)
{
    return area_size;
}

uint64_t fpu_mask(void)
{
    return mask;
}

#define MASK_OPERANDS "a"((uint32_t)mask), "d"((uint32_t)(mask >> 32))

void fpu_save(void *area)
{
    if (likely(method == XSAVEOPT))
        asm volatile("xsaveopt64 (%0)" : : "r"(area), MASK_OPERANDS : "memory");
    else if (method == XSAVE)
        asm volatile("xsave64 (%0)" : : "r"(area), MASK_OPERANDS : "memory");
    else
        asm volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

void fpu_load(const void *area)
{
    if (likely(method != FXSAVE))
        asm volatile("xrstor64 (%0)" : : "r"(area), MASK_OPERANDS : "memory");
    else
        asm volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

/* All components, whatever the processor knows about the area. */
static void save_whole(void *area)
{
    if (method != FXSAVE)
        asm volatile("xsave64 (%0)" : : "r"(area), MASK_OPERANDS : "memory");
    else
        asm volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

void *fpu_area_alloc(void)
{
    struct area *area = core_alloc(MAX(area_size, sizeof *area));

    if (!area)
        return NULL;
    area->fcw = FCW_INITIAL;
    area->mxcsr = MXCSR_INITIAL;
    return area;
}

void fpu_area_free(void *area)
{
    core_free(area);
}

void fpu_area_copy_current(void *area)
{
    save_whole(area);
}

void fpu_reset_current(void)
{
    fpu_load(&initial);
}

/* --- signal frames --- */

/* Each of these runs one instruction on program memory; true: it faulted. */

static bool zero_faults(uintptr_t dst, size_t words)
{
    bool faulted;

    asm volatile("1: rep stosq\n"
                 "   xor %%eax, %%eax\n"
                 "   jmp 3f\n"
                 "2: mov $1, %%eax\n"
                 "3:\n" FIXUP("1b", "2b")
                 : "=a"(faulted), "+D"(dst), "+c"(words)
                 : "a"(0)
                 : "memory", "cc");
    return faulted;
}

static bool copy_faults(void *dst, uintptr_t src, size_t bytes)
{
    size_t words = bytes / 8;
    bool faulted;

    asm volatile("1: rep movsq\n"
                 "   mov %%edx, %%ecx\n"
                 "2: rep movsb\n"
                 "   xor %%eax, %%eax\n"
                 "   jmp 4f\n"
                 "3: mov $1, %%eax\n"
                 "4:\n" FIXUP("1b", "3b") FIXUP("2b", "3b")
                 : "=a"(faulted), "+D"(dst), "+S"(src), "+c"(words)
                 : "d"(bytes % 8)
                 : "memory", "cc");
    return faulted;
}

static bool xsave_faults(uintptr_t area)
{
    bool faulted;
    uint64_t high = mask >> 32;

    asm volatile("1: xsave64 (%2)\n"
                 "   xor %%eax, %%eax\n"
                 "   jmp 3f\n"
                 "2: mov $1, %%eax\n"
                 "3:\n" FIXUP("1b", "2b")
                 : "=a"(faulted), "+d"(high)
                 : "r"(area), "a"((uint32_t)mask)
                 : "memory", "cc");
    return faulted;
}

static bool fxsave_faults(uintptr_t area)
{
    bool faulted;

    asm volatile("1: fxsave64 (%1)\n"
                 "   xor %%eax, %%eax\n"
                 "   jmp 3f\n"
                 "2: mov $1, %%eax\n"
                 "3:\n" FIXUP("1b", "2b")
                 : "=a"(faulted)
                 : "r"(area)
                 : "memory", "cc");
    return faulted;
}

static bool in_program_half(uintptr_t addr, size_t n)
{
    return addr < USER_END && n <= USER_END - addr;
}

/* A fault may sleep and so save and load the registers on the way: they are the same afterwards.
 * XSAVE leaves the reserved bytes of the header alone, so they are cleared first. */
int fpu_save_user(uintptr_t area)
{
    if (!in_program_half(area, area_size))
        return -EFAULT;
    if (!IS_ALIGNED(area, 64))
        return -EINVAL;
    if (method == FXSAVE)
        return fxsave_faults(area) ? -EFAULT : 0;
    if (zero_faults(area + FXSAVE_SIZE, HEADER_SIZE / 8) || xsave_faults(area))
        return -EFAULT;
    return 0;
}

/* Would XRSTOR or FXRSTOR refuse it (SDM 1, 13.8.1)? */
static bool refused(const struct area *area)
{
    uint64_t reserved = 0;

    if (area->mxcsr & ~mxcsr_mask)
        return true;
    if (method == FXSAVE)
        return false;
    for (unsigned i = 0; i < ARRAY_SIZE(area->reserved); i++)
        reserved |= area->reserved[i];
    return area->xstate_bv & ~mask || area->xcomp_bv || reserved;
}

int fpu_restore_user(uintptr_t from, size_t size)
{
    struct area *area;
    int error = 0;

    size = MIN(size, area_size);
    if (size < FXSAVE_SIZE || (size > FXSAVE_SIZE && size < sizeof(struct area)))
        return -EINVAL;
    if (!in_program_half(from, size))
        return -EFAULT;
    area = core_alloc(MAX(area_size, sizeof *area));
    if (!area)
        return -ENOMEM;
    if (copy_faults(area, from, size))
        error = -EFAULT;
    if (size == FXSAVE_SIZE)
        area->xstate_bv = LEGACY_STATES;
    if (!error && refused(area))
        error = -EINVAL;
    if (!error)
        fpu_load(area);
    core_free(area);
    return error;
}

/* --- debuggers --- */

enum { SW_RESERVED = 464 }; /* Linux says there which components the area has */

/* Where the registers of a component of the standard format are (SDM 1, 13.4.3). */
static void component_place(unsigned i, size_t *at, size_t *size)
{
    struct cpuid d = cpuid(0xd, i);

    *at = d.ebx;
    *size = d.eax;
}

__cold void fpu_area_show(const void *from, void *to)
{
    const struct area *area = from;
    struct area *out = to;
    uint64_t present = method == FXSAVE ? LEGACY_STATES : area->xstate_bv;
    size_t at, size;

    memcpy(out, area, area_size);
    if (!(present & 1)) {
        memset(out, 0, offsetof(struct area, mxcsr));
        memset(out->registers, 0, 128);
        out->fcw = FCW_INITIAL;
    }
    if (!(present & 2))
        memset(out->registers + 128, 0, 256);
    out->mxcsr_mask = mxcsr_mask;
    if (method == FXSAVE)
        return;
    memset((char *)to + SW_RESERVED, 0, FXSAVE_SIZE - SW_RESERVED);
    memcpy((char *)to + SW_RESERVED, &mask, sizeof(mask));
    out->xcomp_bv = 0;
    for (unsigned i = 2; i < 63; i++) {
        if (!(mask >> i & 1) || present >> i & 1)
            continue;
        component_place(i, &at, &size);
        memset((char *)to + at, 0, size);
    }
}

int fpu_area_set(void *to, const void *from, bool all)
{
    struct area *area = to;
    const struct area *in = from;

    if (all ? refused(in) : (in->mxcsr & ~mxcsr_mask) != 0)
        return -EINVAL;
    memcpy(area, in, all ? area_size : FXSAVE_SIZE);
    if (!all && method != FXSAVE)
        area->xstate_bv |= LEGACY_STATES;
    return 0;
}
