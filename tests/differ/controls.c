// Small calls on a process itself: prctl and the like.
#include "limits.h"

#include <asm/prctl.h>
#include <linux/membarrier.h>
#include <linux/rseq.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

// LEFT OUT: MDWE, which there is not; PR_GET_TIMERSLACK, which real-time tasks have none of; what
// the family credentials has; PR_SET_TSC, which ring 0 does not know; PR_SET_MM,
// PR_SET_SYSCALL_USER_DISPATCH and PR_SET_VMA, which tests/guest has; PR_SCHED_CORE, which the
// host's processors decide; those of perf and KSM, which there are not; PR_GET_SPECULATION_CTRL,
// the same; options of other architectures.
static const struct named options[] = {
    N(PR_SET_PDEATHSIG),
    N(PR_GET_PDEATHSIG),
    N(PR_SET_DUMPABLE),
    N(PR_GET_DUMPABLE),
    N(PR_SET_NAME),
    N(PR_GET_NAME),
    N(PR_GET_SECCOMP),
    N(PR_SET_SECCOMP),
    N(PR_GET_TIMING),
    N(PR_SET_TIMING),
    N(PR_SET_TIMERSLACK),
    N(PR_SET_TIMERSLACK),
    N(PR_MCE_KILL),
    N(PR_MCE_KILL_GET),
    N(PR_SET_CHILD_SUBREAPER),
    N(PR_GET_CHILD_SUBREAPER),
    N(PR_GET_NO_NEW_PRIVS),
    N(PR_SET_THP_DISABLE),
    N(PR_GET_THP_DISABLE),
    N(PR_SET_IO_FLUSHER),
    N(PR_GET_IO_FLUSHER),
    N(PR_GET_UNALIGN),
    N(PR_GET_ENDIAN),
    N(PR_GET_FPEMU),

    N(PR_GET_TAGGED_ADDR_CTRL),
    N(0),
    N(1000),
    N(-1),
    N(PR_GET_KEEPCAPS),
    N(PR_GET_SECUREBITS),
    N(PR_GET_TSC),
    N(PR_SVE_GET_VL),
};

static bool takes_pointer(uint64_t option)
{
    return option == PR_GET_PDEATHSIG || option == PR_SET_NAME || option == PR_GET_NAME ||
           option == PR_GET_CHILD_SUBREAPER || option == PR_GET_TSC || option == PR_GET_UNALIGN ||
           option == PR_GET_ENDIAN || option == PR_GET_FPEMU;
}

static void control(void)
{
    static const char *const names[] = {"name", "a-name-of-15-byt", "a name that is far too long",
                                        ""};
    char text[64] = "?";
    long a[4] = {0};
    begin("prctl");
    uint64_t option = ONE(options);
    bool pointer = takes_pointer(option);
    if (pointer) {
        a[0] = (long)text;
        if (option == PR_SET_NAME)
            strcpy(text, names[below(4)]), arg("\"%s\"", text);
        if (chance(10))
            a[0] = chance(50) ? (arg("NULL"), 0) : (arg("BAD"), (long)BAD_POINTER);
    } else {
        a[0] = CHOOSE(0, 0, 1, 1, 2, 3, 64, 65, -1, 100000);
    }
    for (int i = 1; i < 4; i++)
        if (chance(10))
            a[i] = 1, arg("arg %d", i + 2);
    if (option == PR_SET_SECCOMP && a[0] == 1)
        a[0] = 3; // strict mode: filters.c
    if (option == PR_MCE_KILL && chance(50))
        a[1] = (long)CHOOSE(0, 1, 2, 3);
    end(call(SYS_prctl, option, a[0], a[1], a[2], a[3]));
    if (pointer && a[0] == (long)text && option != PR_SET_NAME)
        say(" %08x", (unsigned)hash_of(text, sizeof(text)));
}

