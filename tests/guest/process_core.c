// cpus: 1 4
/* Core dumps (man 5 core): who writes one, where, and what stands in it. The cores are read here as
 * a debugger would: headers, notes, memory. */
#include "process.h"
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/procfs.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { PAGE = 4096, BIG = 64 << 20 };

static uint64_t marker = 0x0123456789abcdef; /* looked for in cores */
static char core_name[64];

/* --- reading a core --- */

struct core {
    uint8_t *bytes;
    size_t size;
    struct stat st;
};

static bool core_load(struct core *core)
{
    int fd = open(core_name, O_RDONLY);

    *core = (struct core){};
    if (fd < 0 || fstat(fd, &core->st) < 0)
        return false;
    core->size = (size_t)core->st.st_size;
    core->bytes = mmap(NULL, core->size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    return core->bytes != MAP_FAILED;
}

static void core_drop(struct core *core)
{
    if (core->bytes)
        munmap(core->bytes, core->size);
    unlink(core_name);
}

static const Elf64_Phdr *segment(const struct core *core, unsigned i)
{
    const Elf64_Ehdr *header = (const void *)core->bytes;

    return i < header->e_phnum ? (const Elf64_Phdr *)(core->bytes + header->e_phoff) + i : NULL;
}

/* The n-th note of a type: its bytes, or NULL. */
static const void *note(const struct core *core, unsigned type, int n, size_t *size)
{
    const Elf64_Phdr *notes = segment(core, 0);
    const uint8_t *at = core->bytes + notes->p_offset, *end = at + notes->p_filesz;

    while (at < end) {
        const Elf64_Nhdr *head = (const void *)at;
        const uint8_t *bytes = at + sizeof *head + ((head->n_namesz + 3) & ~3u);
        if (head->n_type == type && n-- == 0) {
            *size = head->n_descsz;
            return bytes;
        }
        at = bytes + ((head->n_descsz + 3) & ~3u);
    }
    return NULL;
}

static int count_notes(const struct core *core, unsigned type)
{
    size_t size;
    int n = 0;

    while (note(core, type, n, &size))
        n++;
    return n;
}

/* The bytes of an address of the dead process; NULL: they are not in the file. */
static const void *memory(const struct core *core, const void *address, size_t n)
{
    uintptr_t addr = (uintptr_t)address;

    for (unsigned i = 0; segment(core, i); i++) {
        const Elf64_Phdr *s = segment(core, i);
        if (s->p_type == PT_LOAD && addr >= s->p_vaddr && addr + n <= s->p_vaddr + s->p_filesz)
            return core->bytes + s->p_offset + (addr - s->p_vaddr);
    }
    return NULL;
}

/* --- children that die --- */

static void allow_cores(rlim_t soft)
{
    struct rlimit limit;

    getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = soft;
    CHILD_NEED(setrlimit(RLIMIT_CORE, &limit) == 0);
}

/* Run a child that is to die; its wait status. core_name is what its core would be called. */
static int die_by(void (*fn)(void), rlim_t limit)
{
    int status = 0;
    pid_t pid = start();

    if (pid == 0) {
        allow_cores(limit);
        fn();
        _exit(98);
    }
    waitpid(pid, &status, 0);
    snprintf(core_name, sizeof core_name, "core.%d", (int)pid);
    if (access(core_name, F_OK) != 0)
        snprintf(core_name, sizeof core_name, "core");
    return status;
}

static bool has_core(void)
{
    return access(core_name, F_OK) == 0;
}

static int *volatile nowhere = (int *)8;

static void touch_nothing(void)
{
    *nowhere = 1;
}

/* --- promises --- */

static void says_how_it_died(void)
{
    int status = die_by(touch_nothing, RLIM_INFINITY);
    const prstatus_t *state;
    const prpsinfo_t *info;
    const siginfo_t *signal;
    struct core core;
    size_t size;

    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && WCOREDUMP(status));
    NEED(core_load(&core));
    CHECK(memcmp(core.bytes, ELFMAG, SELFMAG) == 0);
    CHECK_EQ(((const Elf64_Ehdr *)core.bytes)->e_type, ET_CORE);
    CHECK_EQ(core.st.st_mode & 07777, 0600);
    state = note(&core, NT_PRSTATUS, 0, &size);
    NEED(state && size == sizeof *state);
    CHECK_EQ(state->pr_cursig, SIGSEGV);
    CHECK_EQ(state->pr_ppid, getpid());
    CHECK_EQ(state->pr_reg[17], 0x33);                               /* cs */
    CHECK(state->pr_reg[16] > 0x1000 && state->pr_reg[19] > 0x1000); /* rip, rsp */
    CHECK(state->pr_reg[21] != 0);                                   /* fs_base */
    info = note(&core, NT_PRPSINFO, 0, &size);
    NEED(info && size == sizeof *info);
    CHECK(strncmp(info->pr_fname, "process_core", 12) == 0);
    CHECK(strstr(info->pr_psargs, "process_core") != NULL);
    CHECK_EQ(info->pr_uid, getuid());
    signal = note(&core, NT_SIGINFO, 0, &size);
    NEED(signal && size == sizeof *signal);
    CHECK_EQ(signal->si_signo, SIGSEGV);
    CHECK_EQ(signal->si_code, SEGV_MAPERR);
    CHECK_EQ((uintptr_t)signal->si_addr, 8);
    CHECK_EQ(count_notes(&core, NT_AUXV), 1);
    CHECK_EQ(count_notes(&core, NT_FPREGSET), 1);
    core_drop(&core);
}

