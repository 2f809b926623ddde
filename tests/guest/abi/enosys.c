/* The system calls that no Linux 6.x on x86-64 has answer ENOSYS whatever the arguments, and so do
 * numbers without a call; those of options that are left out do so inside Osprey. */
#include "check.h"
#include <sys/syscall.h>

enum { LAST_CALL = 450, FIRST_X32 = 512 };

static void none(void)
{
    static const short calls[] = {
        SYS__sysctl,         SYS_create_module, SYS_get_kernel_syms, SYS_query_module,
        SYS_nfsservctl,      SYS_getpmsg,       SYS_putpmsg,         SYS_afs_syscall,
        SYS_tuxcall,         SYS_security,      SYS_vserver,         SYS_set_thread_area,
        SYS_get_thread_area, SYS_epoll_ctl_old, SYS_epoll_wait_old,
    };
    for (unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        CHECK_ERRNO(syscall(calls[i], 0, 0, 0, 0, 0, 0), ENOSYS);
        CHECK_ERRNO(syscall(calls[i], -1, -1, -1, -1, -1, -1), ENOSYS);
    }
}

static void no_number(void)
{
    static const long numbers[] = {400, 423, LAST_CALL + 100, FIRST_X32 - 1, 9999};
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        CHECK_ERRNO(syscall(numbers[i], 0, 0, 0, 0, 0, 0), ENOSYS);
}

static void absent(void)
{
    static const short calls[] = {
        SYS_modify_ldt,        SYS_kexec_load,
        SYS_kexec_file_load,   SYS_swapon,
        SYS_pkey_mprotect,     SYS_pkey_alloc,
        SYS_pkey_free,         SYS_swapoff,
        SYS_perf_event_open,   SYS_fanotify_init,
        SYS_fanotify_mark,     SYS_bpf,
        SYS_userfaultfd,       SYS_landlock_create_ruleset,
        SYS_landlock_add_rule, SYS_landlock_restrict_self,
    };
    if (!inside_osprey())
        SKIP("this Linux may be built with the options");
    for (unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++)
        CHECK_ERRNO(syscall(calls[i], 0, 0, 0, 0, 0, 0), ENOSYS);
}

int main(void)
{
    promise("calls that no Linux 6.x has answer ENOSYS", none);
    promise("numbers without a call answer ENOSYS", no_number);
    promise("calls of options that are left out answer ENOSYS", absent);
    return check_end();
}
