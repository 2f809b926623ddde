/* Devices, terminals, /proc and /sys as programs read them. */
#include "check.h"
#include "fault.h"
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/auxv.h>
#include <sys/vfs.h>

static char text[65536];

/* Read a whole file into text; the length, or -1. */
static ssize_t slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t n, total = 0;

    if (fd < 0)
        return -1;
    while ((n = read(fd, text + total, sizeof text - 1 - (size_t)total)) > 0)
        total += n;
    close(fd);
    text[total] = 0;
    return n < 0 ? -1 : total;
}

static void null_zero_full(void)
{
    char bytes[64];
    struct stat st;
    int fd = open("/dev/null", O_RDWR);

    CHECK_EQ(write(fd, bytes, 64), 64);
    CHECK_EQ(read(fd, bytes, 64), 0);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK(S_ISCHR(st.st_mode));
    CHECK_EQ(st.st_rdev, makedev(1, 3));
    close(fd);
    fd = open("/dev/zero", O_RDWR);
    memset(bytes, 1, 64);
    CHECK_EQ(read(fd, bytes, 64), 64);
    CHECK(bytes[0] == 0 && bytes[63] == 0);
    CHECK_EQ(write(fd, bytes, 64), 64);
    char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    NEED(at != MAP_FAILED);
    CHECK_EQ(at[5000], 0);
    at[5000] = 1;
    munmap(at, 8192);
    close(fd);
    fd = open("/dev/full", O_RDWR);
    CHECK_ERRNO(write(fd, bytes, 1), ENOSPC);
    CHECK_EQ(read(fd, bytes, 1), 1);
    close(fd);
}

static void randomness(void)
{
    unsigned char a[4096], b[4096];
    int ones = 0, fd = open("/dev/urandom", O_RDONLY);

    CHECK_EQ(read(fd, a, 4096), 4096);
    CHECK_EQ(getrandom(b, 4096, 0), 4096);
    CHECK(memcmp(a, b, 4096) != 0);
    for (int i = 0; i < 4096; i++)
        ones += __builtin_popcount(a[i] ^ b[i]);
    CHECK(ones > 15500 && ones < 17300); /* 16384 expected, deviation 90 */
    CHECK_EQ(getrandom(b, 10, GRND_RANDOM | GRND_NONBLOCK), 10);
    CHECK_ERRNO(getrandom(b, 10, 0x80), EINVAL);
    close(fd);
    fd = open("/dev/random", O_RDONLY);
    CHECK_EQ(read(fd, a, 32), 32);
    close(fd);
    CHECK(getauxval(AT_RANDOM) != 0);
}

static void shared_memory_folder(void)
{
    char path[64], *at;
    int fd;

    snprintf(path, sizeof(path), "/dev/shm/check-%d", (int)getpid());
    fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    NEED(fd >= 0);
    CHECK_EQ(ftruncate(fd, 4096), 0);
    at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    NEED(at != MAP_FAILED);
    at[0] = 1;
    munmap(at, 4096);
    close(fd);
    CHECK_EQ(unlink(path), 0);
}

static void descriptors_by_name(void)
{
    char path[64], target[256] = "";
    int fd = open("/tmp", O_RDONLY), again;

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    CHECK(readlink(path, target, sizeof target) > 0);
    CHECK(strcmp(target, "/tmp") == 0);
    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    again = open(path, O_RDONLY);
    CHECK(again >= 0);
    close(again);
    close(fd);
    int pipes[2];
    NEED(pipe(pipes) == 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", pipes[0]);
    memset(target, 0, sizeof target);
    CHECK(readlink(path, target, sizeof target) > 0);
    CHECK(strncmp(target, "pipe:[", 6) == 0);
    /* A pipe opened anew by its name is the same pipe. */
    again = open(path, O_RDONLY);
    CHECK(again >= 0);
    CHECK_EQ(write(pipes[1], "x", 1), 1);
    CHECK_EQ(read(again, target, 1), 1);
    close(pipes[1]);
    close(again);
    again = open(path, O_RDONLY); /* without a writer: no waiting, the end of file */
    CHECK_EQ(read(again, target, 1), 0);
    close(again);
    close(pipes[0]);
    CHECK_ERRNO(readlink(path, target, sizeof target), ENOENT);
    CHECK_ERRNO(open("/proc/self/fd/00", O_RDONLY), ENOENT);
    CHECK_ERRNO(open("/proc/self/fd/-1", O_RDONLY), ENOENT);
}

static void links_show_the_mode(void)
{
    int fd = open("/dev/null", O_WRONLY);
    struct stat st;
    char path[64];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    CHECK_EQ(lstat(path, &st), 0);
    CHECK_EQ(st.st_mode, S_IFLNK | 0300);
    CHECK_EQ(stat(path, &st), 0);
    CHECK_EQ(st.st_rdev, makedev(1, 3));
    close(fd);
}

static void descriptors_of_threads(void)
{
    char path[64];
    int fd = open("/dev/null", O_RDONLY);
    struct stat st;

    snprintf(path, sizeof path, "/proc/%d/task/%d/fd/%d", getpid(), getpid(), fd);
    CHECK_EQ(stat(path, &st), 0);
    CHECK_EQ(st.st_rdev, makedev(1, 3));
    snprintf(path, sizeof path, "/proc/thread-self/fdinfo/%d", fd);
    CHECK(slurp(path) > 0);
    close(fd);
}

static void descriptors_in_detail(void)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    unsigned flags = 0;
    long pos = -1;
    char path[64];

    CHECK_EQ(lseek(fd, 5, SEEK_SET), 5);
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    CHECK(slurp(path) > 0);
    CHECK(sscanf(text, "pos:\t%ld\nflags:\t%o\nmnt_id:", &pos, &flags) == 2);
    CHECK_EQ(pos, 5);
    CHECK_EQ(flags, O_RDONLY | O_CLOEXEC | 0100000);
    close(fd);
    CHECK_ERRNO(open(path, O_RDONLY), ENOENT);
}

