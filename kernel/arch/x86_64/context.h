/* arch/x86_64/context.h: switching threads, extended state, and the way into the program. */
#pragma once

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/regs.h"
#include "core/thread.h"

/* Once on each CPU, before it runs threads: CR0, CR4 and XCR0 for extended state (all user
 * components but MPX, PKRU and AMX) and FSGSBASE, as the boot CPU found them; registers initial. */
void cpu_features_init(void);

/* Lay out a new thread's kernel stack so that the first switch to it calls start(). */
void context_init(struct thread *thread, void (*start)(void));

/* Extended state (FPU, SSE, AVX, ...): size in bytes of a save area, the XCR0 mask in use (3 where
 * there is no XSAVE; the area is FXSAVE's 512 bytes then). */
size_t fpu_area_size(void);
uint64_t fpu_mask(void);
/* A fresh area in the state that Linux gives a new program; the current registers copied for a
 * clone. NULL: no memory. */
void *fpu_area_alloc(void);
void fpu_area_free(void *area);
void fpu_area_copy_current(void *area);
/* Between the live registers of the current thread and a (standard-format XSAVE or FXSAVE) area in
 * program memory, for signal frames. 0 or -EFAULT, -EINVAL for a header that the CPU would refuse
 * or, when saving, an address that is not aligned to 64 bytes. size: 512 for an area without XSAVE
 * header (what it lacks becomes initial). On failure the registers stay as they are. */
int fpu_save_user(uintptr_t area);
int fpu_restore_user(uintptr_t area, size_t size);
/* The area of a thread that is off its CPU, with the initial values of what the processor did not
 * bother to save, as Linux shows it to debuggers: out holds fpu_area_size() bytes. */
enum { FPU_LEGACY_SIZE = 512 };
void fpu_area_show(const void *area, void *out);
/* The other way round: all of it, or the first FPU_LEGACY_SIZE bytes. -EINVAL for what the
 * processor would refuse; nothing is changed then. */
int fpu_area_set(void *area, const void *from, bool all);
/* Back to the initial state (execve). */
void fpu_reset_current(void);

/* Start running the program with these registers on the current thread; its kernel stack starts
 * anew. (trap.c) */
__noreturn void program_enter(const struct regs *regs);

/* The current thread's FS base, which the program uses for its thread-local storage. */
extern bool has_fsgsbase;
static inline uint64_t fs_base_get(void)
{
    uint64_t base;

    if (unlikely(!has_fsgsbase))
        return rdmsr(MSR_FS_BASE);
    asm volatile("rdfsbase %0" : "=r"(base));
    return base;
}
static inline void fs_base_set(uint64_t base)
{
    if (unlikely(!has_fsgsbase))
        wrmsr(MSR_FS_BASE, base);
    else
        asm volatile("wrfsbase %0" : : "r"(base));
}
/* A GS base for a thread that is current or stands: it goes back to its program by program_resume
 * (the caller posts work). The first one that is not 0 changes the ways into the kernel on all CPUs
 * for good; the stubs of its space must lead to syscall_entry_gs already. gs_base_possible(): the
 * processor can (FSGSBASE). */
bool gs_base_possible(void);
void gs_base_set(struct thread *thread, uint64_t base);
/* On a CPU that has just come online: what the others were told while it had not. */
void gs_cpu_init(void);

/* --- between fpu.c and context.c --- */

/* On each CPU as it starts; the boot CPU is first and chooses how registers are kept. */
void fpu_cpu_init(void);
/* The current registers into area, or the other way round. */
void fpu_save(void *area);
void fpu_load(const void *area);
