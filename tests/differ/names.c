// Calls on names: folders, links, attributes, rights.
#include "families.h"

#include <dirent.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE  2
#define RENAME_WHITEOUT  4
#endif

static void make(const char *name, size_t n)
{
    int fd = open(name, O_CREAT | O_WRONLY, 0644);
    for (size_t i = 0; i < n; i++)
        buffer[i] = (char)(i * 7 + i / 256);
    if (write(fd, buffer, n) != (ssize_t)n)
        abort();
    close(fd);
}

bool files_setup(void)
{
    mkdir("d", 0755);
    mkdir("d/e", 0777);
    mkdir("e",
          01775); // LEFT OUT: sticky and for all: fs.protected_symlinks and its like are the host's
    chmod("d/e", 0777);
    chmod("e", 01775);
    chown("e", 0, GID_A);
    make("a", 10000);
    make("b", 5);
    make("d/a", 0);
    make("d/e/b", 4096);
    chown("b", UID_A, UID_A);
    link("a", "c");
    symlink("a", "l");
    symlink("d", "m");
    symlink("x", "x");
    symlink("/d/nowhere", "z");
    symlink("../b", "d/l");
    symlink("/d/e/", "d/m");
    mkfifo("p", 0666);
    mknod("s", S_IFSOCK | 0666, 0);
    mknod("n", S_IFCHR | 0666, makedev(1, 5));
    static const struct {
        const char *name;
        int how;
    } opened[] = {
        {"d", O_RDONLY},   {"a", O_RDWR}, {"d/e/b", O_RDWR},          {"b", O_RDWR},
        {"d/e", O_RDONLY}, {"a", O_PATH}, {"b", O_WRONLY | O_APPEND}, {"p", O_RDWR | O_NONBLOCK}};
    int ends[2];
    for (unsigned i = 0; i < COUNT(opened); i++)
        dup2(open(opened[i].name, opened[i].how), SLOT_FIRST + i);
    if (pipe2(ends, O_NONBLOCK) != 0)
        abort();
    dup2(ends[0], SLOT_FIRST + 8);
    dup2(ends[1], SLOT_FIRST + 9);
    for (int fd = 3; fd < SLOT_FIRST; fd++)
        close(fd);
    return true;
}

// --- opening ---

static const struct named open_flags[] = {
    N(O_WRONLY),  N(O_RDWR),      N(O_CREAT), N(O_CREAT),    N(O_EXCL), N(O_TRUNC),
    N(O_APPEND),  N(O_DIRECTORY), N(O_RDWR),  N(O_NOFOLLOW), N(O_PATH), N(O_TMPFILE),
    N(O_CLOEXEC), N(O_NOATIME),   N(O_SYNC),  N(O_ACCMODE),
};

