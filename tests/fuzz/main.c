// fuzz: random system calls with random and boundary arguments, by several threads and processes.
//
//   fuzz [--seed N] [--seconds N] [--workers N] [--threads N] [--calls N] [--port N] [--only NR]
//        [--from ROUND] [--growth KIB] [--linger SECONDS]
//   fuzz --decode FILE [N]     the last N calls of each worker's rounds that are in flight in FILE
//
// The supervisor starts workers, each for a round of calls; wakes those that sleep, ends those that
// do not come on, and looks after each that its end comes and what it leaves behind. Ends with 0,
// or with 1 and lines that start with "fuzz: FAILED". The same seed makes the same calls in each
// thread; what threads and processes do to each other is the scheduler's.
#define _GNU_SOURCE
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <linux/fs.h>
#include <linux/keyctl.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 10, STUCK_TICKS = 3, GIVE_UP_TICKS = 60, ROUND_TICKS = 600, END_TICKS = 3000 };

struct shared *shared;
static unsigned nworkers = 4, seconds = 60;
static int failures;
static long growth_kib = 4096;
static unsigned linger; /* seconds for a debugger to come after a failure */

static struct {
    pid_t pid;
    unsigned ticks, still[THREADS_MAX], ending;
    uint32_t seen[THREADS_MAX];
} watched[WORKERS_MAX];

static void say(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    fflush(stdout);
}

static const char *name_of(unsigned nr)
{
    for (unsigned i = 0; i < ncalls; i++)
        if (calls[i].nr == (int)nr)
            return calls[i].name;
    return "?";
}

/* --- the log -----------------------------------------------------------------------------------
 */

static void print_record(const struct record *r)
{
    char child[24] = "";
    if (r->pid)
        snprintf(child, sizeof(child), " child %d", r->pid);
    say("  worker %u thread %u%s round %u call %u: %s(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx)\n",
        r->worker, r->thread, child, r->round, r->number, name_of(r->nr), r->args[0], r->args[1],
        r->args[2], r->args[3], r->args[4], r->args[5]);
}

static void print_last(unsigned worker, unsigned n)
{
    struct worker *of = &shared->workers[worker];
    for (unsigned t = 0; t < shared->threads; t++) {
        uint32_t number = of->threads[t].number;
        for (uint32_t i = number > n ? number - n + 1 : 1; i <= number; i++)
            print_record(&of->threads[t].ring[i % RING]);
    }
    for (uint32_t end = of->naside, i = end > 2 * n ? end - 2 * n : 0; i < end; i++)
        print_record(&of->aside[i % ASIDE]);
}

/* What was found, and what the worker and then the others did at last. */
static void print_finding(unsigned worker)
{
    const struct finding *f = &shared->workers[worker].finding;
    if (shared->workers[worker].broken)
        say("fuzz: FAILED: at %#lx is %#lx and was %#lx, seen by %s %d (thread %d)\n", f->address,
            f->found, pattern(f->address), f->child ? "child" : "process", f->pid, f->tid);
    print_last(worker, 30);
    for (unsigned i = 0; i < nworkers; i++)
        if (i != worker)
            print_last(i, 6);
}

/* What a machine that did not come to its end has written to its port. */
static int decode(const char *name, unsigned n)
{
    static struct mark last[256][256];
    static uint32_t count[256];
    FILE *file = fopen(name, "r");
    struct mark m;
    if (!file)
        return perror(name), 1;
    while (fread(&m, sizeof(m), 1, file) == 1)
        if (m.magic != MARK_MAGIC || m.who >> 4 >= WORKERS_MAX || (m.who & 15) >= THREADS_MAX)
            fseek(file, 1 - (long)sizeof(m), SEEK_CUR);
        else
            last[m.who][count[m.who]++ % 256] = m;
    for (unsigned who = 0; who < 256; who++)
        for (uint32_t c = count[who], i = c > n ? c - n : 0; i < c; i++) {
            m = last[who][i % 256];
            say("  worker %u thread %u round %u call %u: %s(%#x, ...)\n", who >> 4, who & 15,
                m.round, m.number, name_of(m.nr), m.first_arg);
        }
    fclose(file);
    return 0;
}

