/* arch/x86_64/debug.h: breakpoints and watchpoints of a thread in the debug registers (SDM
 * 3B, 17.2).
 *
 * Who has none pays nothing: the registers stay loaded when another thread runs, whose traps are
 * told from the owner's then; the owner loads them again on its way to the program. */
#pragma once

#include "core/thread.h"

/* Bits of DR6. */
enum { DEBUG_HITS = 0xf, DEBUG_STEP = 0x4000 };

struct debug_regs {
    uint64_t addr[4], control; /* DR0-DR3, DR7 */
};

/* On the current thread's way to the program: make its registers those of this CPU. If another
 * thread takes them over meanwhile, it gets WORK_NOTIFY; its owner sees to it that it comes here
 * then, and with WORK_MOVED. */
void debug_load(const struct debug_regs *regs);
/* The thread has none any more, or ends. */
void debug_forget(struct thread *thread);

/* In the handler of a debug trap, interrupts off: read and clear DR6; those of its hits that are
 * the current thread's. */
uint64_t debug_status(void);
uint64_t debug_hits(uint64_t status);
/* Did one of these hits come before its instruction? RF in the flags gets over it. */
bool debug_before(uint64_t hits);
