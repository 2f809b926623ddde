/* /proc/PID as programs parse it: fields that agree with each other, with system calls and with
 * what the process did to itself. */
#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { PAGE = 4096, PAGES = 64 };

static char *slurp(const char *path)
{
    static char text[1 << 20];
    int fd = open(path, O_RDONLY);
    ssize_t n, done = 0;

    while (fd >= 0 && (n = read(fd, text + done, sizeof text - 1 - (size_t)done)) > 0)
        done += n;
    text[done] = 0;
    close(fd);
    return fd < 0 ? NULL : text;
}

/* The number behind "NAME:" in a file of such lines; -1. */
static long field(const char *path, const char *name)
{
    char *text = slurp(path), *at;
    size_t n = strlen(name);

    for (at = text; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
        if (!strncmp(at, name, n) && at[n] == ':')
            return strtol(at + n + 1, NULL, 0);
    return -1;
}

static bool put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    int saved = errno;

    close(fd);
    errno = saved;
    return good;
}

static void stat_and_status_agree(void)
{
    char comm[64], state;
    int pid, ppid, pgid, sid, terminal, foreground;
    long vsize, threads;

    NEED(slurp("/proc/self/stat") != NULL);
    CHECK_EQ(
        sscanf(slurp("/proc/self/stat"),
               "%d (%63[^)]) %c %d %d %d %d %d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld "
               "%*d %*u %ld",
               &pid, comm, &state, &ppid, &pgid, &sid, &terminal, &foreground, &threads, &vsize),
        10);
    CHECK_EQ(pid, getpid());
    CHECK_EQ(state, 'R');
    CHECK_EQ(ppid, getppid());
    CHECK_EQ(pgid, getpgrp());
    CHECK_EQ(sid, getsid(0));
    CHECK_EQ(threads, field("/proc/self/status", "Threads"));
    CHECK_EQ(vsize / 1024, field("/proc/self/status", "VmSize"));
    CHECK_EQ(field("/proc/self/status", "Pid"), getpid());
    CHECK_EQ(field("/proc/self/status", "PPid"), getppid());
    CHECK_EQ(field("/proc/self/status", "TracerPid"), 0);
    CHECK_EQ(field("/proc/self/status", "CoreDumping"), 0);
}

static void status_counts_memory(void)
{
    long rss = field("/proc/self/status", "VmRSS"), anon = field("/proc/self/status", "RssAnon");
    char *at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    NEED(at != MAP_FAILED);
    memset(at, 1, PAGES * PAGE);
    CHECK(field("/proc/self/status", "RssAnon") >= anon + PAGES * PAGE / 1024 - 16);
    CHECK(field("/proc/self/status", "VmRSS") > rss);
    CHECK(field("/proc/self/status", "VmHWM") >= field("/proc/self/status", "VmRSS"));
    CHECK(field("/proc/self/status", "VmStk") >= 100);
    CHECK(field("/proc/self/status", "VmExe") >= 4);
    CHECK(field("/proc/self/status", "VmPTE") >= 4);
    munmap(at, PAGES * PAGE);
}

/* The number behind NAME among the smaps lines of the mapping that starts at addr. */
static long smap(const void *addr, const char *name)
{
    char head[32], *text = slurp("/proc/self/smaps"), *at;

    snprintf(head, sizeof head, "%lx-", (unsigned long)addr);
    at = text ? strstr(text, head) : NULL;
    at = at ? strstr(at, name) : NULL;
    return at ? strtol(at + strlen(name) + 1, NULL, 10) : -1;
}