/* Where the threads of a process are. */
static void print_threads(pid_t pid)
{
    char name[64], text[256];
    snprintf(name, sizeof(name), "/proc/%d/task", pid);
    DIR *dir = opendir(name);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        snprintf(name, sizeof(name), "/proc/%d/task/%.20s/stat", pid, e->d_name);
        FILE *file = fopen(name, "r");
        if (file && fgets(text, sizeof(text), file))
            say("  %s", text);
        if (file)
            fclose(file);
    }
    if (dir)
        closedir(dir);
}

static void fail(unsigned worker, const char *what)
{
    failures++;
    say("fuzz: FAILED: %s (worker %u, round %u, seed %#lx)\n", what, worker,
        shared->workers[worker].round, shared->seed);
    print_finding(worker);
    print_threads(watched[worker].pid);
    sleep(linger);
}

/* --- mounts ------------------------------------------------------------------------------------
 */

/* What was mounted before the first worker. */
static char first_mounts[4096];

static void read_file(const char *name, char *text, size_t size)
{
    size_t n = 0;
    ssize_t part;
    int fd = open(name, O_RDONLY);
    while (fd >= 0 && (part = read(fd, text + n, size - 1 - n)) > 0)
        n += part;
    close(fd);
    text[n] = 0;
}

static void read_mounts(char *text, size_t size)
{
    read_file("/proc/self/mounts", text, size);
}

static bool was_mounted(const char *place)
{
    char part[300];
    return snprintf(part, sizeof(part), " %s ", place) < (int)sizeof(part) &&
           strstr(first_mounts, part);
}

/* A place as /proc/mounts has it: "\\012" is a newline. */
static void unescape(char *place)
{
    char *to = place;
    for (; *place; place++)
        if (*place == '\\' && place[1] && place[2] && place[3]) {
            *to++ = (char)((place[1] & 7) << 6 | (place[2] & 7) << 3 | (place[3] & 7));
            place += 3;
        } else {
            *to++ = *place;
        }
    *to = 0;
}

/* /proc may have been taken away, or be covered: by what was mounted on ".." of a folder of it. */
static dev_t proc_dev;

static bool sees_proc(void)
{
    struct stat st;
    return stat("/proc", &st) == 0 && st.st_dev == proc_dev;
}

