// differ: random system calls whose answers are compared with Linux's. See differ.h.
//
//   differ [--families NAME,...] [--seeds A-B] [--steps N]     a line for each run: its digest
//   differ ... --log                                          the lines of the runs
//   differ ... --keep STEPS [--keep STEPS]...                 the last lines of a run of these
//   steps differ --list                                             the families
//
// STEPS is a list of numbers and ranges: 0-9,12. A family that is not to be had here says why.
#include "families.h"

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { LOG_MAX = 24 << 20, STEPS_MAX = 100000, KEEPS_MAX = 256, RUN_SECONDS = 120 };

/* Shared by the processes of a run and the one that prints. */
static struct {
    size_t used, last; /* last: where the last step begins */
    char skipped[200]; /* the family is not to be had: why */
    char text[LOG_MAX];
} * lines;

const char *why = "";
int other_process;
static uint64_t seed_now;
static unsigned nsteps = 2000;
static const struct family *family;
static bool first_arg;
static char place[40]; /* where the world is mounted */

// --- the log ---

void say(const char *fmt, ...)
{
    va_list ap;
    size_t room = LOG_MAX - lines->used;
    va_start(ap, fmt);
    int n = vsnprintf(lines->text + lines->used, room, fmt, ap);
    va_end(ap);
    if (n > 0 && (size_t)n < room)
        lines->used += n;
}

void arg(const char *fmt, ...)
{
    char text[1000];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    say("%s%s", first_arg ? "" : ", ", text);
    first_arg = false;
}

void begin(const char *name)
{
    say("%s(", name);
    first_arg = true;
}

const char *error_name(long error)
{
    const char *name = strerrorname_np((int)error);
    return name ? name : "?";
}

void end(long result)
{
    if (result < 0 && result > -4096)
        say(") = %s", error_name(-result));
    else
        say(") = %ld", result);
}

// --- a world ---

void become(int uid, bool only_fs)
{
    if (only_fs) {
        setfsgid(uid);
        setfsuid(uid);
    } else if (syscall(SYS_setresgid, -1, uid, -1) || syscall(SYS_setresuid, -1, uid, -1)) {
        abort();
    }
}

void be_root(void)
{
    setfsuid(0); // first: setresuid() would leave the rights that go with it where they are
    setfsgid(0);
    if (syscall(SYS_setresuid, -1, 0, -1) || syscall(SYS_setresgid, -1, 0, -1))
        abort();
}

/* The same rights everywhere: hosts may lack CAP_SYS_RESOURCE, and more than these they may not. */
static bool same_rights(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    const uint64_t wanted =
        ((1ull << (CAP_CHECKPOINT_RESTORE + 1)) - 1) & ~(1ull << CAP_SYS_RESOURCE);
    if (syscall(SYS_capget, &head, data) != 0)
        return false;
    uint64_t have = data[0].permitted | (uint64_t)data[1].permitted << 32;
    if ((have & wanted) != wanted)
        return false;
    prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE);
    for (int i = 0; i < 2; i++)
        data[i].effective = data[i].permitted = (uint32_t)(wanted >> 32 * i),
        data[i].inheritable = 0;
    return syscall(SYS_capset, &head, data) == 0;
}

static void same_limits(void)
{
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){256, 256});
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    setgroups(1, (gid_t[]){GID_A});
    umask(022);
}

bool new_root(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return why = "no mount namespace of its own", false;
    if (mount("world", place, "tmpfs", 0, "size=32m,nr_inodes=10000,mode=755") != 0)
        return why = "no tmpfs", false;
    if (fcntl(PROC, F_GETFD) < 0)
        dup2(open("/proc", O_PATH | O_CLOEXEC), PROC);
    if (chdir(place) != 0 || chroot(".") != 0)
        return why = "no chroot", false;
    return true;
}

static bool fresh_world(void)
{
    if (geteuid() != 0 || !same_rights())
        return why = "root's capabilities are not all there", false;
    if (!new_root())
        return false;
    same_limits();
    return family->setup();
}

bool own_ipc(void)
{
    return unshare(CLONE_NEWIPC) == 0 || errno == EINVAL;
}

static const struct op *draw_op(void)
{
    unsigned sum = 0, at;
    for (int list = 0; list < OP_LISTS && family->lists[list]; list++)
        for (const struct op *op = family->lists[list]; op->run; op++)
            sum += op->weight;
    at = below(sum);
    for (int list = 0; list < OP_LISTS && family->lists[list]; list++)
        for (const struct op *op = family->lists[list]; op->run; op++) {
            if (at < op->weight)
                return op;
            at -= op->weight;
        }
    abort();
}

/* Whether the step is the second process's; draws the same in both. */
static bool of_peer(unsigned step)
{
    rnd_seed(seed_now, step);
    return below(8) == 0 && family->peer;
}

static void run_step(unsigned step)
{
    bool peer = of_peer(step);
    int user = family->users && chance(25) ? (chance(70) ? UID_A : UID_B) : 0;
    bool only_fs = chance(30);
    const struct op *op = draw_op();
    lines->last = lines->used;
    say("%u%s%s ", step, peer ? " peer" : "", user == 0 ? "" : only_fs ? " fsuser" : " user");
    if (user)
        say("%d ", user);
    if (user)
        become(user, only_fs);
    op->run();
    if (user)
        be_root();
    if (family->after)
        family->after();
    say("\n");
}