static void smaps_counts_pages(void)
{
    char *at = mmap(NULL, (PAGES + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *text, *flags;

    NEED(at != MAP_FAILED);
    at += PAGE;
    NEED(mprotect(at, PAGES * PAGE, PROT_READ | PROT_WRITE) == 0);
    madvise(at, PAGES * PAGE, MADV_NOHUGEPAGE);
    for (int i = 0; i < PAGES / 2; i++)
        at[i * PAGE] = 1;
    CHECK_EQ(smap(at, "\nSize:"), PAGES * 4);
    CHECK_EQ(smap(at, "\nRss:"), PAGES / 2 * 4);
    CHECK_EQ(smap(at, "\nPss:"), PAGES / 2 * 4);
    CHECK_EQ(smap(at, "\nPrivate_Dirty:"), PAGES / 2 * 4);
    CHECK_EQ(smap(at, "\nAnonymous:"), PAGES / 2 * 4);
    CHECK_EQ(smap(at, "\nShared_Clean:"), 0);
    CHECK(madvise(at, PAGES * PAGE, MADV_DONTDUMP) == 0);
    text = slurp("/proc/self/smaps");
    char head[32];
    snprintf(head, sizeof head, "%lx-", (unsigned long)at);
    flags = strstr(text, head);
    flags = flags ? strstr(flags, "VmFlags:") : NULL;
    NEED(flags != NULL);
    *strchr(flags, '\n') = 0;
    CHECK(strstr(flags, " rd wr ") && strstr(flags, " dd ") && strstr(flags, " nh "));
    CHECK(!strstr(flags, " ex ") && !strstr(flags, " sh "));
    munmap(at - PAGE, (PAGES + 2) * PAGE);
}

static void rollup_is_the_sum(void)
{
    char *text = slurp("/proc/self/smaps");
    long sum = 0, rollup;

    NEED(text != NULL);
    for (char *at = text; (at = strstr(at, "\nRss:")); at++)
        sum += strtol(at + 5, NULL, 10);
    rollup = field("/proc/self/smaps_rollup", "Rss");
    CHECK(rollup >= sum - 64 && rollup <= sum + 64);
    CHECK(strstr(slurp("/proc/self/smaps_rollup"), "[rollup]") != NULL);
    CHECK(field("/proc/self/smaps_rollup", "Pss_Anon") > 0);
}

static void pagemap_has_a_word_a_page(void)
{
    char *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = open("/proc/self/pagemap", O_RDONLY);
    uint64_t words[4];

    NEED(at != MAP_FAILED && fd >= 0);
    madvise(at, 4 * PAGE, MADV_NOHUGEPAGE);
    at[PAGE] = at[3 * PAGE] = 1;
    CHECK_EQ(pread(fd, words, sizeof words, (long)((uintptr_t)at / PAGE * 8)), sizeof words);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(words[i] >> 63, i % 2);
    CHECK_EQ(words[1] >> 61 & 1, 0);
    CHECK_ERRNO(pread(fd, words, 7, 0), EINVAL);
    close(fd);
    munmap(at, 4 * PAGE);
}

/* The first line of maps that shows this program's file. */
static const char *own_line(void)
{
    char *text = slurp("/proc/self/maps"), *at = text ? strstr(text, "/proc_process") : NULL;

    while (at && at > text && at[-1] != '\n')
        at--;
    return at ? at : "";
}

static void map_files_lead_to_files(void)
{
    char name[100], target[200] = "", head[64];
    unsigned long start, end;
    struct stat a, b;
    ssize_t n;

    if (geteuid() != 0)
        SKIP("root only");
    NEED(sscanf(own_line(), "%lx-%lx %63s", &start, &end, head) == 3);
    snprintf(name, sizeof name, "/proc/self/map_files/%lx-%lx", start, end);
    n = readlink(name, target, sizeof target - 1);
    CHECK(n > 0 && strstr(target, "proc_process"));
    CHECK(stat("/proc/self/exe", &a) == 0 && stat(name, &b) == 0 && a.st_ino == b.st_ino);
    CHECK_ERRNO(readlink("/proc/self/map_files/1000-2000", target, sizeof target), ENOENT);
}

static void maps_names_the_inode(void)
{
    unsigned long ino, major, minor;
    struct stat st;

    NEED(stat("/proc/self/exe", &st) == 0);
    NEED(sscanf(own_line(), "%*x-%*x %*s %*x %lx:%lx %lu", &major, &minor, &ino) == 3);
    CHECK_EQ(ino, st.st_ino);
}

/* Readers that split at the spaces count on the one behind the inode. */
static void lines_without_a_name_end_in_a_space(void)
{
    char *text = slurp("/proc/self/maps");

    CHECK(text && strstr(text, " 00:00 0 \n"));
    CHECK(text && !strstr(text, " 00:00 0\n"));
}

static void *wait_for_end(void *fd)
{
    char c;

    return read(*(int *)fd, &c, 1) < 0 ? fd : NULL;
}

/* Chromium's sandbox asks so whether its process has one thread only. */
static void links_of_task_count_threads(void)
{
    struct stat st;
    pthread_t thread;
    int hold[2];

    CHECK(stat("/proc/self/task/", &st) == 0);
    CHECK_EQ(st.st_nlink, 3);
    NEED(pipe(hold) == 0 && pthread_create(&thread, NULL, wait_for_end, &hold[0]) == 0);
    CHECK(stat("/proc/self/task/", &st) == 0);
    CHECK_EQ(st.st_nlink, 4);
    close(hold[1]);
    pthread_join(thread, NULL);
    close(hold[0]);
}

static void oom_score_adj_is_kept(void)
{
    CHECK_EQ(atoi(slurp("/proc/self/oom_score_adj")), 0);
    CHECK(put("/proc/self/oom_score_adj", "500\n"));
    CHECK_EQ(atoi(slurp("/proc/self/oom_score_adj")), 500);
    CHECK(!put("/proc/self/oom_score_adj", "1001") && errno == EINVAL);
    CHECK(!put("/proc/self/oom_score_adj", "x") && errno == EINVAL);
    pid_t pid = start();
    if (pid == 0)
        _exit(atoi(slurp("/proc/self/oom_score_adj")) == 500 ? 0 : 1);
    CHECK_EQ(end_of(pid), 0);
    CHECK(atoi(slurp("/proc/self/oom_score")) > 667);
    CHECK(put("/proc/self/oom_score_adj", "0"));
}

static void timer_slack(void)
{
    CHECK(prctl(PR_SET_TIMERSLACK, 12345) == 0);
    CHECK_EQ(atoi(slurp("/proc/self/timerslack_ns")), 12345);
    CHECK(put("/proc/self/timerslack_ns", "50000"));
    CHECK_EQ(prctl(PR_GET_TIMERSLACK), 50000);
}

static void comm_can_be_written(void)
{
    char name[17] = "";

    CHECK(put("/proc/self/comm", "a name longer than it may be\n"));
    CHECK(prctl(PR_GET_NAME, name) == 0 && !strcmp(name, "a name longer t"));
    CHECK(!strcmp(slurp("/proc/self/comm"), "a name longer t\n"));
    CHECK(put("/proc/self/comm", "proc_process"));
}

static void children_are_listed(void)
{
    char path[64];
    pid_t pid = start();

    if (pid == 0) {
        pause();
        _exit(0);
    }
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    if (access(path, F_OK) == 0) { /* a Linux may be built without it */
        CHECK_EQ(atoi(slurp(path)), pid);
    }
    kill(pid, SIGKILL);
    end_of(pid);
}

static void name_spaces(void)
{
    static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char path[64], target[64] = "", word[16];
        unsigned long ino;
        snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
        CHECK(readlink(path, target, sizeof target - 1) > 0);
        CHECK(sscanf(target, "%15[a-z]:[%lu]", word, &ino) == 2 && !strcmp(word, kinds[i]) &&
              ino > 0xe0000000ul);
    }
}

static void cgroup_line(void)
{
    char *text = slurp("/proc/self/cgroup");

    NEED(text != NULL);
    CHECK(strstr(text, ":/") != NULL);
    if (!inside_osprey())
        return;
    CHECK(!strcmp(text, "0::/\n"));
    CHECK(!strcmp(slurp("/sys/fs/cgroup/cpu.max"), "max 100000\n"));
    CHECK(!strcmp(slurp("/sys/fs/cgroup/memory.max"), "max\n"));
    CHECK(atol(slurp("/sys/fs/cgroup/memory.current")) > 0);
    CHECK(atol(slurp("/sys/fs/cgroup/pids.current")) > 0);
    CHECK(strstr(slurp("/sys/fs/cgroup/cgroup.procs"), "1\n") != NULL);
}

static void mounts_can_be_polled(void)
{
    struct pollfd fds[2] = {{.events = POLLPRI}, {.events = POLLPRI}};

    if (geteuid() != 0)
        SKIP("root only");
    if (!inside_osprey() && /* others' mounts would be told, too */
        (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0))
        SKIP("a mount namespace is not allowed here");
    mkdir("/tmp/proc_mount", 0700);
    fds[0].fd = open("/proc/self/mounts", O_RDONLY);
    fds[1].fd = open("/proc/self/mountinfo", O_RDONLY);
    NEED(fds[0].fd >= 0 && fds[1].fd >= 0);
    CHECK_EQ(poll(fds, 2, 0), 0);
    if (mount("none", "/tmp/proc_mount", "tmpfs", 0, NULL) != 0)
        SKIP("mount is not allowed here");
    CHECK_EQ(poll(fds, 2, 1000), 2);
    CHECK(fds[0].revents == (POLLERR | POLLPRI) && fds[1].revents == (POLLERR | POLLPRI));
    CHECK_EQ(poll(fds, 2, 0), 0); /* told once */
    CHECK(strstr(slurp("/proc/self/mounts"), " /tmp/proc_mount tmpfs ") != NULL);
    CHECK(
        strstr(slurp("/proc/self/mountstats"), " mounted on /tmp/proc_mount with fstype tmpfs\n"));
    CHECK_EQ(umount("/tmp/proc_mount"), 0);
    CHECK_EQ(poll(fds, 2, 1000), 2);
    close(fds[0].fd);
    close(fds[1].fd);
    rmdir("/tmp/proc_mount");
}

static void global_files(void)
{
    static const char *const files[] = {
        "/proc/buddyinfo", "/proc/zoneinfo",  "/proc/softirqs",   "/proc/consoles",
        "/proc/key-users", "/proc/meminfo",   "/proc/vmstat",     "/proc/loadavg",
        "/proc/uptime",    "/proc/swaps",     "/proc/interrupts", "/proc/filesystems",
        "/proc/net/tcp",   "/proc/net/unix",  "/proc/net/dev",    "/proc/self/limits",
        "/proc/self/io",   "/proc/self/sched"};
    double up, idle;

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (!inside_osprey() && access(files[i], F_OK) != 0)
            continue; /* a Linux may be built without it */
        const char *text = slurp(files[i]);
        CHECK(text && *text && text[strlen(text) - 1] == '\n');
    }
    CHECK(sscanf(slurp("/proc/uptime"), "%lf %lf", &up, &idle) == 2 && up > 0);
    CHECK(field("/proc/meminfo", "MemTotal") >= field("/proc/meminfo", "MemFree"));
    CHECK(strncmp(slurp("/proc/buddyinfo"), "Node 0, zone ", 13) == 0);
}

