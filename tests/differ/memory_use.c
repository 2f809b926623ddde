// Memory as it is used: touched, written through files and other processes, inherited.
#include "memory.h"

#include <linux/membarrier.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>

static sigjmp_buf back;
static siginfo_t told;

static void fault(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    told = *info;
    siglongjmp(back, 1);
}

enum use { READ, WRITE, RUN };

/* Touch a byte; shows what came of it. */
static bool touch(volatile char *at, enum use use, char value)
{
    struct sigaction act = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &act, NULL);
    sigaction(SIGBUS, &act, NULL);
    if (sigsetjmp(back, 1) == 0) {
        if (use == READ)
            say(" %02x", (unsigned char)*at);
        else if (use == WRITE)
            *at = value, say(" ok");
        else
            ((void (*)(void))(uintptr_t)at)(), say(" ran");
    } else {
        say(" %s/%d at ", told.si_signo == SIGBUS ? "BUS" : "SEGV", told.si_code);
        if (told.si_code == SI_KERNEL)
            say("?");
        else
            show_place(told.si_addr);
    }
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    return true;
}

/* What a byte of the page is, told without a fault. */
static int peek(char *at)
{
    unsigned char c;
    struct iovec local = {&c, 1}, remote = {at, 1};
    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1 ? c : -1;
}

static void op_touch(void)
{
    static const struct named uses[] = {N(READ), N(READ), N(WRITE), N(WRITE), N(RUN)};
    begin("touch");
    char *at = place();
    enum use use = (enum use)ONE(uses);
    char value = chance(40) ? (char)0xc3 : (char)below(256);
    if (use == RUN && ((unsigned char)*"\xc3" != peek(at)) && peek(at) >= 0)
        use = READ;
    say(")");
    touch(at, use, value);
}

/* Many at once: where the arena may be read, and what is there. */
static void op_survey(void)
{
    say("survey ");
    unsigned run = 0;
    int last = -2;
    for (unsigned page = 0; page <= PAGES; page++) {
        int now = page < PAGES ? peek(ARENA + page * PAGE) : -3;
        if (now == last) {
            run++;
            continue;
        }
        if (run > 1)
            say("*%u", run);
        if (now >= -1)
            say(now < 0 ? " --" : " %02x", now);
        last = now, run = 1;
    }
}

// --- through calls ---

static void op_read(void)
{
    bool at = chance(50);
    begin(at ? "pread64" : "read");
    int fd = slot();
    char *to = place();
    size_t n = (size_t)CHOOSE(1, 100, PAGE, 2 * PAGE, 20000);
    long off = at ? CHOOSE(0, 100, PAGE, 4 * PAGE + 1) : lseek(fd, 0, SEEK_CUR);
    if (shows(to, fd, off, n)) // LEFT OUT: in what order overlapping bytes are copied
        n = 0;
    end(at ? call(SYS_pread64, fd, to, n, off) : call(SYS_read, fd, to, n));
}

static void op_write(void)
{
    bool at = chance(50);
    begin(at ? "pwrite64" : "write");
    int fd = slot();
    char *from = place();
    size_t n = (size_t)CHOOSE(1, 100, PAGE);
    if (type_of(fd) == S_IFREG && (peek(from) < 0 || peek(from + n - 1) < 0))
        n = 0; // LEFT OUT: a write that faults makes a file longer
    long off = at ? CHOOSE(0, 100, PAGE, 4 * PAGE + 1) : lseek(fd, 0, SEEK_CUR);
    if (shows(from, fd, off, n))
        n = 0;
    end(at ? call(SYS_pwrite64, fd, from, n, off) : call(SYS_write, fd, from, n));
}

static void op_truncate(void)
{
    begin("ftruncate");
    int fd = slot();
    end(call(SYS_ftruncate, fd, CHOOSE(0, 1, PAGE, 5000, 3 * PAGE, 5 * PAGE, 8 * PAGE, -1)));
}

static void op_seal(void)
{
    static const struct named seals[] = {N(F_SEAL_SHRINK), N(F_SEAL_GROW), N(F_SEAL_WRITE),
                                         N(F_SEAL_FUTURE_WRITE)};
    begin("fcntl");
    int fd = chance(80) ? (arg("%d", SLOT_FIRST + 4), SLOT_FIRST + 4) : slot();
    arg("F_ADD_SEALS");
    end(call(SYS_fcntl, fd, F_ADD_SEALS, SOME(seals, 2)));
    say(" seals=%ld", call(SYS_fcntl, fd, F_GET_SEALS));
}

static void op_fallocate(void)
{
    begin("fallocate");
    int fd = slot();
    long at = CHOOSE(0, PAGE, 2 * PAGE, 5000);
    end(call(SYS_fallocate, fd, 3, at, CHOOSE(PAGE, 3 * PAGE, 100)));
}

/* LEFT OUT: how far it came when a later part cannot be reached. */
static void op_other(void)
{
    bool out = chance(50);
    begin(out ? "process_vm_writev" : "process_vm_readv");
    struct iovec local = {buffer, PAGE}, remote[2];
    pid_t pid = chance(50) ? getpid() : other_process;
    arg(pid == getpid() ? "own" : "other");
    remote[0].iov_base = place();
    remote[0].iov_len = (size_t)CHOOSE(1, 100, 1000);
    remote[1].iov_base = place();
    remote[1].iov_len = (size_t)CHOOSE(1, 100, 1000);
    data_fill(PAGE);
    int parts = (int)CHOOSE(1, 1, 2, 0), flags = chance(97) ? 0 : (arg("1"), 1);
    local.iov_len = remote[0].iov_len + (parts == 2 ? remote[1].iov_len : 0);
    long r = call(out ? SYS_process_vm_writev : SYS_process_vm_readv, pid, &local, 1, remote, parts,
                  flags);
    end(r);
    if (!out)
        show_data(buffer, r);
}

// --- children ---

/* What a child has: its own view, and what it leaves behind in what is shared. */
static void op_child(void)
{
    be_root();
    begin("fork");
    char *at = place();
    enum use use = chance(50) ? WRITE : READ;
    char value = (char)below(256);
    bool numbers = chance(30);
    int status = 0;
    say(")");
    pid_t pid = fork();
    if (pid == 0) {
        op_survey();
        touch(at, use, value);
        show_arena(numbers);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    say("\n  status %#x", status);
    touch(at, READ, 0);
}

static void op_membarrier(void)
{
    static const struct named commands[] = {N(MEMBARRIER_CMD_QUERY),
                                            N(MEMBARRIER_CMD_GLOBAL),
                                            N(MEMBARRIER_CMD_GLOBAL_EXPEDITED),
                                            N(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED),
                                            N(MEMBARRIER_CMD_PRIVATE_EXPEDITED),
                                            N(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED),
                                            N(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE),
                                            N(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE),
                                            N(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ),
                                            N(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ),
                                            N(1 << 20)};
    begin("membarrier");
    uint64_t command = ONE(commands);
    long r = call(SYS_membarrier, command, CHOOSE(0, 0, 0, 1, 2), 0);
    if (command == MEMBARRIER_CMD_QUERY && r > 0)
        r &= 0x1ff; // MEMBARRIER_CMD_GET_REGISTRATIONS is Linux 6.3's
    end(r);
}

const struct op memory_use_ops[] = {
    {op_touch, 24},   {op_survey, 5},     {op_read, 5},      {op_write, 4},
    {op_truncate, 5}, {op_seal, 1},       {op_fallocate, 3}, {op_other, 6},
    {op_child, 3},    {op_membarrier, 2}, {NULL, 0},
};
