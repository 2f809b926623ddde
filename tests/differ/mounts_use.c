// What mounts do to the files below them; how much a tmpfs holds.
#include "mounts.h"

#include <dirent.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

/* A place and something in it. */
static const char *inside(const char *const *names, unsigned n)
{
    static char text[2][300];
    static unsigned next;
    char *at = text[next++ % 2];
    static const char *const places[] = {"/a", "/b", "/c", "/a/x", "/b/x", "/t", "/c/y", "/a/y"};
    snprintf(text[(next - 1) % 2], sizeof(text[0]), "%s/%s", places[below(COUNT(places))],
             names[below(n)]);
    arg("\"%s\"", at);
    return at;
}
#define INSIDE(...)                                                                                \
    inside((const char *const[]){__VA_ARGS__}, COUNT(((const char *const[]){__VA_ARGS__})))

static void op_open(void)
{
    static const struct named flags[] = {N(O_RDONLY),           N(O_WRONLY),  N(O_CREAT | O_WRONLY),
                                         N(O_CREAT | O_EXCL),   N(O_RDWR),    N(O_TRUNC | O_WRONLY),
                                         N(O_TMPFILE | O_RDWR), N(O_NOFOLLOW)};
    begin("open");
    const char *name = INSIDE("f", "f", "g", "n", "l", "l/x", "x", "e");
    uint64_t how = ONE(flags);
    long fd = call(SYS_open, name, how, 0644);
    end(fd < 0 ? fd : 0);
    if (fd >= 0 && chance(50))
        say(" write %ld", call(SYS_write, fd, "12345678", 8));
    if (fd >= 0)
        close((int)fd);
}

static void op_run(void)
{
    begin("execve");
    const char *name = INSIDE("e", "e", "f", "x", "l", "n");
    char *args[] = {(char *)name, NULL};
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        syscall(SYS_execve, name, args, args + 1);
        _exit(errno);
    }
    waitpid(pid, &status, 0);
    end(WIFEXITED(status) ? WEXITSTATUS(status) : -status);
    int fd = open(name, O_RDONLY);
    if (fd >= 0) {
        void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
        say(" map %s", at == MAP_FAILED ? error_name(errno) : "ok");
        if (at != MAP_FAILED)
            munmap(at, 4096);
        close(fd);
    }
    say(" access %d", access(name, X_OK) ? errno : 0);
}

/* Whether reading changes the time of access. */
static void op_times(void)
{
    struct timespec now, times[2];
    struct stat before, after;
    begin("times");
    const char *name = INSIDE("f", "x", "e", "l");
    bool old = chance(50);
    be_root();
    clock_gettime(CLOCK_REALTIME, &now);
    times[0] = times[1] = now;
    times[0].tv_sec -= old ? 300 : 100;
    times[1].tv_sec -= 200;
    arg("%s", old ? "not read since it was written" : "read before");
    long r = call(SYS_utimensat, AT_FDCWD, name, times, 0);
    end(r);
    int fd = open(name, O_RDONLY | (chance(15) ? (say(" O_NOATIME"), O_NOATIME) : 0));
    if (fd < 0 || fstat(fd, &before) != 0)
        return say(" %s", error_name(errno));
    if (S_ISDIR(before.st_mode))
        syscall(SYS_getdents64, fd, buffer, 4096);
    else
        say(" read %ld", call(SYS_read, fd, buffer, 10));
    fstat(fd, &after);
    say(" %s", after.st_atim.tv_sec != before.st_atim.tv_sec ? "changed" : "same");
    close(fd);
}

