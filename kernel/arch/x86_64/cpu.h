/* arch/x86_64/cpu.h: instructions of this processor as functions. Any context. */
#pragma once

#include "lib/types.h"

enum {
    MSR_APIC_BASE = 0x1b,
    MSR_TSC_ADJUST = 0x3b,
    MSR_TSC_DEADLINE = 0x6e0,
    MSR_PAT = 0x277,
    MSR_EFER = 0xc0000080,
    MSR_STAR = 0xc0000081,
    MSR_LSTAR = 0xc0000082,
    MSR_FMASK = 0xc0000084,
    MSR_FS_BASE = 0xc0000100,
    MSR_GS_BASE = 0xc0000101,
    MSR_TSC_AUX = 0xc0000103,
};
enum { EFER_SCE = 1, EFER_LME = 0x100, EFER_LMA = 0x400, EFER_NXE = 0x800 };
enum { KERNEL_CS = 0x08, KERNEL_SS = 0x10, TSS_SELECTOR = 0x18, CPU_SELECTOR = 0x28 };

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
    asm volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}
static inline uint64_t rdtsc(void)
{
    uint32_t low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};
static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r;
    asm volatile("cpuid"
                 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                 : "a"(leaf), "c"(subleaf));
    return r;
}

#define CPU_REGISTER(name)                                                                         \
    static inline uint64_t read_##name(void)                                                       \
    {                                                                                              \
        uint64_t v;                                                                                \
        asm volatile("mov %%" #name ", %0" : "=r"(v));                                             \
        return v;                                                                                  \
    }                                                                                              \
    static inline void write_##name(uint64_t v)                                                    \
    {                                                                                              \
        asm volatile("mov %0, %%" #name : : "r"(v) : "memory");                                    \
    }
CPU_REGISTER(cr0)
CPU_REGISTER(cr2)
CPU_REGISTER(cr3)
CPU_REGISTER(cr4)
#undef CPU_REGISTER

static inline void outb(uint16_t port, uint8_t v)
{
    asm volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}
static inline uint8_t inb(uint16_t port)
{
    uint8_t v;
    asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline void outw(uint16_t port, uint16_t v)
{
    asm volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}
static inline uint16_t inw(uint16_t port)
{
    uint16_t v;
    asm volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline void outl(uint16_t port, uint32_t v)
{
    asm volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}
static inline uint32_t inl(uint16_t port)
{
    uint32_t v;
    asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

/* n words from or to a port. */
static inline void insw(uint16_t port, void *to, uint64_t n)
{
    asm volatile("rep insw" : "+D"(to), "+c"(n) : "d"(port) : "memory");
}
static inline void outsw(uint16_t port, const void *from, uint64_t n)
{
    asm volatile("rep outsw" : "+S"(from), "+c"(n) : "d"(port) : "memory");
}

static inline void cpu_pause(void)
{
    asm volatile("pause");
}

/* Process-context identifiers: not where INVLPG may then leave global translations behind, an
 * erratum of hybrid processors. */
static inline bool cpu_has_pcid(void)
{
    bool hybrid = cpuid(0, 0).eax >= 7 && cpuid(7, 0).edx & 1 << 15;
    return cpuid(1, 0).ecx & 1 << 17 && !hybrid;
}

/* A random word from RDSEED or RDRAND; false: neither is there, or it had none just now. */
static inline bool cpu_random(uint64_t *v)
{
    bool ok = false;
    if (cpuid(0, 0).eax >= 7 && cpuid(7, 0).ebx & 1 << 18)
        asm volatile("rdseed %0; setc %1" : "=r"(*v), "=qm"(ok) : : "cc");
    if (!ok && cpuid(1, 0).ecx & 1 << 30)
        asm volatile("rdrand %0; setc %1" : "=r"(*v), "=qm"(ok) : : "cc");
    return ok;
}