static int list(const char *path)
{
    DIR *dir = opendir(path);
    int n = 0;

    if (!dir)
        return -1;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void own_process(void)
{
    char exe[4096] = "", maps_line[64];
    unsigned long start = 0, end = 0;
    ssize_t n;

    CHECK(readlink("/proc/self/exe", exe, sizeof exe - 1) > 0);
    CHECK(exe[0] == '/');
    CHECK((n = slurp("/proc/self/cmdline")) > 0);
    CHECK(text[n - 1] == 0);
    CHECK(slurp("/proc/self/comm") > 0);
    CHECK(strncmp(text, strrchr(exe, '/') + 1, 4) == 0);
    CHECK(slurp("/proc/self/status") > 0);
    CHECK(strstr(text, "\nPid:\t") && strstr(text, "\nVmRSS:") && strstr(text, "\nThreads:\t1\n"));
    CHECK(slurp("/proc/self/stat") > 0);
    CHECK_EQ(atoi(text), getpid());
    CHECK(slurp("/proc/self/statm") > 0);
    CHECK(atoi(text) > 0);
    CHECK(slurp("/proc/self/auxv") >= 16 * 10);
    CHECK(slurp("/proc/self/environ") >= 0);
    CHECK(slurp("/proc/self/limits") > 0);
    CHECK(strstr(text, "Max open files"));
    CHECK(slurp("/proc/self/mounts") > 0);
    CHECK(strstr(text, " / ") && strstr(text, "proc"));
    CHECK(slurp("/proc/self/mountinfo") > 0);
    CHECK(slurp("/proc/self/cgroup") >= 0);
    CHECK(list("/proc/self/fd") >= 5);
    CHECK(list("/proc/self/task") == 3);
    CHECK(slurp("/proc/thread-self/comm") > 0);
    CHECK(slurp("/proc/self/maps") > 0);
    CHECK(strstr(text, "[stack]") && strstr(text, "[vdso]"));
    CHECK(sscanf(text, "%lx-%lx %63s", &start, &end, maps_line) == 3);
    CHECK(start < end && start % 4096 == 0 && strlen(maps_line) == 4);
    CHECK(slurp("/proc/self/smaps") > 0);
    CHECK(strstr(text, "Rss:"));
}

static bool maps_have(void *at, const char *perms)
{
    char *line;

    slurp("/proc/self/maps");
    for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        unsigned long start, end;
        char p[8];

        if (sscanf(line, "%lx-%lx %7s", &start, &end, p) == 3 && (unsigned long)at >= start &&
            (unsigned long)at < end)
            return strcmp(p, perms) == 0;
    }
    return false;
}