static void op_change(void)
{
    begin("change");
    unsigned which = below(10);
    if (which < 2) {
        const char *name = INSIDE("g", "x", "y", "x/x", "f");
        arg("mkdir");
        return end(call(SYS_mkdir, name, 0755));
    }
    if (which < 4) {
        const char *name = INSIDE("g", "x", "y", "f", "x/x", ".");
        arg("rmdir");
        return end(call(SYS_rmdir, name));
    }
    if (which < 6) {
        const char *name = INSIDE("g", "f", "e", "l", "x");
        arg("unlink");
        return end(call(SYS_unlink, name));
    }
    const char *name = INSIDE("f", "e", "x", "l", "n", "g");
    switch (which) {
    case 6:
        arg("chmod");
        return end(call(SYS_chmod, name, CHOOSE(0666, 04755, 0777)));
    case 7:
        arg("truncate");
        return end(call(SYS_truncate, name, CHOOSE(0, 8, 136)));
    case 8:
        arg("symlink");
        return end(call(SYS_symlink, "f", name));
    default:
        arg("mknod");
        return end(call(SYS_mknod, name, S_IFCHR | 0666, makedev(1, 3)));
    }
}

static void op_between(void)
{
    bool links = chance(35);
    begin(links ? "link" : "rename");
    const char *from = INSIDE("f", "g", "x", "y", "e", "h");
    const char *to = INSIDE("g", "h", "f", "x", "y", "x/x");
    if (links)
        return be_root(), end(call(SYS_link, from, to)); // LEFT OUT: fs.protected_hardlinks
    end(call(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, CHOOSE(0, 0, 0, 1, 2, 4)));
}

static void op_access(void)
{
    begin("access");
    const char *name = INSIDE("f", "e", "x", "l", "n", ".", "..");
    end(call(SYS_access, name, CHOOSE(R_OK, W_OK, X_OK, F_OK)));
}

