// The figures of /proc that count: forks, switches, faults, shared memory, locks.
#include "check.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

/* The number behind the word at a line's beginning; -1: no such line. */
static long figure(const char *path, const char *word)
{
    char line[4096];
    long value = -1;
    FILE *f = fopen(path, "r");

    while (f && fgets(line, sizeof(line), f))
        if (!strncmp(line, word, strlen(word)) && strchr(" \t:", line[strlen(word)]))
            value = strtol(line + strlen(word) + strspn(line + strlen(word), ": \t"), NULL, 10);
    if (f)
        fclose(f);
    return value;
}

static void child_of(int ms)
{
    pid_t pid = fork();

    if (pid == 0) {
        usleep(ms * 1000);
        _exit(0);
    }
    CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

static void forks_and_switches_are_counted(void)
{
    long forks = figure("/proc/stat", "processes"), switches = figure("/proc/stat", "ctxt");
    char running[32], last[32];
    FILE *f;

    NEED(forks > 0 && switches > 0);
    for (int i = 0; i < 5; i++)
        child_of(1);
    CHECK(figure("/proc/stat", "processes") >= forks + 5);
    CHECK(figure("/proc/stat", "ctxt") >= switches + 5); /* each child sleeps */
    signal(SIGCHLD, SIG_IGN);
    if (fork() == 0)
        _exit(0);
    while (wait(NULL) > 0 || errno != ECHILD)
        ;
    signal(SIGCHLD, SIG_DFL);
    CHECK(figure("/proc/stat", "processes") >= forks + 6);
    NEED((f = fopen("/proc/loadavg", "r")) != NULL);
    CHECK_EQ(fscanf(f, "%*s %*s %*s %31s %31s", running, last), 2);
    CHECK(atoi(last) > 0 && strchr(running, '/'));
    fclose(f);
}

static void switches_never_go_back(void)
{
    long before = figure("/proc/stat", "ctxt");

    NEED(before > 0);
    for (int i = 0; i < 30; i++) {
        long now;

        signal(SIGCHLD, i % 2 ? SIG_IGN : SIG_DFL);
        if (fork() == 0) {
            sched_yield();
            _exit(0);
        }
        now = figure("/proc/stat", "ctxt");
        CHECK(now >= before);
        before = now;
        while (wait(NULL) > 0 || errno != ECHILD)
            ;
    }
    signal(SIGCHLD, SIG_DFL);
}

static void faults_are_counted(void)
{
    enum { PAGES = 2000 };
    long before = figure("/proc/vmstat", "pgfault");
    char *p = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    NEED(p != MAP_FAILED);
    madvise(p, PAGES * 4096, MADV_NOHUGEPAGE);
    for (int i = 0; i < PAGES; i++)
        p[i * 4096] = 1;
    CHECK(figure("/proc/vmstat", "pgfault") >= before + PAGES);
    munmap(p, PAGES * 4096);
}

static void shared_memory_is_counted(void)
{
    enum { SIZE = 32 << 20, MOST = SIZE / 10 * 9 /* counters of processors may lag */ };
    int fd = memfd_create("counted", 0);
    struct sysinfo info;

    NEED(fd >= 0 && posix_fallocate(fd, 0, SIZE) == 0);
    NEED(sysinfo(&info) == 0);
    CHECK(figure("/proc/meminfo", "Shmem") >= MOST >> 10);
    CHECK(figure("/proc/meminfo", "Cached") >= MOST >> 10);
    CHECK(figure("/proc/vmstat", "nr_shmem") >= MOST >> 12);
    CHECK(info.sharedram * info.mem_unit >= MOST);
    close(fd);
}

static void file_pages_count_as_shared(void)
{
    long size, resident, shared, text, file = figure("/proc/self/status", "RssFile");
    FILE *f = fopen("/proc/self/statm", "r");

    NEED(f != NULL);
    CHECK_EQ(fscanf(f, "%ld %ld %ld %ld", &size, &resident, &shared, &text), 4);
    fclose(f);
    CHECK(file > 0);
    CHECK(shared > 0 && shared <= resident && resident <= size);
    CHECK(text > 0);
}

/* Is there a line of /proc/locks about the file that ends so? */
static bool locked(int fd, const char *kind, const char *mode, int pid, const char *range)
{
    char line[256], want[256];
    struct stat st;
    bool found = false;
    FILE *f = fopen("/proc/locks", "r");

    if (!f || fstat(fd, &st) < 0)
        return false;
    snprintf(want, sizeof(want), ": %-6s ADVISORY  %s %d %02x:%02x:%lu %s\n", kind, mode, pid,
             major(st.st_dev), minor(st.st_dev), (unsigned long)st.st_ino, range);
    while (fgets(line, sizeof(line), f))
        found |= strchr(line, ':') && !strcmp(strchr(line, ':'), want);
    fclose(f);
    return found;
}

static void locks_are_listed(void)
{
    char name[] = "/tmp/proc_counts.XXXXXX";
    int a = mkstemp(name), b = open(name, O_RDWR);
    struct flock range = {.l_type = F_WRLCK, .l_start = 5, .l_len = 10};

    NEED(a >= 0 && b >= 0);
    unlink(name);
    CHECK(!locked(a, "POSIX", "WRITE", getpid(), "5 14"));
    CHECK_EQ(fcntl(a, F_SETLK, &range), 0);
    CHECK(locked(a, "POSIX", "WRITE", getpid(), "5 14"));
    range = (struct flock){.l_type = F_UNLCK, .l_start = 8, .l_len = 2};
    CHECK_EQ(fcntl(a, F_SETLK, &range), 0); /* it falls in two */
    CHECK(locked(a, "POSIX", "WRITE", getpid(), "5 7"));
    CHECK(locked(a, "POSIX", "WRITE", getpid(), "10 14"));
    range = (struct flock){.l_type = F_RDLCK, .l_start = 100};
    CHECK_EQ(fcntl(b, F_OFD_SETLK, &range), 0);
    CHECK(locked(a, "OFDLCK", "READ", -1, "100 EOF"));
    CHECK_EQ(flock(a, LOCK_SH), 0);
    CHECK(locked(a, "FLOCK", "READ", getpid(), "0 EOF"));
    CHECK_EQ(flock(a, LOCK_UN), 0);
    CHECK(!locked(a, "FLOCK", "READ", getpid(), "0 EOF"));
    close(b); /* and with it the process's own locks go */
    CHECK(!locked(a, "POSIX", "WRITE", getpid(), "5 7"));
    CHECK(!locked(a, "OFDLCK", "READ", -1, "100 EOF"));
    close(a);
}

int main(void)
{
    promise("forks and switches are counted", forks_and_switches_are_counted);
    promise("switches never go back", switches_never_go_back);
    promise("faults are counted", faults_are_counted);
    promise("shared memory is counted", shared_memory_is_counted);
    promise("pages of files count as shared", file_pages_count_as_shared);
    promise("locks are listed", locks_are_listed);
    return check_end();
}