static void name(void)
{
    char path[40], text[40] = "";
    begin("comm");
    sprintf(path, "%d/comm", getpid());
    int fd = openat(PROC, path, O_RDWR);
    if (fd < 0)
        return end(-errno);
    if (chance(50)) {
        static const char *const names[] = {"other", "with\nline", "more than fifteen bytes", "",
                                            "x\n"};
        const char *to = names[below(5)];
        arg("%zu bytes", strlen(to));
        end(call(SYS_write, fd, to, strlen(to)));
        lseek(fd, 0, SEEK_SET);
    }
    long r = read(fd, text, sizeof(text) - 1);
    say(" %ld %08x", r, (unsigned)hash_of(text, r > 0 ? r : 0));
    prctl(PR_GET_NAME, text);
    say(" \"%s\"", text);
    close(fd);
}

static void persona(void)
{
    begin("personality");
    end(call(SYS_personality,
             CHOOSE(0, 0, 0x0040000, 0x0008, 0x4000000, 0xffffffff, 0x1ffffffff, -1)));
}

static void arch(void)
{
    uint64_t value = 7;
    begin("arch_prctl");
    uint64_t code = (uint64_t)CHOOSE(ARCH_GET_GS, 0, 0x1000, 0x2001, 0x1024 + 10, 0x4001 + 8, -1);
    end(call(SYS_arch_prctl, code, chance(90) ? &value : BAD_POINTER));
    say(" %lu", value);
}

static void membarrier(void)
{
    begin("membarrier");
    long command = CHOOSE(0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, -1, 3);
    end(call(SYS_membarrier, command, CHOOSE(0, 0, 0, 1, 2, -1), CHOOSE(0, 0, -1, 1000)));
}

static void robust(void)
{
    static char head[24];
    void *got = NULL;
    size_t size = 7;
    begin("robust_list");
    end(call(SYS_set_robust_list, head, CHOOSE(24, 24, 0, 23, 25, -1)));
    long r = call(SYS_get_robust_list, chance(80) ? 0 : 0x3ffffff, &got,
                  chance(95) ? (void *)&size : BAD_POINTER);
    say(" %ld %d %zu", r, got == head, size);
}

static void rseq(void)
{
    static struct rseq area[4] __attribute__((aligned(64)));
    begin("rseq");
    void *at = chance(90) ? (void *)&area[below(2)] : (char *)area + CHOOSE(1, 16, 8);
    long size = CHOOSE(32, 32, 32, 0, 31, 64), flags = CHOOSE(0, 0, 1, 1, 2);
    arg("%ld", (long)((char *)at - (char *)area));
    end(call(SYS_rseq, at, size, flags, CHOOSE(0x53053053, 0x53053053, 1)));
}

static void where(void)
{
    unsigned cpu = 7777, node = 7777;
    begin("getcpu");
    void *first = chance(80) ? (void *)&cpu : chance(50) ? NULL : BAD_POINTER;
    end(call(SYS_getcpu, first, chance(80) ? &node : NULL, NULL));
    say(" %d %u", cpu < 4096, node);
}

static void about_system(void)
{
    struct utsname names;
    struct sysinfo info;
    begin("system");
    switch (below(5)) {
    case 0:
        arg("uname"), end(call(SYS_uname, chance(80) ? &names : BAD_POINTER));
        break;
    case 1:
        arg("sysinfo");
        end(call(SYS_sysinfo, chance(80) ? &info : BAD_POINTER));
        break;
    case 2:
        arg("sethostname"), end(call(SYS_sethostname, BAD_POINTER, CHOOSE(-1, 65, 64, 1)));
        break;
    case 3:
        arg("setdomainname"), end(call(SYS_setdomainname, BAD_POINTER, CHOOSE(-1, 65, 64)));
        break;
    default:
        arg("times"), end(call(SYS_times, chance(50) ? NULL : BAD_POINTER) < 0 ? -errno : 0);
    }
}

static void usage(void)
{
    char data[200];
    begin("getrusage");
    end(call(SYS_getrusage, CHOOSE(0, -1, 1, 2, -2), chance(90) ? data : BAD_POINTER));
}

const struct op control_ops[] = {
    {control, 40}, {name, 5},         {persona, 5}, {arch, 3},  {membarrier, 6}, {robust, 3},
    {rseq, 6},     {about_system, 4}, {where, 2},   {usage, 2}, {NULL, 0},
};
