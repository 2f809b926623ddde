/* linux/patch.h: what debuggers have to do with patched system-call sites (patch.c). They see, and
 * step over, the instructions that the program was built with. Threads only; may sleep. */
#pragma once

#include "arch/x86_64/regs.h"
#include "mm/address_space.h"

/* A thread of the space is traced from now on: the original instructions come back, and no site is
 * patched until patch_thaw() has been called as often. -ENOMEM. */
int patch_freeze(struct address_space *space);
void patch_thaw(struct address_space *space);
/* A thread of the space gets a GS base: from now on calls come in by syscall_entry_gs. -ENOMEM. */
int patch_own_gs(struct address_space *space);
/* bytes are what lies at addr: put the original instructions in place of jumps to stubs. */
void patch_hide(struct address_space *space, uintptr_t addr, void *bytes, size_t n);
/* Somebody is going to write there: the sites of the range get their instructions back. */
void patch_restore(struct address_space *space, uintptr_t addr, size_t n);
/* The current thread has taken a trap (SIGTRAP) at regs: true if it comes of a patched site, and
 * the program shall go on with the registers as they are now. */
bool patch_took_trap(struct regs *regs);
/* If rip lies in a stub: back to the same point at the site. */
void patch_leave_stub(struct regs *regs);