/* Whether opening it waits for another end, or has effects that are not ours. */
static bool waits(int dir, const char *name)
{
    struct stat st;
    return fstatat(dir, name, &st, 0) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static void show_fd(long fd, int in)
{
    if (fd < 0)
        return;
    say(" fl=%#x fd=%d", fcntl((int)fd, F_GETFL), fcntl((int)fd, F_GETFD));
    keep(fd, in);
}

static void op_openat(void)
{
    int in = take_slot();
    begin("openat");
    int dir = dirfd_arg();
    const char *name = path();
    uint64_t how = SOME(open_flags, 4);
    mode_t mode = mode_arg();
    if (waits(dir, name))
        how |= O_NONBLOCK;
    long fd = call(SYS_openat, dir, name, how, mode);
    end(fd);
    show_fd(fd, in);
}

static void op_openat2(void)
{
    static const struct named resolve[] = {N(RESOLVE_NO_XDEV), N(RESOLVE_NO_MAGICLINKS),
                                           N(RESOLVE_NO_SYMLINKS), N(RESOLVE_BENEATH),
                                           N(RESOLVE_IN_ROOT)};
    static const struct named odd[] = {N(0), N(0), N(0), N(0), N(0), N(0x40), N(1ul << 40)};
    struct open_how how = {0};
    int in = take_slot();
    begin("openat2");
    int dir = dirfd_arg();
    const char *name = path();
    how.flags = SOME(open_flags, 3);
    how.mode = chance(60) ? 0 : mode_arg();
    how.resolve = SOME(resolve, 2) | ONE(odd);
    if (how.resolve & RESOLVE_NO_XDEV)
        how.resolve |=
            RESOLVE_NO_SYMLINKS; // LEFT OUT: Linux refuses absolute links wherever they lead
    size_t size = chance(95) ? sizeof(how) : (size_t)CHOOSE(0, 8, 23, 4097);
    if (waits(dir, name))
        how.flags |= O_NONBLOCK;
    long fd = call(SYS_openat2, dir, name, &how, size);
    end(fd);
    show_fd(fd, in);
}

static void op_close(void)
{
    begin("close");
    int fd = slot();
    end(call(SYS_close, fd));
}

// --- making and removing ---

static void op_mkdirat(void)
{
    begin("mkdirat");
    int dir = dirfd_arg();
    const char *name = path();
    end(call(SYS_mkdirat, dir, name, mode_arg()));
}

static void op_mknodat(void)
{
    static const struct named types[] = {N(S_IFREG), N(S_IFIFO), N(S_IFSOCK), N(S_IFCHR),
                                         N(S_IFDIR), N(S_IFLNK), N(0),        N(S_IFBLK)};
    begin("mknodat");
    int dir = dirfd_arg();
    const char *name = path();
    mode_t mode = (mode_t)ONE(types);
    mode |= mode_arg() & 07777;
    end(call(SYS_mknodat, dir, name, mode, makedev(1, 5)));
}

static void op_symlinkat(void)
{
    begin("symlinkat");
    const char *to = path();
    int dir = dirfd_arg();
    end(call(SYS_symlinkat, to, dir, path()));
}

static void op_linkat(void)
{
    static const struct named how[] = {N(AT_SYMLINK_FOLLOW), N(AT_EMPTY_PATH),
                                       N(AT_SYMLINK_NOFOLLOW)};
    be_root(); // LEFT OUT: what others may link, fs.protected_hardlinks says
    begin("linkat");
    int from = dirfd_arg();
    const char *old = path();
    int to = dirfd_arg();
    const char *new = path();
    end(call(SYS_linkat, from, old, to, new, SOME(how, 1)));
}

static void op_unlinkat(void)
{
    static const struct named how[] = {N(0), N(0), N(AT_REMOVEDIR), N(AT_REMOVEDIR),
                                       N(AT_SYMLINK_NOFOLLOW)};
    begin("unlinkat");
    int dir = dirfd_arg();
    const char *name = path();
    end(call(SYS_unlinkat, dir, name, ONE(how)));
}

static void op_renameat2(void)
{
    static const struct named how[] = {N(RENAME_NOREPLACE), N(RENAME_EXCHANGE), N(RENAME_WHITEOUT),
                                       N(8)};
    begin("renameat2");
    int from = dirfd_arg();
    const char *old = path();
    int to = dirfd_arg();
    const char *new = path();
    end(call(SYS_renameat2, from, old, to, new, chance(60) ? (arg("0"), 0) : SOME(how, 2)));
}

static void op_readlinkat(void)
{
    char text[300];
    begin("readlinkat");
    int dir = dirfd_arg();
    const char *name = path();
    long r = call(SYS_readlinkat, dir, name, text, CHOOSE(200, 1, 0, -1));
    end(r);
    if (r > 0)
        say(" {%.*s}", (int)r, text);
}

// --- asking ---

static const struct named stat_flags[] = {N(AT_SYMLINK_NOFOLLOW), N(AT_EMPTY_PATH),
                                          N(AT_NO_AUTOMOUNT), N(AT_REMOVEDIR)};

static void op_stat(void)
{
    struct stat st;
    begin("newfstatat");
    int dir = dirfd_arg();
    const char *name = path();
    uint64_t how = SOME(stat_flags, 2);
    if (!name && dir < 0)
        how &= ~(uint64_t)AT_EMPTY_PATH; // LEFT OUT: NULL is the working folder since Linux 6.11
    long r = call(SYS_newfstatat, dir, name, &st, how);
    end(r);
    if (r == 0)
        show_stat(&st);
}

static void op_statx(void)
{
    static const struct named masks[] = {N(STATX_TYPE),        N(STATX_MODE),  N(STATX_NLINK),
                                         N(STATX_SIZE),        N(STATX_BTIME), N(0),
                                         N(STATX_BASIC_STATS), N(1u << 31)};
    static const struct named flags[] = {N(AT_SYMLINK_NOFOLLOW), N(AT_EMPTY_PATH),
                                         N(AT_STATX_FORCE_SYNC), N(AT_STATX_DONT_SYNC), N(0x8000)};
    struct statx st = {0};
    begin("statx");
    int dir = dirfd_arg();
    const char *name = path();
    uint64_t how = SOME(flags, 2);
    if (!name && dir < 0)
        how &= ~(uint64_t)AT_EMPTY_PATH;
    unsigned mask = (unsigned)SOME(masks, 2);
    long r = call(SYS_statx, dir, name, how, mask, &st);
    end(r);
    if (r == 0)
        say(" {mask=%#x %o n=%u %u:%u size=%llu blocks=%llu attr=%#llx}", st.stx_mask & mask,
            st.stx_mode, st.stx_nlink, st.stx_uid, st.stx_gid, st.stx_size, st.stx_blocks,
            st.stx_attributes & ~STATX_ATTR_MOUNT_ROOT);
}

static void op_faccessat2(void)
{
    static const struct named modes[] = {N(R_OK), N(W_OK), N(X_OK), N(8)};
    static const struct named flags[] = {N(AT_EACCESS), N(AT_SYMLINK_NOFOLLOW), N(AT_EMPTY_PATH),
                                         N(0x8000)};
    begin("faccessat2");
    int dir = dirfd_arg();
    const char *name = path();
    uint64_t mode = SOME(modes, 2);
    end(call(SYS_faccessat2, dir, name, mode, SOME(flags, 1)));
}

static void op_chdir(void)
{
    char text[5000];
    long r;
    if (chance(50)) {
        begin("chdir");
        r = call(SYS_chdir, path());
    } else if (chance(50)) {
        begin("fchdir");
        r = call(SYS_fchdir, slot());
    } else {
        begin("chdir");
        arg("\"/\"");
        r = call(SYS_chdir, "/");
    }
    end(r);
    r = call(SYS_getcwd, text, sizeof(text));
    say(" {%s}", r < 0 ? error_name(-r) : text);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The entries of an open folder, sorted; `visit` of each. */
static unsigned entries_of(int fd, char *names[], unsigned most)
{
    unsigned n = 0;
    long got;
    static char entries[1 << 16];
    while ((got = call(SYS_getdents64, fd, entries, sizeof(entries))) > 0)
        for (char *at = entries; at < entries + got;) {
            struct dirent64 *e = (struct dirent64 *)at;
            if (n < most && asprintf(&names[n], "%s %d", e->d_name, e->d_type) > 0)
                n++;
            at += e->d_reclen;
        }
    qsort(names, n, sizeof(names[0]), by_name);
    return n;
}

static void op_getdents(void)
{
    char *names[200];
    begin("getdents64");
    int fd = slot();
    size_t size = (size_t)CHOOSE(60000, 60000, 60000, 24, 10);
    lseek(fd, 0, SEEK_SET);
    if (size < 60000) {
        long r = call(SYS_getdents64, fd, buffer, size);
        end(r);
        lseek(fd, 0, SEEK_SET);
        return;
    }
    unsigned n = entries_of(fd, names, 200);
    long r = call(SYS_getdents64, fd, buffer, 0);
    end(r);
    for (unsigned i = 0; i < n; i++) {
        say(" %s", names[i]);
        free(names[i]);
    }
    lseek(fd, 0, SEEK_SET);
}

// --- attributes ---

static void op_chmod(void)
{
    if (chance(30)) {
        begin("fchmod");
        int fd = slot();
        end(call(SYS_fchmod, fd, mode_arg()));
        return;
    }
    begin("fchmodat");
    int dir = dirfd_arg();
    const char *name = path();
    end(call(SYS_fchmodat, dir, name, mode_arg()));
}

static void op_chown(void)
{
    static const struct named flags[] = {N(AT_SYMLINK_NOFOLLOW), N(AT_EMPTY_PATH),
                                         N(AT_SYMLINK_FOLLOW)};
    bool by_fd = chance(30);
    begin(by_fd ? "fchown" : "fchownat");
    if (by_fd) {
        int fd = slot(), uid = uid_arg();
        end(call(SYS_fchown, fd, uid, gid_arg()));
        return;
    }
    int dir = dirfd_arg();
    const char *name = path();
    int uid = uid_arg(), gid = gid_arg();
    end(call(SYS_fchownat, dir, name, uid, gid, SOME(flags, 2)));
}

static void op_utimensat(void)
{
    static const struct named flags[] = {N(AT_SYMLINK_NOFOLLOW), N(AT_EMPTY_PATH), N(0x8000)};
    static const long nanos[] = {0,         1,          999999999, 1000000000, -1,
                                 UTIME_NOW, UTIME_OMIT, UTIME_NOW, UTIME_OMIT};
    struct timespec times[2];
    begin("utimensat");
    int dir = dirfd_arg();
    const char *name = chance(15) ? (arg("NULL"), NULL) : path();
    for (int i = 0; i < 2; i++) {
        times[i].tv_sec = CHOOSE(0, 1, 100000, -5);
        times[i].tv_nsec = choose(nanos, COUNT(nanos));
    }
    bool now = chance(20);
    if (now)
        arg("now");
    end(call(SYS_utimensat, dir, name, now ? NULL : times, SOME(flags, 1)));
}

static const char *attribute(void)
{
    static const char *const some[] = {"user.a", "user.b",  "trusted.t", "security.s", "user.a",
                                       "user.",  "bogus.x", "user",      "",           "system.q"};
    const char *one = some[below(chance(85) ? 5 : COUNT(some))];
    arg("\"%s\"", one);
    return one;
}

static void op_setxattr(void)
{
    static const struct named flags[] = {N(0), N(0), N(0), N(XATTR_CREATE), N(XATTR_REPLACE),
                                         N(3), N(4)};
    bool by_fd = chance(30), linked = chance(70);
    begin(by_fd ? "fsetxattr" : linked ? "setxattr" : "lsetxattr");
    int fd = by_fd ? slot() : -1;
    const char *on = by_fd ? NULL : path(), *name = attribute();
    size_t n = (size_t)CHOOSE(0, 1, 10, 100, 3000, 65537);
    data_fill(n);
    uint64_t how = ONE(flags);
    end(by_fd ? call(SYS_fsetxattr, fd, name, buffer, n, how)
              : call(linked ? SYS_setxattr : SYS_lsetxattr, on, name, buffer, n, how));
}

static void op_getxattr(void)
{
    bool linked = chance(70);
    begin(linked ? "getxattr" : "lgetxattr");
    const char *on = path(), *name = attribute();
    size_t n = (size_t)CHOOSE(0, 5, 70000);
    long r = call(linked ? SYS_getxattr : SYS_lgetxattr, on, name, buffer, n);
    end(r);
    if (n)
        show_data(buffer, r);
}

static void op_removexattr(void)
{
    bool by_fd = chance(30);
    begin(by_fd ? "fremovexattr" : "lremovexattr");
    int fd = by_fd ? slot() : -1;
    const char *on = by_fd ? NULL : path(), *name = attribute();
    end(by_fd ? call(SYS_fremovexattr, fd, name) : call(SYS_lremovexattr, on, name));
}

/* Names in a list of attributes, sorted. */
static void show_names(char *list, long n)
{
    char *names[100];
    unsigned count = 0;
    for (long at = 0; at < n && count < 100; at += strlen(list + at) + 1)
        names[count++] = list + at;
    qsort(names, count, sizeof(names[0]), by_name);
    for (unsigned i = 0; i < count; i++)
        say(" %s", names[i]);
}

static void op_listxattr(void)
{
    begin("llistxattr");
    const char *on = path();
    size_t n = (size_t)CHOOSE(0, 4, 60000);
    long r = call(SYS_llistxattr, on, buffer, n);
    end(r);
    if (n)
        show_names(buffer, r);
}

static void op_umask(void)
{
    begin("umask");
    end(call(SYS_umask, CHOOSE(022, 0, 077, 0777, 022, 07000)));
}

static void op_statfs(void)
{
    struct statfs st;
    begin("statfs");
    long r = call(SYS_statfs, path(), &st);
    end(r);
    if (r == 0)
        // LEFT OUT: f_ffree, Linux counts links; f_bfree, pages spliced into pipes count
        say(" {type=%#lx flags=%#lx namelen=%ld}", (long)st.f_type, (long)st.f_flags & ~0x1000l,
            (long)st.f_namelen);
}

// --- the whole tree ---

static void show_file(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY);
    long n, sum = 0;
    uint64_t hash = 0;
    while ((n = read(fd, buffer, sizeof(buffer))) > 0)
        hash = hash * 31 + hash_of(buffer, n), sum += n;
    say(" %ld:%08x", sum, (unsigned)hash);
    close(fd);
}

static void show_folder(int dir, int depth)
{
    char *names[300];
    unsigned n = entries_of(dir, names, 300);
    for (unsigned i = 0; i < n; i++) {
        struct stat st;
        char link[300];
        *strrchr(names[i], ' ') = 0;
        if (strcmp(names[i], ".") == 0 || strcmp(names[i], "..") == 0 ||
            fstatat(dir, names[i], &st, AT_SYMLINK_NOFOLLOW))
            continue;
        say("\n  %*s%.20s", depth * 2, "", names[i]);
        show_stat(&st);
        if (S_ISREG(st.st_mode) && st.st_size < 1 << 20)
            show_file(dir, names[i]);
        if (S_ISLNK(st.st_mode)) {
            long r = readlinkat(dir, names[i], link, sizeof(link));
            say(" -> %.*s", (int)r, link);
        }
        if (S_ISDIR(st.st_mode) && depth < 5) {
            int fd = openat(dir, names[i], O_RDONLY | O_DIRECTORY);
            if (fd >= 0)
                show_folder(fd, depth + 1);
            close(fd);
        }
    }
    while (n--)
        free(names[n]);
}

static void op_tree(void)
{
    be_root();
    int fd = open("/", O_RDONLY);
    say("tree");
    show_folder(fd, 0);
    close(fd);
}

/* What has gone is made anew, or a world soon has nothing left to call on. */
static void op_renew(void)
{
    be_root();
    say("renew");
    chdir("/");
    umask(022);
    chmod("d", 0755);
    files_setup_again();
}

void files_setup_again(void)
{
    for (const char *const *name = (const char *const[]){"d", "e", "d/e", NULL}; *name; name++)
        mkdir(*name, 0777);
    close(open("a", O_CREAT | O_RDWR | O_NONBLOCK, 0666));
    close(open("d/a", O_CREAT | O_RDWR | O_NONBLOCK, 0666));
    symlink("d", "m");
    symlink("a", "l");
    symlink("z", "z");
    mkfifo("p", 0666);
}

const struct op names_ops[] = {
    {op_openat, 16},     {op_openat2, 6},    {op_close, 2},    {op_mkdirat, 4},
    {op_mknodat, 4},     {op_symlinkat, 4},  {op_linkat, 5},   {op_unlinkat, 6},
    {op_renameat2, 9},   {op_readlinkat, 3}, {op_stat, 5},     {op_statx, 3},
    {op_faccessat2, 5},  {op_chdir, 2},      {op_getdents, 2}, {op_chmod, 5},
    {op_chown, 5},       {op_utimensat, 4},  {op_setxattr, 4}, {op_getxattr, 2},
    {op_removexattr, 2}, {op_listxattr, 2},  {op_umask, 1},    {op_statfs, 1},
    {op_tree, 2},        {op_renew, 1},      {NULL, 0},
};
