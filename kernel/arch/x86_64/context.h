/* arch/x86_64/context.h: switching threads, extended state, and the way into the program. */
#pragma once

#include "arch/x86_64/regs.h"
#include "core/thread.h"

/* Lay out a new thread's kernel stack so that the first switch to it calls start(). */
void context_init(struct thread *thread, void (*start)(void));
/* Interrupts off. Returns when `from` is switched to again; the thread that ran before is returned
 * (it is safe off its stack now). Saves and loads FS base and extended state of program threads. */
struct thread *context_switch(struct thread *from, struct thread *to);

/* Extended state (FPU, SSE, AVX, ...): size in bytes of a save area, the XCR0 mask in use. */
size_t fpu_area_size(void);
uint64_t fpu_mask(void);
/* A fresh area in the state that Linux gives a new program; the current registers copied for a
 * clone. NULL: no memory. */
void *fpu_area_alloc(void);
void fpu_area_free(void *area);
void fpu_area_copy_current(void *area);
/* Between the live registers of the current thread and a (standard-format XSAVE or FXSAVE) area in
 * program memory, for signal frames. 0 or -EFAULT, -EINVAL for a header that the CPU would refuse.
 */
int fpu_save_user(uintptr_t area);
int fpu_restore_user(uintptr_t area, size_t size);
/* Back to the initial state (execve). */
void fpu_reset_current(void);

/* Start running the program with these registers on the current thread; its kernel stack starts
 * anew. */
__noreturn void program_enter(const struct regs *regs);

uint64_t fs_base_get(void);
void fs_base_set(uint64_t base);