static void need_proc(void)
{
    while (!sees_proc() && umount2("/proc", MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        ;
    if (!sees_proc()) {
        struct stat st;
        mount("proc", "/proc", "proc", 0, NULL);
        proc_dev = stat("/proc", &st) == 0 ? st.st_dev : 0;
    }
}

/* What workers have mounted, wherever: the last goes first, with all that is on it. False: nothing.
 */
static bool unmount_some(void)
{
    static char text[1 << 20];
    int n = 0;
    need_proc();
    read_mounts(text, sizeof(text));
    for (char *end; (end = strrchr(text, '\n'));) {
        *end = 0;
        char *start = strrchr(text, '\n');
        char *place = strchr(start ? start : text, ' ');
        if (place) {
            *strchrnul(++place, ' ') = 0;
            unescape(place);
            n += !was_mounted(place) && umount2(place, MNT_DETACH | UMOUNT_NOFOLLOW) == 0;
        }
    }
    return n > 0;
}

static bool make_folder(const char *name)
{
    mkdir("/tmp/fuzz", 0777);
    mkdir(name, 0777);
    return chmod(name, 0777) == 0;
}

/* A worker's folder, which others may have mounted on, or made a part of what is read-only. */
static void need_folder(const char *name)
{
    if (make_folder(name))
        return;
    while (unmount_some())
        ;
    mount(NULL, "/", NULL, MS_REMOUNT, NULL);
    if (!make_folder(name))
        say("fuzz: %s: %s\n", name, strerror(errno));
}

/* --- workers -----------------------------------------------------------------------------------
 */

static void start(unsigned index, uint32_t round)
{
    char folder[64];
    snprintf(folder, sizeof(folder), "/tmp/fuzz/%u", index);
    need_folder(folder);
    memset(&watched[index], 0, sizeof(watched[index]));
    memset(shared->workers[index].threads, 0, sizeof(shared->workers[index].threads));
    shared->workers[index].broken = 0;
    shared->workers[index].naside = 0;
    shared->workers[index].round = round;
    pid_t pid = fork();
    if (pid == 0) {
        struct sched_param fair = {0};
        sched_setscheduler(0, SCHED_OTHER, &fair);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (chdir(folder) < 0)
            _exit(0);
        int null = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++)
            dup2(null, fd);
        close_range(3, ~0u, 0);
        worker_run(index, round);
    }
    if (pid < 0)
        say("fuzz: fork: %s\n", strerror(errno));
    watched[index].pid = shared->workers[index].pid = pid;
}

static void kill_all_of(pid_t pid)
{
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
}

/* Threads that have reserved a microsecond in four seconds (SCHED_DEADLINE) would take hours to
 * end, on Linux, too. */
static void make_fair(pid_t pid)
{
    const struct sched_param fair = {0};
    char name[32];
    snprintf(name, sizeof(name), "/proc/%d/task", pid);
    DIR *dir = opendir(name);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (atoi(entry->d_name) > 0)
            sched_setscheduler(atoi(entry->d_name), SCHED_OTHER, &fair);
    if (dir)
        closedir(dir);
}

/* Wake what sleeps, end what does not come on. */
static void watch(unsigned index)
{
    struct worker *worker = &shared->workers[index];
    unsigned still = 0;
    if (watched[index].ending) {
        kill_all_of(watched[index].pid);
        make_fair(watched[index].pid);
        if (watched[index].ending++ == END_TICKS)
            fail(index, "a killed process does not end");
        return;
    }
    for (unsigned t = 0; t < shared->threads; t++) {
        uint32_t number = worker->threads[t].number;
        unsigned *ticks = &watched[index].still[t];
        *ticks = number == watched[index].seen[t] ? *ticks + 1 : 0;
        watched[index].seen[t] = number;
        if (*ticks && *ticks % STUCK_TICKS == 0)
            syscall(SYS_tgkill, watched[index].pid, worker->threads[t].tid, SIGUSR1);
        still += *ticks > GIVE_UP_TICKS;
    }
    if (still || ++watched[index].ticks > ROUND_TICKS)
        watched[index].ending = 1;
}

static void ended(unsigned index)
{
    static const char *const what[] = {"", "memory that no call was given has changed",
                                       "memory that may only be read has changed"};
    kill_all_of(watched[index].pid);
    if (shared->workers[index].broken)
        fail(index, what[shared->workers[index].broken]);
    watched[index].pid = shared->workers[index].pid = 0;
}

static void reap(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0)
        for (unsigned i = 0; i < nworkers; i++)
            if (watched[i].pid == pid && (WIFEXITED(status) || WIFSIGNALED(status)))
                ended(i);
}

/* --- what is left behind -----------------------------------------------------------------------
 */

static bool alive(void)
{
    for (unsigned i = 0; i < nworkers; i++)
        if (watched[i].pid)
            return true;
    return false;
}

/* What has left its group and its parent: stopped, or asleep where nobody wakes it. */
static void end_orphans(void)
{
    DIR *dir = opendir("/proc");
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (atoi(e->d_name) > 1)
            kill(atoi(e->d_name), SIGKILL);
    if (dir)
        closedir(dir);
}

static void remove_ipc(void)
{
    union {
        int value;
        struct semid_ds *buf;
        struct seminfo *info;
    } sem;
    struct shmid_ds shm;
    struct msqid_ds msg;
    struct semid_ds set;
    struct seminfo info;
    struct shm_info shm_info;
    struct msginfo msg_info;
    /* What these tell is the highest index that is in use. */
    for (int i = shmctl(0, SHM_INFO, (void *)&shm_info), id; i >= 0; i--)
        if ((id = shmctl(i, SHM_STAT, &shm)) >= 0)
            shmctl(id, IPC_RMID, NULL);
    for (int i = msgctl(0, MSG_INFO, (void *)&msg_info), id; i >= 0; i--)
        if ((id = msgctl(i, MSG_STAT, &msg)) >= 0)
            msgctl(id, IPC_RMID, NULL);
    sem.info = &info;
    int last = semctl(0, 0, SEM_INFO, sem);
    sem.buf = &set;
    for (int i = last, id; i >= 0; i--)
        if ((id = semctl(i, 0, SEM_STAT, sem)) >= 0)
            semctl(id, 0, IPC_RMID);
    syscall(SYS_mq_unlink, "fuzz0");
    syscall(SYS_mq_unlink, "fuzz1");
    syscall(SYS_mq_unlink, "fuzz2");
}