static void maps_follow(void)
{
    char *at = mmap(NULL, 12288, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(maps_have(at, "r--p"));
    mprotect(at + 4096, 4096, PROT_READ | PROT_WRITE);
    CHECK(maps_have(at + 4096, "rw-p"));
    CHECK(maps_have(at + 8192, "r--p"));
    munmap(at, 12288);
    CHECK(!maps_have(at, "r--p"));
    CHECK(maps_have((void *)(uintptr_t)maps_follow, "r-xp"));
}

static void own_memory(void)
{
    static volatile long word = 0x1234;
    int fd = open("/proc/self/mem", O_RDWR);
    long got = 0;

    NEED(fd >= 0);
    CHECK_EQ(pread(fd, &got, sizeof got, (off_t)(uintptr_t)&word), sizeof got);
    CHECK_EQ(got, 0x1234);
    CHECK_ERRNO(pread(fd, &got, 1, 8), EIO);
    got = 0x5678;
    CHECK_EQ(pwrite(fd, &got, sizeof got, (off_t)(uintptr_t)&word), sizeof got);
    CHECK_EQ(word, 0x5678);
    CHECK_EQ(lseek(fd, (off_t)(uintptr_t)&word, SEEK_SET), (off_t)(uintptr_t)&word);
    CHECK_EQ(read(fd, &got, sizeof got), sizeof got);
    CHECK_ERRNO(lseek(fd, 0, SEEK_END), EINVAL);
    close(fd);
}

/* Up to the end of what is mapped, over pages that were never touched; protection does not count.
 */
static void own_memory_in_pages(void)
{
    char *at = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = open("/proc/self/mem", O_RDWR);

    NEED(at != MAP_FAILED && fd >= 0);
    munmap(at + 3 * 4096, 4096);
    at[4096] = 'x';
    CHECK_EQ(pread(fd, text, sizeof text, (off_t)(uintptr_t)at), 3 * 4096);
    CHECK(text[0] == 0 && text[4096] == 'x');
    mprotect(at, 3 * 4096, PROT_READ);
    CHECK_EQ(pwrite(fd, "yz", 2, (off_t)(uintptr_t)at + 4095), 2);
    CHECK(at[4095] == 'y' && at[4096] == 'z');
    munmap(at, 3 * 4096);
    close(fd);
}

static void names_of_the_machine(void)
{
    char name[65] = "", text_of_file[66];

    CHECK_EQ(gethostname(name, sizeof name), 0);
    CHECK(slurp("/proc/sys/kernel/hostname") > 0);
    snprintf(text_of_file, sizeof text_of_file, "%s\n", name);
    CHECK(strcmp(text, text_of_file) == 0);
    CHECK(slurp("/proc/sys/kernel/domainname") > 0);
    if (!inside_osprey()) /* not ours to rename */
        return;
    int fd = open("/proc/sys/kernel/hostname", O_WRONLY);
    CHECK_EQ(write(fd, "other\n", 6), 6);
    close(fd);
    CHECK_EQ(gethostname(name, sizeof name), 0);
    CHECK(strcmp(name, "other") == 0);
}

static void the_system(void)
{
    static const char *const files[] = {
        "/proc/meminfo",
        "/proc/cpuinfo",
        "/proc/stat",
        "/proc/uptime",
        "/proc/loadavg",
        "/proc/version",
        "/proc/devices",
        "/proc/filesystems",
        "/proc/mounts",
        "/proc/self/wchan",
        "/proc/vmstat",
        "/proc/sys/kernel/osrelease",
        "/proc/sys/kernel/hostname",
        "/proc/sys/kernel/domainname",
        "/proc/sys/kernel/pid_max",
        "/proc/sys/kernel/random/boot_id",
        "/proc/sys/vm/overcommit_memory",
        "/proc/sys/kernel/cap_last_cap",
        "/proc/sys/fs/file-max",
        "/sys/devices/system/cpu/online",
        "/sys/devices/system/cpu/possible",
        "/sys/devices/system/node/node0/numastat",
    };
    char range[64];
    struct sysinfo info;
    long total = 0;
    double up = 0;

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (slurp(files[i]) < 0) {
            printf("# %s\n", files[i]);
            CHECK(0);
        }
    CHECK(slurp("/proc/meminfo") > 0);
    CHECK(sscanf(text, "MemTotal: %ld kB", &total) == 1);
    CHECK(strstr(text, "\nMemAvailable:"));
    CHECK_EQ(sysinfo(&info), 0);
    CHECK_EQ((long)(info.totalram * info.mem_unit / 1024), total);
    CHECK(slurp("/proc/uptime") > 0);
    CHECK(sscanf(text, "%lf", &up) == 1);
    CHECK(up >= 0 && (long)up >= info.uptime - 1);
    CHECK_EQ(sysinfo(&info), 0);
    CHECK((long)up <= info.uptime + 1);
    CHECK(slurp("/sys/devices/system/cpu/online") > 0);
    if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
        snprintf(range, sizeof range, "0-%ld\n", sysconf(_SC_NPROCESSORS_ONLN) - 1);
        CHECK(strcmp(text, range) == 0);
    }
    CHECK(slurp("/proc/cpuinfo") > 0);
    CHECK(strstr(text, "processor\t: 0\n") && strstr(text, "flags\t\t: "));
    CHECK(slurp("/proc/stat") > 0);
    CHECK(strncmp(text, "cpu ", 4) == 0 && strstr(text, "\nbtime ") && strstr(text, "\ncpu0 "));
    CHECK(slurp("/proc/filesystems") > 0);
    CHECK(strstr(text, "tmpfs"));
}