static void *stay(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void threads_and_abort(void)
{
    for (long i = 0; i < 5; i++) {
        pthread_t thread;
        CHILD_NEED(pthread_create(&thread, NULL, stay, NULL) == 0);
    }
    abort();
}

static void has_every_thread(void)
{
    int status = die_by(threads_and_abort, RLIM_INFINITY), tids[6];
    struct core core;
    size_t size;

    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && WCOREDUMP(status));
    NEED(core_load(&core));
    CHECK_EQ(count_notes(&core, NT_PRSTATUS), 6);
    CHECK_EQ(count_notes(&core, NT_FPREGSET), 6);
    CHECK_EQ(count_notes(&core, NT_PRPSINFO), 1);
    for (int i = 0; i < 6; i++) {
        const prstatus_t *state = note(&core, NT_PRSTATUS, i, &size);
        NEED(state != NULL);
        tids[i] = state->pr_pid;
        CHECK(memory(&core, (const void *)state->pr_reg[19], 8) != NULL); /* its stack */
        for (int j = 0; j < i; j++)
            CHECK(tids[j] != tids[i]);
    }
    core_drop(&core);
}

static void *mapped[6];

static void make_mappings(void)
{
    int fd = memfd_create("shared", 0);

    CHILD_NEED(fd >= 0 && ftruncate(fd, PAGE) == 0);
    for (int i = 0; i < 6; i++) {
        memcpy(mapped[i], &marker, sizeof marker);
        memset((char *)mapped[i] + 100, 'A' + i, 100);
    }
    CHILD_NEED(madvise(mapped[1], PAGE, MADV_DONTDUMP) == 0);
    CHILD_NEED(madvise(mapped[2], PAGE, MADV_DONTDUMP) == 0);
    CHILD_NEED(madvise(mapped[2], PAGE, MADV_DODUMP) == 0);
    marker++;
    touch_nothing();
}

static void shows_memory(void)
{
    struct core core;
    uint64_t value;

    for (int i = 0; i < 6; i++) {
        mapped[i] = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                         (i == 3 ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0);
        NEED(mapped[i] != MAP_FAILED);
    }
    die_by(make_mappings, RLIM_INFINITY);
    NEED(core_load(&core));
    NEED(memory(&core, &marker, 8) != NULL);
    memcpy(&value, memory(&core, &marker, 8), 8);
    CHECK_EQ(value, marker + 1);
    CHECK(memory(&core, mapped[0], PAGE) &&
          memcmp((const char *)memory(&core, mapped[0], PAGE) + 100, "AAAA", 4) == 0);
    CHECK(memory(&core, mapped[1], PAGE) == NULL);
    CHECK(memory(&core, mapped[2], PAGE) &&
          memcmp((const char *)memory(&core, mapped[2], PAGE) + 100, "CCCC", 4) == 0);
    CHECK(memory(&core, mapped[3], PAGE) &&
          memcmp((const char *)memory(&core, mapped[3], PAGE) + 100, "DDDD", 4) == 0);
    core_drop(&core);
}

static void filter_nothing(void)
{
    int fd = open("/proc/self/coredump_filter", O_RDWR);
    char text[20] = "";

    CHILD_NEED(read(fd, text, sizeof text) == 9 && strcmp(text, "00000033\n") == 0);
    CHILD_NEED(write(fd, "0x10\n", 5) == 5);
    CHILD_NEED(pread(fd, text, sizeof text, 0) == 9 && strcmp(text, "00000010\n") == 0);
    CHILD_NEED(write(fd, "x", 1) == -1 && errno == EINVAL);
    pid_t pid = fork(); /* a child has its parent's */
    if (pid == 0)
        _exit(pread(fd, text, sizeof text, 0) == 9 && strcmp(text, "00000010\n") == 0 ? 0 : 1);
    CHILD_NEED(end_of(pid) == 0);
    touch_nothing();
}

static void filters_mappings(void)
{
    int status = die_by(filter_nothing, RLIM_INFINITY);
    struct core core;

    CHECK(WCOREDUMP(status));
    NEED(core_load(&core));
    CHECK(memory(&core, &marker, 8) == NULL);
    CHECK_EQ(count_notes(&core, NT_PRSTATUS), 1);
    core_drop(&core);
}

static void reserve_much(void)
{
    char *at = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHILD_NEED(at != MAP_FAILED && madvise(at, BIG, MADV_NOHUGEPAGE) == 0);
    at[BIG / 2] = 1;
    touch_nothing();
}