/* The keys that this user may see, as many as the buffer holds; how many were made invalid. */
static unsigned remove_some_keys(void)
{
    static char keys[1 << 20];
    unsigned n = 0;
    read_file("/proc/keys", keys, sizeof(keys));
    for (char *key = keys, *next; (next = strchr(key, '\n')); key = next + 1)
        n += syscall(SYS_keyctl, KEYCTL_INVALIDATE, (int)strtoul(key, NULL, 16)) == 0;
    return n;
}

/* All that anybody may see is made invalid: each user's by that user. */
static void remove_keys(void)
{
    static char users[1 << 16];
    read_file("/proc/key-users", users, sizeof(users));
    for (char *user = users, *end; (end = strchr(user, '\n')); user = end + 1) {
        setfsuid(strtoul(user, NULL, 10));
        while (remove_some_keys())
            ;
    }
    setfsuid(0);
}

static void remove_tree(int at, const char *name)
{
    if (!unlinkat(at, name, 0) || (errno != EISDIR && errno != EPERM))
        return;
    int fd = openat(at, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW), none = 0;
    if (ioctl(fd, FS_IOC_SETFLAGS, &none) == 0 && !unlinkat(at, name, 0)) {
        close(fd); /* it was immutable */
        return;
    }
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir && fd >= 0)
        close(fd);
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            remove_tree(fd, e->d_name);
    if (dir)
        closedir(dir);
    unlinkat(at, name, AT_REMOVEDIR);
}

/* What folders that workers may get to had at first: whole names, an empty one behind the last. */
static char first_names[32768];

static bool was_there(const char *name)
{
    for (const char *at = first_names; *at; at += strlen(at) + 1)
        if (!strcmp(at, name))
            return true;
    return false;
}

static void each_name(void (*visit)(const char *name))
{
    static const char *const folders[] = {"/", "/tmp", "/dev", "/dev/shm"};
    for (unsigned i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
        DIR *dir = opendir(folders[i]);
        for (struct dirent *e; dir && (e = readdir(dir));) {
            char name[300];
            snprintf(name, sizeof(name), "%s/%s", i ? folders[i] : "", e->d_name);
            if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
                visit(name);
        }
        if (dir)
            closedir(dir);
    }
}

static void note(const char *name)
{
    static size_t length;
    if (length + strlen(name) + 2 < sizeof(first_names)) {
        strcpy(first_names + length, name);
        length += strlen(name) + 1;
    }
}

static void remove_new(const char *name)
{
    if (!was_there(name))
        remove_tree(AT_FDCWD, name);
}

/* Workers make file systems read-only, too. */
static void make_writable(void)
{
    static const char *const mounts[] = {"/", "/dev", "/dev/shm"};
    for (unsigned i = 0; i < sizeof(mounts) / sizeof(*mounts); i++)
        if (mount(NULL, mounts[i], NULL, MS_REMOUNT, NULL) != 0)
            say("fuzz: remounting %s: %s\n", mounts[i], strerror(errno));
}

static void clean(void)
{
    while (unmount_some())
        ;
    make_writable();
    each_name(remove_new);
    remove_ipc();
    remove_keys();
}

struct left {
    long free_kib, slab_kib;
    int processes, runnable;
};

static long field(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? strtol(at + strlen(name), NULL, 10) : 0;
}

/* How many threads want a processor: soon only this one, if none runs in circles. */
static int runnable(void)
{
    char text[64] = "";
    struct timespec t = {0, 50000000};
    int n = 0;
    for (int i = 0; i < 60 && n != 1; i++) {
        nanosleep(&t, NULL);
        int fd = open("/proc/loadavg", O_RDONLY);
        (void)!read(fd, text, sizeof(text) - 1);
        close(fd);
        char *slash = strchr(text, '/');
        n = slash ? atoi(slash + 1) : 0;
    }
    return n;
}