static void proc_is_read_only_in_structure(void)
{
    CHECK_EQ(open("/proc/absent", O_RDONLY), -1);
    CHECK_EQ(errno, ENOENT);
    /* Where no name is looked up that is not there, none can be made either. */
    static const char *const absent[] = {"/proc/x", "/proc/self/x", "/proc/self/fd/x",
                                         "/proc/999999", "/proc/sys/kernel/x"};
    for (unsigned i = 0; i < 5; i++) {
        CHECK_ERRNO(mkdir(absent[i], 0700), ENOENT);
        CHECK_ERRNO(mknod(absent[i], S_IFIFO | 0600, 0), ENOENT);
        CHECK_ERRNO(symlink("to", absent[i]), ENOENT);
        CHECK_ERRNO(open(absent[i], O_CREAT | O_WRONLY, 0600), ENOENT);
        CHECK_ERRNO(link("/proc/version", absent[i]), ENOENT);
        CHECK_ERRNO(rename("/proc/version", absent[i]), ENOENT);
    }
    CHECK_ERRNO(mkdir("/proc/self/fd", 0700), EEXIST);
    CHECK_ERRNO(rmdir("/proc/self/fd"), EPERM);
    CHECK_ERRNO(rmdir("/proc/self/cwd"), EPERM);
    CHECK_ERRNO(open("/proc/self", O_TMPFILE | O_RDWR, 0600), EPERM);
    CHECK_ERRNO(open("/proc", O_TMPFILE | O_RDWR, 0600), EOPNOTSUPP);
    CHECK_ERRNO(mkdir("/sys/x", 0700), EPERM);
    /* What the mode of a sysctl denies no capability gives. */
    CHECK_ERRNO(access("/proc/sys/kernel/osrelease", W_OK), EACCES);
    CHECK_ERRNO(access("/proc/sys/kernel", W_OK), EACCES);
    CHECK_ERRNO(rmdir("/proc/sys/kernel"), EACCES);
    CHECK_ERRNO(unlink("/proc/sys/kernel/osrelease"), EACCES);
    CHECK_EQ(access("/proc/sys/vm/drop_caches", W_OK), geteuid() ? -1 : 0);
    CHECK_EQ(unlink("/proc/self/maps"), -1);
    CHECK_EQ(access("/proc/999999", F_OK), -1);
    struct stat st;
    CHECK_EQ(stat("/proc/self/maps", &st), 0);
    CHECK(S_ISREG(st.st_mode));
    CHECK_EQ(lstat("/proc/self", &st), 0);
    CHECK(S_ISLNK(st.st_mode));
}

static void tmpfs_limit(void)
{
    struct statfs fs;
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/dev/shm/fill-%d", (int)getpid());
    fd = open(path, O_RDWR | O_CREAT, 0600);
    NEED(fd >= 0);
    CHECK_EQ(fstatfs(fd, &fs), 0);
    CHECK_EQ(fallocate(fd, 0, 0, ((off_t)fs.f_blocks + 10) * fs.f_bsize), -1);
    CHECK_EQ(errno, ENOSPC);
    close(fd);
    unlink(path);
}

int main(void)
{
    promise("/dev/null, zero, full", null_zero_full);
    promise("random bytes are random", randomness);
    promise("/dev/shm holds shared memory", shared_memory_folder);
    promise("/proc/self/fd and /dev/fd name descriptors", descriptors_by_name);
    promise("/proc/self/fd shows how they are open", links_show_the_mode);
    promise("threads have them too", descriptors_of_threads);
    promise("/proc/self/fdinfo tells position and flags", descriptors_in_detail);
    promise("/proc/self tells of the process", own_process);
    promise("/proc/self/maps follows mmap and mprotect", maps_follow);
    promise("/proc/self/mem reads memory", own_memory);
    promise("/proc/self/mem goes by pages", own_memory_in_pages);
    promise("hostname and domainname are files", names_of_the_machine);
    promise("/proc and /sys tell of the system", the_system);
    promise("/proc keeps its structure", proc_is_read_only_in_structure);
    promise("a tmpfs has its limit", tmpfs_limit);
    return check_end();
}