static void costs_only_what_was_touched(void)
{
    struct core core;

    die_by(reserve_much, RLIM_INFINITY);
    NEED(core_load(&core));
    CHECK(core.size > BIG);
    CHECK(core.st.st_blocks * 512 < BIG / 4);
    core_drop(&core);
}

static void obeys_the_limit(void)
{
    int status = die_by(touch_nothing, 0);
    struct stat st;

    CHECK(WIFSIGNALED(status) && !WCOREDUMP(status));
    CHECK(!has_core());
    status = die_by(touch_nothing, 5 * PAGE);
    CHECK(WIFSIGNALED(status) && WCOREDUMP(status));
    CHECK(stat(core_name, &st) == 0 && st.st_blocks * 512 <= 6 * PAGE);
    unlink(core_name);
}

static void not_dumpable(void)
{
    CHILD_NEED(prctl(PR_SET_DUMPABLE, 0) == 0);
    CHILD_NEED(prctl(PR_GET_DUMPABLE) == 0);
    touch_nothing();
}

static void terminate(void)
{
    raise(SIGTERM);
}

static void some_have_none(void)
{
    int status = die_by(not_dumpable, RLIM_INFINITY);

    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && !WCOREDUMP(status));
    CHECK(!has_core());
    status = die_by(terminate, RLIM_INFINITY);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM && !WCOREDUMP(status));
    CHECK(!has_core());
}

static int signal_to_raise;

static void raise_it(void)
{
    raise(signal_to_raise);
}

static void which_signals(void)
{
    static const int dump[] = {SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS,
                               SIGFPE,  SIGXCPU, SIGXFSZ, SIGSYS};
    static const int none[] = {SIGHUP, SIGINT, SIGUSR1, SIGPIPE, SIGALRM, SIGVTALRM, 40};

    for (size_t i = 0; i < sizeof dump / sizeof *dump; i++) {
        signal_to_raise = dump[i];
        int status = die_by(raise_it, RLIM_INFINITY);
        CHECK_EQ(WTERMSIG(status), dump[i]);
        CHECK(WCOREDUMP(status) && has_core());
        unlink(core_name);
    }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        signal_to_raise = none[i];
        int status = die_by(raise_it, RLIM_INFINITY);
        CHECK(WIFSIGNALED(status) && !WCOREDUMP(status) && !has_core());
    }
}

static void waitid_says_dumped(void)
{
    siginfo_t info = {0};
    pid_t pid = start();

    if (pid == 0) {
        allow_cores(RLIM_INFINITY);
        touch_nothing();
    }
    CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED), 0);
    CHECK_EQ(info.si_code, CLD_DUMPED);
    CHECK_EQ(info.si_status, SIGSEGV);
    snprintf(core_name, sizeof core_name, "core.%d", (int)pid);
    unlink(core_name);
    unlink("core");
}

/* A file that is somebody's link, or no file, is left alone. */
static void spares_what_is_in_the_way(void)
{
    CHECK(symlink("elsewhere", "core") == 0);
    die_by(touch_nothing, RLIM_INFINITY);
    CHECK(access("elsewhere", F_OK) != 0);
    unlink("core");
    CHECK(mkdir("core", 0700) == 0);
    die_by(touch_nothing, RLIM_INFINITY);
    CHECK(rmdir("core") == 0);
}

static void crash_on_each_thread(void)
{
    for (long i = 0; i < 8; i++) {
        pthread_t thread;
        CHILD_NEED(pthread_create(&thread, NULL, (void *(*)(void *))(void *)touch_nothing, NULL) ==
                   0);
    }
    stay(NULL);
}

static void all_threads_crash_at_once(void)
{
    for (int i = 0; i < 5; i++) {
        int status = die_by(crash_on_each_thread, RLIM_INFINITY);
        struct core core;
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && WCOREDUMP(status));
        NEED(core_load(&core));
        CHECK(count_notes(&core, NT_PRSTATUS) >= 2);
        core_drop(&core);
    }
}

int main(void)
{
    char pattern[128] = "";
    int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY);
    struct rlimit limit;

    if (read(fd, pattern, sizeof pattern) < 0 || strcmp(pattern, "core\n") != 0 ||
        getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_max != RLIM_INFINITY) {
        printf("skip - cores # core_pattern or RLIMIT_CORE is another here\n1..1\n");
        return 0;
    }
    close(fd);
    enter_fresh_dir();
    promise("a core says how the process died", says_how_it_died);
    promise("a core has every thread", has_every_thread);
    promise("a core shows memory, as madvise says", shows_memory);
    promise("coredump_filter chooses, and children have it", filters_mappings);
    promise("a core costs only what was touched", costs_only_what_was_touched);
    promise("RLIMIT_CORE holds", obeys_the_limit);
    promise("no core: not dumpable, another signal", some_have_none);
    promise("which signals dump", which_signals);
    promise("waitid says CLD_DUMPED", waitid_says_dumped);
    promise("a link in the way is left alone", spares_what_is_in_the_way);
    promise("threads that crash at once make one core", all_threads_crash_at_once);
    return check_end();
}