static void read_meminfo(char *text, size_t size)
{
    int fd = open("/proc/meminfo", O_RDONLY);
    ssize_t n = read(fd, text, size - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
}

/* What the kernel keeps for each page (under the sanitizer an eighth of it) it makes when the page
 * is first used: here, so that it does not count as lost. */
static void use_all_memory(void)
{
    char text[4096];
    read_meminfo(text, sizeof(text));
    size_t size = (size_t)field(text, "MemFree:") * 1024 / 5 * 4;
    char *all = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; all != MAP_FAILED && i < size; i += 4096)
        all[i] = 1;
    munmap(all, size);
}

static void what_is_left(struct left *left)
{
    char text[4096];
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
    (void)!write(fd, "3", 1); /* what can be given back is not lost */
    close(fd);
    read_meminfo(text, sizeof(text));
    left->free_kib = field(text, "MemFree:");
    left->slab_kib = field(text, "Slab:");
    left->processes = 0;
    DIR *dir = opendir("/proc");
    for (struct dirent *e; dir && (e = readdir(dir));)
        left->processes += e->d_name[0] >= '0' && e->d_name[0] <= '9';
    if (dir)
        closedir(dir);
    left->runnable = runnable();
}

/* --- a span of fuzzing -------------------------------------------------------------------------
 */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void tick(void)
{
    struct timespec t = {0, TICK_MS * 1000000l};
    nanosleep(&t, NULL);
    reap();
    for (unsigned i = 0; i < nworkers; i++)
        if (watched[i].pid)
            watch(i);
}

static void fuzz_for(double span, uint32_t *round)
{
    double end = now() + span;
    while (now() < end && !failures) {
        for (unsigned i = 0; i < nworkers; i++)
            if (!watched[i].pid)
                start(i, (*round)++);
        tick();
    }
    for (unsigned i = 0; i < nworkers; i++)
        watched[i].ending = watched[i].pid ? 1 : 0;
    for (double late = now() + 60; alive() && now() < late;)
        tick();
    struct timespec t = {0, 300000000};
    for (int i = 0; i < 5; i++) { /* orphans, and what is freed late */
        nanosleep(&t, NULL);
        reap();
        need_proc();
        end_orphans();
    }
    clean();
}

static void print_processes(void)
{
    DIR *dir = opendir("/proc");
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (atoi(e->d_name) > 1)
            print_threads(atoi(e->d_name));
    if (dir)
        closedir(dir);
}

/* A file of /proc, when memory is missing. */
static void print_file(const char *name)
{
    char text[4096];
    ssize_t n;
    int fd = open(name, O_RDONLY);
    while (fd >= 0 && (n = read(fd, text, sizeof(text))) > 0)
        for (ssize_t i = 0; i < n; i++) /* names may hold any byte */
            printf((uint8_t)(text[i] - ' ') < 95 || text[i] == '\n' ? "%c" : "\\%03o",
                   (uint8_t)text[i]);
    fflush(stdout);
    close(fd);
}

/* Of what is still mounted: why. */
static void print_mounted(void)
{
    static char text[1 << 16];
    struct stat st;
    read_mounts(text, sizeof(text));
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        char *place = strchr(line, ' ');
        *end = 0;
        if (!place || place > end)
            continue;
        *strchrnul(++place, ' ') = 0;
        unescape(place);
        if (was_mounted(place))
            continue;
        say("fuzz: mounted: %s: %s", place, lstat(place, &st) ? strerror(errno) : "is there");
        say(", umount: %s\n",
            umount2(place, MNT_DETACH | UMOUNT_NOFOLLOW) ? strerror(errno) : "works");
    }
}

static void write_file(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY);
    if (write(fd, text, strlen(text)) < 0)
        say("fuzz: %s: %s\n", name, strerror(errno));
    close(fd);
}

static void print_new(const char *name)
{
    struct stat st;
    if (!was_there(name) && lstat(name, &st) == 0)
        say("fuzz: left: %s, mode %o, %ld bytes\n", name, st.st_mode, (long)st.st_size);
}

