/* What a process is told of itself: auxv, identity, limits, names, prctl, exit. */
#include "check.h"
#include <elf.h>
#include <grp.h>
#include <link.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>

static void auxiliary_vector(void)
{
    const Elf64_Phdr *phdr = (const void *)getauxval(AT_PHDR);
    const char *platform = (const char *)getauxval(AT_PLATFORM);
    const char *name = (const char *)getauxval(AT_EXECFN);
    extern char _start[];

    NEED(phdr != NULL);
    CHECK_EQ(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
    CHECK(getauxval(AT_PHNUM) >= 4 && getauxval(AT_PHNUM) < 64);
    CHECK_EQ(getauxval(AT_PAGESZ), 4096);
    CHECK_EQ(getauxval(AT_ENTRY), (unsigned long)_start);
    CHECK_EQ(getauxval(AT_BASE), 0); /* static: no interpreter */
    CHECK_EQ(getauxval(AT_UID), getuid());
    CHECK_EQ(getauxval(AT_EGID), getegid());
    CHECK_EQ(getauxval(AT_SECURE), 0);
    CHECK_EQ(getauxval(AT_CLKTCK), 100);
    CHECK(getauxval(AT_HWCAP) != 0);
    CHECK(platform && strcmp(platform, "x86_64") == 0);
    CHECK(name && strlen(name) > 0);
    CHECK(getauxval(AT_RANDOM) != 0);
    CHECK(getauxval(AT_MINSIGSTKSZ) >= 1024);
}

static void vdso_is_an_elf_file(void)
{
    const Elf64_Ehdr *vdso = (const void *)getauxval(AT_SYSINFO_EHDR);

    NEED(vdso != NULL);
    CHECK(memcmp(vdso->e_ident, ELFMAG, 4) == 0);
    CHECK_EQ(vdso->e_type, ET_DYN);
    CHECK_EQ(vdso->e_machine, EM_X86_64);
}

static void stack_at_start(void)
{
    extern char **environ;

    CHECK(((uintptr_t)environ & 7) == 0);
    setenv("CHECK_NAME", "value", 1);
    CHECK(strcmp(getenv("CHECK_NAME"), "value") == 0);
}

static void identity(void)
{
    gid_t groups[64];
    uid_t r, e, s;

    CHECK(getpid() > 0);
    CHECK(getppid() >= 0);
    CHECK_EQ(getuid(), 0);
    CHECK_EQ(geteuid(), 0);
    CHECK_EQ(getresuid(&r, &e, &s), 0);
    CHECK(r == 0 && e == 0 && s == 0);
    CHECK(getgroups(64, groups) >= 0);
    CHECK_ERRNO(getgroups(-1, groups), EINVAL);
    CHECK(getpgid(0) >= 0);
    CHECK(getsid(0) >= 0);
    CHECK_EQ(getpgrp(), getpgid(0));
    CHECK_ERRNO(getpgid(999999), ESRCH);
}

static void names(void)
{
    struct utsname name;
    char host[256];

    CHECK_EQ(uname(&name), 0);
    CHECK(strcmp(name.sysname, "Linux") == 0);
    CHECK(strcmp(name.machine, "x86_64") == 0);
    CHECK(atoi(name.release) >= 5); /* glibc refuses to start on what is too old */
    CHECK_EQ(gethostname(host, sizeof host), 0);
    CHECK(strcmp(host, name.nodename) == 0);
    CHECK_ERRNO(sethostname("x", -1UL), EINVAL);
}

static void limits(void)
{
    struct rlimit limit, old;

    for (int i = 0; i < RLIM_NLIMITS; i++) {
        CHECK_EQ(getrlimit(i, &limit), 0);
        CHECK(limit.rlim_cur <= limit.rlim_max);
    }
    CHECK_ERRNO(getrlimit(99, &limit), EINVAL);
    CHECK_EQ(getrlimit(RLIMIT_CORE, &old), 0);
    limit = (struct rlimit){2, 1};
    CHECK_ERRNO(setrlimit(RLIMIT_CORE, &limit), EINVAL);
    limit = (struct rlimit){0, old.rlim_max};
    CHECK_EQ(prlimit(0, RLIMIT_CORE, &limit, &old), 0);
    CHECK_EQ(getrlimit(RLIMIT_CORE, &limit), 0);
    CHECK_EQ(limit.rlim_cur, 0);
    CHECK_ERRNO(prlimit(999999, RLIMIT_CORE, NULL, &old), ESRCH);
}

static void address_space_limit(void)
{
    struct rlimit old, low;
    void *at;

    getrlimit(RLIMIT_AS, &old);
    low = old;
    low.rlim_cur = 256 << 20;
    CHECK_EQ(setrlimit(RLIMIT_AS, &low), 0);
    CHECK_ERRNO((long)mmap(NULL, 512 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
    setrlimit(RLIMIT_AS, &old);
    at = mmap(NULL, 512 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED);
    munmap(at, 512 << 20);
}

static void process_control(void)
{
    int sig = -1;

    CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
    CHECK_ERRNO(prctl(PR_MCE_KILL, 9, 0, 0, 0), EINVAL);
    CHECK_EQ(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_DEFAULT, 0, 0), 0);
    CHECK_EQ(prctl(PR_SET_DUMPABLE, 0), 0);
    CHECK_EQ(prctl(PR_GET_DUMPABLE), 0);
    CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
    CHECK_EQ(prctl(PR_SET_PDEATHSIG, 10), 0);
    CHECK_EQ(prctl(PR_GET_PDEATHSIG, &sig), 0);
    CHECK_EQ(sig, 10);
    prctl(PR_SET_PDEATHSIG, 0);
    CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    CHECK_EQ(prctl(PR_SET_TIMERSLACK, 1000), 0);
    CHECK_EQ(prctl(PR_GET_TIMERSLACK), 1000);
    CHECK_EQ(prctl(PR_GET_KEEPCAPS), 0);
    CHECK(prctl(PR_CAPBSET_READ, 0) >= 0);
    CHECK_ERRNO(prctl(9999, 0, 0, 0, 0), EINVAL);
    CHECK_EQ(personality(0xffffffff) & 0xff, PER_LINUX);
}

static void no_children(void)
{
    CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD);
    CHECK_ERRNO(wait(NULL), ECHILD);
}

static void unknown_calls(void)
{
    CHECK_ERRNO(syscall(1000), ENOSYS);
    CHECK_ERRNO(syscall(-1), ENOSYS);
    CHECK_ERRNO(syscall(0x7fffffff), ENOSYS);
}

static void system_information(void)
{
    struct sysinfo info;

    CHECK_EQ(sysinfo(&info), 0);
    CHECK(info.totalram > 0 && info.freeram <= info.totalram);
    CHECK(info.procs >= 1);
    CHECK(get_nprocs() >= 1);
    CHECK(get_phys_pages() > 1000);
}

static void memory_barrier(void)
{
    long commands = syscall(SYS_membarrier, 0 /* QUERY */, 0, 0);

    NEED(commands >= 0);
    CHECK(commands & 8); /* PRIVATE_EXPEDITED */
    CHECK_EQ(syscall(SYS_membarrier, 16 /* REGISTER_PRIVATE_EXPEDITED */, 0, 0), 0);
    CHECK_EQ(syscall(SYS_membarrier, 8, 0, 0), 0);
    CHECK_ERRNO(syscall(SYS_membarrier, 1 << 30, 0, 0), EINVAL);
}

static void capabilities(void)
{
    unsigned header[2] = {0x20080522, 0}, data[6] = {0};

    CHECK_EQ(syscall(SYS_capget, header, data), 0);
    header[0] = 1;
    CHECK_ERRNO(syscall(SYS_capget, header, data), EINVAL);
    CHECK_EQ(header[0], 0x20080522);
}

int main(void)
{
    promise("the auxiliary vector describes the program", auxiliary_vector);
    promise("the vDSO is an ELF file", vdso_is_an_elf_file);
    promise("the environment can be read and set", stack_at_start);
    promise("ids", identity);
    promise("uname and the host name", names);
    promise("limits can be read, set and are checked", limits);
    promise("RLIMIT_AS is enforced", address_space_limit);
    promise("prctl and personality", process_control);
    promise("wait without children says ECHILD", no_children);
    promise("unknown system calls say ENOSYS", unknown_calls);
    promise("sysinfo", system_information);
    promise("membarrier", memory_barrier);
    promise("capget", capabilities);
    return check_end();
}