static void op_resolve(void)
{
    static const struct named how[] = {N(RESOLVE_NO_XDEV), N(RESOLVE_NO_XDEV), N(RESOLVE_BENEATH),
                                       N(RESOLVE_IN_ROOT), N(RESOLVE_NO_SYMLINKS)};
    static const char *const names[] = {"x",   "x/x",  "y/f", "..", "../a", "l",
                                        "l/x", "x/..", "f",   ".",  "/a/x"};
    struct open_how open_how = {.flags = O_RDONLY};
    begin("openat2");
    int dir = chance(50) ? AT_FDCWD : slot();
    const char *name = names[below(COUNT(names))];
    arg("%s", name);
    open_how.resolve = ONE(how);
    // LEFT OUT: RESOLVE_NO_XDEV lets an absolute link through that stays on the mount
    long r = call(SYS_openat2, dir, name, &open_how, sizeof(open_how));
    end(r < 0 ? r : 0);
    if (r >= 0)
        close((int)r);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void op_list(void)
{
    char *names[100];
    unsigned n = 0;
    begin("list");
    const char *name = where();
    DIR *dir = opendir(name);
    if (!dir)
        return end(-errno);
    for (struct dirent *e; n < COUNT(names) && (e = readdir(dir));)
        names[n++] = strdup(e->d_name);
    closedir(dir);
    qsort(names, n, sizeof(names[0]), by_name);
    say(")");
    for (unsigned i = 0; i < n; i++) {
        say(" %s", names[i]);
        free(names[i]);
    }
}

/* Through a descriptor, whatever has become of its mount. */
static void op_through(void)
{
    begin("at");
    int dir = slot();
    struct stat st;
    switch (below(5)) {
    case 0:
        arg("mkdirat g");
        return end(call(SYS_mkdirat, dir, "g", 0755));
    case 1:
        arg("unlinkat g");
        return end(call(SYS_unlinkat, dir, "g", AT_REMOVEDIR));
    case 2:
        arg("..");
        end(call(SYS_newfstatat, dir, "..", &st, 0));
        return;
    case 3: {
        char link[40], text[300];
        snprintf(link, sizeof(link), "self/fd/%d", dir);
        be_root();
        ssize_t n = readlinkat(PROC, link, text, sizeof(text) - 1);
        arg("readlink");
        end(n < 0 ? -errno : 0);
        text[n < 0 ? 0 : n] = 0;
        if (n > 0 && text[0] == '/') // LEFT OUT: where the world is
            say(" %s", strncmp(text, "/tmp/differ", 11) == 0 ? "outside" : text);
        return;
    }
    default:
        arg("faccessat");
        return end(call(SYS_faccessat, dir, "x", W_OK));
    }
}

// --- how much a tmpfs holds ---

static void show_room(void)
{
    struct statfs st;
    if (statfs("/full", &st) == 0)
        say(" {blocks=%ld free=%ld avail=%ld files=%ld ffree=%ld}", (long)st.f_blocks,
            (long)st.f_bfree, (long)st.f_bavail, (long)st.f_files, (long)st.f_ffree);
}

static void fill_it(void)
{
    char name[40];
    int n = 0, fd = open("/full/data", O_CREAT | O_RDWR, 0600);
    long r = 0, sum = 0;
    say(" data=%s", fd < 0 ? error_name(errno) : "ok");
    memset(buffer, 1, 70000);
    switch (fd < 0 ? 9 : below(4)) {
    case 0:
        for (; n < 40 && r >= 0; n++)
            r = call(SYS_write, fd, buffer, 10000), sum += r > 0 ? r : 0;
        say(" wrote %ld %s", sum, r < 0 ? error_name(-r) : "");
        break;
    case 1:
        say(" one write %ld", call(SYS_write, fd, buffer, 70000));
        break;
    case 2:
        say(" fallocate %ld", call(SYS_fallocate, fd, 0, 0, CHOOSE(4096, 65536, 65537, 1 << 20)));
        break;
    case 3:
        say(" far %ld", call(SYS_pwrite64, fd, buffer, 5000, 1 << 20));
    }
    show_room();
    if (fd >= 0) {
        struct stat st;
        fstat(fd, &st);
        say(" size=%ld blocks=%ld", (long)st.st_size, (long)st.st_blocks);
        close(fd);
    }
    for (n = 0; n < 30; n++) {
        snprintf(name, sizeof(name), "/full/%d", n);
        unsigned kind = below(4); // LEFT OUT: long symbolic links, which take a page on Linux
        r = kind == 0   ? call(SYS_mkdir, name, 0700)
            : kind == 1 ? call(SYS_symlink, "x", name)
                        : call(SYS_mknod, name, S_IFREG | 0600, 0);
        if (r < 0)
            break;
    }
    say(" made %d %s", n, r < 0 ? error_name(-r) : "");
}

static void op_full(void)
{
    static const char *const sizes[] = {"64k", "4k", "65536", "5000",  "1m",
                                        "0",   "1",  "128k",  "0x2000"};
    static const char *const inodes[] = {"1", "2", "5", "20", "1k", "0"};
    char text[200];
    struct stat st;
    be_root();
    begin("tmpfs");
    snprintf(text, sizeof(text), "size=%s,nr_inodes=%s%s", sizes[below(COUNT(sizes))],
             inodes[below(COUNT(inodes))],
             chance(30)   ? ",mode=1777,uid=1000"
             : chance(20) ? ",mode=0,gid=7"
                          : "");
    arg("%s", text);
    mkdir("/full", 0700);
    long r = call(SYS_mount, "full", "/full", "tmpfs", 0, text);
    end(r);
    if (r < 0)
        return;
    if (stat("/full", &st) == 0)
        say(" %o %u:%u", st.st_mode, st.st_uid, st.st_gid);
    show_room();
    fill_it();
    snprintf(text, sizeof(text), "size=%s,nr_inodes=%s", sizes[below(COUNT(sizes))],
             inodes[below(COUNT(inodes))]);
    say(" remount %s", text);
    say(" %ld", call(SYS_mount, NULL, "/full", NULL, MS_REMOUNT, text));
    show_room();
    say(" %ld", call(SYS_umount2, "/full", MNT_DETACH));
}

const struct op mounts_use_ops[] = {
    {op_open, 10},   {op_run, 5},    {op_times, 6},   {op_change, 10},
    {op_between, 8}, {op_access, 4}, {op_resolve, 5}, {op_list, 5},
    {op_through, 6}, {op_full, 3},   {NULL, 0},
};