static void compare(const struct left *before, const struct left *after)
{
    int failed = failures;
    say("fuzz: free %ld -> %ld KiB, slab %ld -> %ld KiB, processes %d -> %d, runnable %d -> %d\n",
        before->free_kib, after->free_kib, before->slab_kib, after->slab_kib, before->processes,
        after->processes, before->runnable, after->runnable);
    if (before->free_kib - after->free_kib > growth_kib) {
        failures++;
        say("fuzz: FAILED: memory is lost: %ld KiB\n", before->free_kib - after->free_kib);
    }
    if (after->processes > 1 || after->runnable > 1) { /* this one */
        failures++;
        say("fuzz: FAILED: processes or threads are left\n");
    }
    if (failures > failed) {
        print_processes();
        print_file("/proc/meminfo");
        print_file("/proc/slabinfo");
        print_file("/proc/mounts");
        print_file("/proc/key-users");
        each_name(print_new);
        print_mounted();
        sleep(linger);
    }
}

static void print_coverage(void)
{
    unsigned kinds = 0, worked = 0;
    say("fuzz: never without an error:");
    for (unsigned i = 0; i < 512; i++) {
        kinds += shared->called[i] > 0;
        worked += shared->succeeded[i] > 0;
        if (shared->called[i] && !shared->succeeded[i])
            say(" %s", name_of(i));
    }
    say("\nfuzz: %u kinds of calls, %u of them at some time without an error\n", kinds, worked);
}

static void parse(int argc, char **argv, uint32_t *round)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t value = strtoull(argv[i + 1], NULL, 0);
        if (!strcmp(argv[i], "--seed"))
            shared->seed = value;
        else if (!strcmp(argv[i], "--seconds"))
            seconds = value;
        else if (!strcmp(argv[i], "--workers"))
            nworkers = value < WORKERS_MAX ? value : WORKERS_MAX;
        else if (!strcmp(argv[i], "--threads"))
            shared->threads = value < THREADS_MAX ? value : THREADS_MAX;
        else if (!strcmp(argv[i], "--calls"))
            shared->calls_per_round = value;
        else if (!strcmp(argv[i], "--port"))
            shared->port = value;
        else if (!strcmp(argv[i], "--only"))
            shared->only = value;
        else if (!strcmp(argv[i], "--from"))
            *round = value;
        else if (!strcmp(argv[i], "--growth"))
            growth_kib = value;
        else if (!strcmp(argv[i], "--linger"))
            linger = value;
        else
            say("fuzz: what is %s?\n", argv[i]), exit(2);
    }
}

int main(int argc, char **argv)
{
    uint32_t round = 0;
    struct left before, after;
    struct sched_param first = {.sched_priority = 50};

    if (argc > 2 && !strcmp(argv[1], "--decode"))
        return decode(argv[2], argc > 3 ? atoi(argv[3]) : 12);
    if (getpid() != 1) {
        say("fuzz: for a virtual machine, as its first process only: it would end this system\n");
        return 2;
    }
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *shared = (struct shared){.calls_per_round = 3000, .threads = 3, .only = -1};
    shared->supervisor = getpid();
    if (syscall(SYS_getrandom, &shared->seed, 4, 0) != 4)
        shared->seed = time(NULL);
    parse(argc, argv, &round);
    sched_setscheduler(0, SCHED_RR, &first);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    mlockall(MCL_CURRENT);
    each_name(note);
    struct stat st;
    proc_dev = stat("/proc", &st) == 0 ? st.st_dev : 0;
    read_mounts(first_mounts, sizeof(first_mounts));
    use_all_memory();
    /* A user's keyring that nobody is allowed to look into any more stays, with all that is in it.
     */
    write_file("/proc/sys/kernel/keys/root_maxkeys", "200");
    write_file("/proc/sys/kernel/keys/root_maxbytes", "20000");
    say("fuzz: seed %#lx\n", shared->seed);
    fuzz_for(seconds > 20 ? 8 : seconds / 4.0, &round); /* caches fill, once */
    what_is_left(&before);
    fuzz_for(seconds > 20 ? seconds - 8 : seconds * 3 / 4.0, &round);
    what_is_left(&after);
    compare(&before, &after);
    print_coverage();
    say("fuzz: %lu calls, %lu with an error, %u rounds, %u s\n", shared->calls, shared->errors,
        round, seconds);
    say(failures ? "fuzz: FAILED\n" : "fuzz: passed\n");
    return failures != 0;
}