/* The second process makes the steps that it is told. */
static int start_peer(pid_t *pid)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    *pid = fork();
    other_process = *pid;
    if (*pid == 0) {
        unsigned step;
        other_process = getppid();
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], PEER_OUT);
        close(ends[0]);
        close(ends[1]);
        while (read(PEER_OUT, &step, sizeof(step)) == sizeof(step)) {
            run_step(step);
            if (write(PEER_OUT, "", 1) != 1)
                break;
        }
        _exit(0);
    }
    dup2(ends[0], PEER_OUT);
    close(ends[0]);
    close(ends[1]);
    return PEER_OUT;
}

static void run_world(const bool *kept)
{
    pid_t peer;
    int to_peer = -1;
    char done;
    if (!fresh_world()) {
        strncpy(lines->skipped, why, sizeof(lines->skipped) - 1);
        _exit(0);
    }
    if (family->peer)
        to_peer = start_peer(&peer);
    for (unsigned step = 0; step < nsteps; step++) {
        if (kept && !kept[step])
            continue;
        if (!of_peer(step))
            run_step(step);
        else if (write(to_peer, &step, sizeof(step)) != sizeof(step) ||
                 read(to_peer, &done, 1) != 1)
            say("the peer has ended\n");
    }
    _exit(0);
}

/* One run, in processes of its own. */
static void run(uint64_t seed, const bool *kept)
{
    int status;
    lines->used = lines->last = 0;
    lines->skipped[0] = 0;
    seed_now = seed;
    fflush(stdout);
    if (!mkdtemp(strcpy(place, "/tmp/differ.XXXXXX")))
        exit(2);
    pid_t pid = fork();
    if (pid < 0) { // kill(-pid) would be process 1's
        perror("differ: fork");
        exit(2);
    }
    if (pid == 0) {
        setpgid(0, 0);
        alarm(RUN_SECONDS);
        run_world(kept);
    }
    waitpid(pid, &status, 0);
    kill(-pid, SIGKILL); // its own group: what it has left behind
    rmdir(place);
    if (status != 0)
        say("\nended with status %#x\n", status);
}

static void parse_keep(char *text, bool *kept)
{
    memset(kept, 0, STEPS_MAX);
    for (char *part = strtok(text, ","); part; part = strtok(NULL, ",")) {
        unsigned from, to;
        int n = sscanf(part, "%u-%u", &from, &to);
        for (unsigned i = from; i <= (n == 2 ? to : from) && i < STEPS_MAX; i++)
            kept[i] = true;
    }
}

static bool chosen(const char *list, const char *name)
{
    char a[500], b[100];
    snprintf(a, sizeof(a), ",%s,", list);
    snprintf(b, sizeof(b), ",%s,", name);
    return !list[0] || strstr(a, b);
}

static void report(uint64_t seed, bool log, const char *keep)
{
    if (lines->skipped[0]) {
        printf("%s skip %s\n", family->name, lines->skipped);
    } else if (log) {
        fwrite(lines->text, 1, lines->used, stdout);
    } else if (keep) {
        printf("keep\n%.*s", (int)(lines->used - lines->last), lines->text + lines->last);
    } else {
        printf("%s %lu %016lx\n", family->name, seed, hash_of(lines->text, lines->used));
    }
}

int main(int argc, char **argv)
{
    static bool kept[STEPS_MAX];
    char *keeps[KEEPS_MAX];
    unsigned nkeeps = 0;
    const char *chosen_families = "";
    unsigned long seed_first = 1, seed_last = 1;
    bool log = false, list = false;
    if (argc > 1 && strcmp(argv[1], "--helper") == 0)
        return helper_main(argc, argv);
    for (int i = 1; i < argc; i++) {
        char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--log") == 0)
            log = true;
        else if (strcmp(argv[i], "--list") == 0)
            list = true;
        else if (strcmp(argv[i], "--families") == 0)
            chosen_families = value, i++;
        else if (strcmp(argv[i], "--seeds") == 0)
            i++, seed_last = sscanf(value, "%lu-%lu", &seed_first, &seed_last) == 2 ? seed_last
                                                                                    : seed_first;
        else if (strcmp(argv[i], "--steps") == 0)
            nsteps = atoi(value), i++;
        else if (strcmp(argv[i], "--keep") == 0 && nkeeps < KEEPS_MAX)
            keeps[nkeeps++] = value, i++;
        else
            return fprintf(stderr, "differ: %s?\n", argv[i]), 2;
    }
    lines = mmap(NULL, sizeof(*lines), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (lines == MAP_FAILED || nsteps > STEPS_MAX)
        return 2;
    for (family = families; family->name; family++) {
        if (list)
            puts(family->name);
        if (list || !chosen(chosen_families, family->name))
            continue;
        for (unsigned long seed = seed_first; seed <= seed_last && !nkeeps; seed++) {
            run(seed, NULL);
            report(seed, log, NULL);
        }
        for (unsigned i = 0; i < nkeeps; i++) {
            parse_keep(keeps[i], kept);
            run(seed_first, kept);
            report(seed_first, log, "");
        }
    }
    return 0;
}
