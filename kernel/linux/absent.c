/* The system calls that answer ENOSYS as Linux does: those that no Linux 6.x on x86-64 has, and
 * those of options which Osprey leaves out as a Linux may be built without them. Programs probe for
 * these, so they say nothing on the console. */
#include "lib/errno.h"
#include "linux/syscall.h"

static __used int64_t absent(__unused uint64_t a0, __unused uint64_t a1, __unused uint64_t a2,
                             __unused uint64_t a3, __unused uint64_t a4, __unused uint64_t a5)
{
    return -ENOSYS;
}

#define ANSWERS_ENOSYS(call, state, why) SYSCALL_EXPANDED(NR_##call, state, why, absent)

ANSWERS_ENOSYS(_sysctl, SYSCALL_NONE, "ENOSYS since Linux 5.5");
ANSWERS_ENOSYS(create_module, SYSCALL_NONE, "ENOSYS since Linux 2.6");
ANSWERS_ENOSYS(get_kernel_syms, SYSCALL_NONE, "ENOSYS since Linux 2.6");
ANSWERS_ENOSYS(query_module, SYSCALL_NONE, "ENOSYS since Linux 2.6");
ANSWERS_ENOSYS(nfsservctl, SYSCALL_NONE, "ENOSYS since Linux 3.1");
ANSWERS_ENOSYS(getpmsg, SYSCALL_NONE, "ENOSYS in every Linux");
ANSWERS_ENOSYS(putpmsg, SYSCALL_NONE, "ENOSYS in every Linux");
ANSWERS_ENOSYS(afs_syscall, SYSCALL_NONE, "ENOSYS in every Linux");
ANSWERS_ENOSYS(tuxcall, SYSCALL_NONE, "ENOSYS in every Linux");
ANSWERS_ENOSYS(security, SYSCALL_NONE, "ENOSYS in every Linux");
ANSWERS_ENOSYS(vserver, SYSCALL_NONE, "ENOSYS in every Linux");
ANSWERS_ENOSYS(set_thread_area, SYSCALL_NONE, "ENOSYS for 64-bit programs");
ANSWERS_ENOSYS(get_thread_area, SYSCALL_NONE, "ENOSYS for 64-bit programs");
ANSWERS_ENOSYS(epoll_ctl_old, SYSCALL_NONE, "ENOSYS in every Linux");
ANSWERS_ENOSYS(epoll_wait_old, SYSCALL_NONE, "ENOSYS in every Linux");

ANSWERS_ENOSYS(modify_ldt, SYSCALL_ABSENT, "CONFIG_MODIFY_LDT_SYSCALL");
ANSWERS_ENOSYS(kexec_load, SYSCALL_ABSENT, "CONFIG_KEXEC");
ANSWERS_ENOSYS(kexec_file_load, SYSCALL_ABSENT, "CONFIG_KEXEC_FILE");
ANSWERS_ENOSYS(pkey_mprotect, SYSCALL_ABSENT, "CONFIG_X86_INTEL_MEMORY_PROTECTION_KEYS");
ANSWERS_ENOSYS(pkey_alloc, SYSCALL_ABSENT, "CONFIG_X86_INTEL_MEMORY_PROTECTION_KEYS");
ANSWERS_ENOSYS(pkey_free, SYSCALL_ABSENT, "CONFIG_X86_INTEL_MEMORY_PROTECTION_KEYS");
ANSWERS_ENOSYS(swapon, SYSCALL_ABSENT, "CONFIG_SWAP");
ANSWERS_ENOSYS(swapoff, SYSCALL_ABSENT, "CONFIG_SWAP");
ANSWERS_ENOSYS(perf_event_open, SYSCALL_ABSENT, "CONFIG_PERF_EVENTS");
ANSWERS_ENOSYS(fanotify_init, SYSCALL_ABSENT, "CONFIG_FANOTIFY");
ANSWERS_ENOSYS(fanotify_mark, SYSCALL_ABSENT, "CONFIG_FANOTIFY");
ANSWERS_ENOSYS(bpf, SYSCALL_ABSENT, "CONFIG_BPF_SYSCALL");
ANSWERS_ENOSYS(userfaultfd, SYSCALL_ABSENT, "CONFIG_USERFAULTFD");
ANSWERS_ENOSYS(landlock_create_ruleset, SYSCALL_ABSENT, "CONFIG_SECURITY_LANDLOCK");
ANSWERS_ENOSYS(landlock_add_rule, SYSCALL_ABSENT, "CONFIG_SECURITY_LANDLOCK");
ANSWERS_ENOSYS(landlock_restrict_self, SYSCALL_ABSENT, "CONFIG_SECURITY_LANDLOCK");