/* Programs split its lines at white space, however large the number. */
static void meminfo_has_columns(void)
{
    for (char *line = strtok(slurp("/proc/meminfo"), "\n"); line; line = strtok(NULL, "\n")) {
        char name[64], unit[8] = "kB";
        unsigned long value;
        CHECK(sscanf(line, "%63s %lu %7s", name, &value, unit) >= 2);
        CHECK(name[strlen(name) - 1] == ':' && !strcmp(unit, "kB"));
    }
}

/* Each line is a function, with the offset in it and its size. For CAP_SYS_ADMIN only. */
static void check_stack(const char *path)
{
    char *text = slurp(path);
    int lines = 0, end;

    if (geteuid() != 0 || prctl(PR_CAPBSET_READ, 21) != 1)
        return;
    CHECK(text != NULL);
    for (char *at = text; at && *at; at += end, lines++) {
        unsigned long offset = 1, size = 0;
        char name[64];
        end = 0;
        CHECK(sscanf(at, "[<0>] %63[^+]+%lx/%lx%*1[\n]%n", name, &offset, &size, &end) == 3 && end);
        CHECK(offset <= size);
        if (!end)
            return;
    }
    CHECK(lines >= 2);
}

/* The call that a thread is in, with its arguments, the stack pointer and where it returns to. */
static void syscall_is_shown(void)
{
    unsigned long arg[6], sp, ip;
    char path[64], byte, *text;
    int ends[2], nr, fd = open("/proc/self/syscall", O_RDONLY);
    unsigned long frame = (unsigned long)__builtin_frame_address(0);
    ssize_t n;
    pid_t pid;

    NEED(fd >= 0 && pipe(ends) == 0);
    n = read(fd, path, sizeof(path) - 1); /* where the text is cut does not matter */
    path[n > 0 ? n : 0] = 0;
    CHECK_EQ(sscanf(path, "%d %lx %lx %lx ", &nr, &arg[0], &arg[1], &arg[2]), 4);
    CHECK(nr == 0 && arg[0] == (unsigned long)fd && arg[1] == (unsigned long)path);
    CHECK_EQ(arg[2], sizeof(path) - 1);

    pid = start();
    if (pid == 0)
        _exit(read(ends[0], &byte, 1) != 1);
    snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
    /* "running", or its last call, until it sleeps in this one */
    while (state_of(pid) != 'S' || ((text = slurp(path)) && !strcmp(text, "running\n")))
        sleep_ms(1);
    text = slurp(path);
    CHECK_EQ(sscanf(text ?: "", "%d %lx %lx %lx %lx %lx %lx %lx %lx", &nr, &arg[0], &arg[1],
                    &arg[2], &arg[3], &arg[4], &arg[5], &sp, &ip),
             9);
    CHECK(nr == 0 && arg[0] == (unsigned long)ends[0] && arg[1] == (unsigned long)&byte);
    CHECK(arg[2] == 1 && sp <= frame && sp > frame - 65536);
    CHECK(memcmp((void *)(ip - 2), "\x0f\x05", 2) == 0); /* syscall */
    snprintf(path, sizeof(path), "/proc/%d/wchan", pid);
    CHECK(slurp(path) && *slurp(path));
    snprintf(path, sizeof(path), "/proc/%d/stack", pid);
    check_stack(path);
    CHECK(write(ends[1], "", 1) == 1 && end_of(pid) == 0);
    close(fd);
    check_stack("/proc/self/stack");
    pid = start();
    if (pid == 0) {
        if (setresuid(65534, 65534, 65534) != 0 || prctl(PR_SET_DUMPABLE, 1) != 0)
            _exit(2);
        fd = open("/proc/self/stack", O_RDONLY);
        _exit((fd >= 0 && read(fd, &byte, 1) != -1) || errno != EACCES);
    }
    CHECK_EQ(end_of(pid), 0);
}

int main(void)
{
    promise("stat and status agree with system calls", stat_and_status_agree);
    promise("status counts memory", status_counts_memory);
    promise("meminfo has columns", meminfo_has_columns);
    promise("smaps counts pages and shows flags", smaps_counts_pages);
    promise("smaps_rollup is the sum of smaps", rollup_is_the_sum);
    promise("pagemap has a word for each page", pagemap_has_a_word_a_page);
    promise("map_files lead to the files", map_files_lead_to_files);
    promise("maps shows the inode that stat shows", maps_names_the_inode);
    promise("the links of task count threads", links_of_task_count_threads);
    promise("lines of maps without a name end in a space", lines_without_a_name_end_in_a_space);
    promise("oom_score_adj is kept and inherited", oom_score_adj_is_kept);
    promise("timerslack_ns is prctl's", timer_slack);
    promise("comm can be written", comm_can_be_written);
    promise("children are listed", children_are_listed);
    promise("links of name spaces", name_spaces);
    promise("the call that a thread is in", syscall_is_shown);
    promise("cgroup and its files", cgroup_line);
    promise("mounts and mountinfo can be polled", mounts_can_be_polled);
    promise("the general files are there", global_files);
    return check_end();
}
