#include "arch/x86_64/trap.h"
#include "core/boot.h"
#include "core/log.h"
#include "lib/errno.h"
#include "linux/names.h"
#include "linux/syscall.h"
#include "linux/strace.h"

extern const struct syscall_entry __syscalls_start[], __syscalls_end[];

static _Atomic uint64_t complained[SYSCALLS_MAX / 64];

/* What is missing says so once, by name, and never ends the program. */
static int64_t missing(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
    uint32_t nr = (uint32_t)syscall_regs()->vector_or_nr;

    if (nr >= SYSCALLS_MAX) {
        log_warning("system call number %u does not exist", nr);
        return -ENOSYS;
    }
    uint64_t bit = 1ull << nr % 64;
    if (!(atomic_fetch_or(&complained[nr / 64], bit) & bit))
        log_warning("system call %s (%u) is missing: ENOSYS", syscall_name(nr) ?: "without a name",
                    nr);
    return -ENOSYS;
}

static int fill_table(void)
{
    for (unsigned nr = 0; nr <= SYSCALLS_MAX; nr++)
        syscall_register(nr, missing, false);
    for (const struct syscall_entry *e = __syscalls_start; e < __syscalls_end; e++)
        syscall_register(e->nr, (void *)((uintptr_t)&e->distance + e->distance), e->full_regs);
    if (boot_param("strace"))
        strace_start();
    return 0;
}
BOOT_STEP(PHASE_FS, "system calls", fill_table);
