// args: @DATA@
/* Folders and links, and the overlay over the read-only root. @DATA@ is part of the image. */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

static void put(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    CHECK(fd >= 0);
    CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static bool holds(const char *name, const char *text)
{
    char buffer[256] = "";
    int fd = open(name, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, buffer, sizeof buffer - 1);

    if (fd >= 0)
        close(fd);
    return n == (ssize_t)strlen(text) && memcmp(buffer, text, (size_t)n) == 0;
}

static int count_entries(const char *path)
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

static void folders(void)
{
    struct stat st;

    CHECK_EQ(mkdir("d", 0750), 0);
    CHECK_ERRNO(mkdir("d", 0750), EEXIST);
    CHECK_ERRNO(mkdir("x/y", 0750), ENOENT);
    CHECK_EQ(stat("d", &st), 0);
    CHECK_EQ(st.st_mode, S_IFDIR | 0750);
    CHECK_EQ(mkdir("d/e", 0700), 0);
    CHECK_ERRNO(rmdir("d"), ENOTEMPTY);
    CHECK_ERRNO(unlink("d"), EISDIR);
    CHECK_EQ(rmdir("d/e"), 0);
    CHECK_EQ(rmdir("d"), 0);
    CHECK_ERRNO(rmdir("d"), ENOENT);
    put("file", "x");
    CHECK_ERRNO(rmdir("file"), ENOTDIR);
    CHECK_ERRNO(mkdir("file/d", 0700), ENOTDIR);
    CHECK_ERRNO(rmdir("."), EINVAL);
}

static void working_directory(void)
{
    char before[PATH_MAX], now[PATH_MAX], small[2];
    int here;

    NEED(getcwd(before, sizeof before) != NULL);
    CHECK_EQ(mkdir("w", 0700), 0);
    here = open(".", O_RDONLY);
    CHECK_EQ(chdir("w"), 0);
    getcwd(now, sizeof now);
    CHECK(strncmp(now, before, strlen(before)) == 0 && strcmp(now + strlen(before), "/w") == 0);
    CHECK_EQ(chdir(".."), 0);
    CHECK_EQ(fchdir(here), 0);
    CHECK_ERRNO(syscall(SYS_getcwd, small, 2), ERANGE);
    CHECK_ERRNO(chdir("absent"), ENOENT);
    CHECK_ERRNO(chdir("/proc/self/exe"), ENOTDIR);
    close(here);
    rmdir("w");
    CHECK_EQ(chdir("/"), 0);
    CHECK_EQ(chdir("../.."), 0);
    getcwd(now, sizeof now);
    CHECK(strcmp(now, "/") == 0);
    CHECK_EQ(chdir(before), 0);
}

static void renaming(void)
{
    struct stat st;

    put("a", "A");
    put("b", "B");
    CHECK_EQ(rename("a", "b"), 0);
    CHECK(holds("b", "A"));
    CHECK_ERRNO(access("a", F_OK), ENOENT);
    CHECK_ERRNO(rename("a", "c"), ENOENT);
    CHECK_EQ(mkdir("d1", 0700), 0);
    CHECK_EQ(mkdir("d2", 0700), 0);
    put("d1/f", "f");
    CHECK_ERRNO(rename("b", "d1"), EISDIR);
    CHECK_ERRNO(rename("d1", "b"), ENOTDIR);
    CHECK_ERRNO(rename("d2", "d1"), ENOTEMPTY);
    CHECK_ERRNO(rename("d1", "d1/inside"), EINVAL);
    CHECK_EQ(rename("d1", "d2"), 0);
    CHECK(holds("d2/f", "f"));
    put("c", "C");
    CHECK_ERRNO(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "c", 1 /* NOREPLACE */), EEXIST);
    CHECK_EQ(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "c", 2 /* EXCHANGE */), 0);
    CHECK(holds("b", "C") && holds("c", "A"));
    CHECK_EQ(rename("d2/f", "f"), 0);
    CHECK_EQ(stat("f", &st), 0);
    CHECK_EQ(rename("f", "f"), 0);
    rmdir("d2");
}

static void hard_links(void)
{
    struct stat one, two;

    put("l1", "text");
    CHECK_EQ(link("l1", "l2"), 0);
    CHECK_EQ(stat("l1", &one), 0);
    CHECK_EQ(stat("l2", &two), 0);
    CHECK_EQ(one.st_ino, two.st_ino);
    CHECK_EQ(one.st_nlink, 2);
    CHECK_ERRNO(link("l1", "l2"), EEXIST);
    CHECK_ERRNO(link("absent", "l3"), ENOENT);
    CHECK_ERRNO(link(".", "l3"), EPERM);
    CHECK_EQ(unlink("l1"), 0);
    CHECK(holds("l2", "text"));
    CHECK_EQ(stat("l2", &one), 0);
    CHECK_EQ(one.st_nlink, 1);
}

static void symbolic_links(void)
{
    char text[64] = "";
    struct stat st;

    put("target", "T");
    CHECK_EQ(symlink("target", "s"), 0);
    CHECK_EQ(readlink("s", text, sizeof text), 6);
    CHECK(memcmp(text, "target", 6) == 0);
    CHECK_EQ(readlink("s", text, 3), 3);
    CHECK_ERRNO(readlink("target", text, 10), EINVAL);
    CHECK(holds("s", "T"));
    CHECK_EQ(lstat("s", &st), 0);
    CHECK(S_ISLNK(st.st_mode));
    CHECK_EQ(st.st_size, 6);
    CHECK_ERRNO(open("s", O_RDONLY | O_NOFOLLOW), ELOOP);
    CHECK_EQ(symlink("loop2", "loop1"), 0);
    CHECK_EQ(symlink("loop1", "loop2"), 0);
    CHECK_ERRNO(open("loop1", O_RDONLY), ELOOP);
    CHECK_EQ(symlink("nowhere", "dangling"), 0);
    CHECK_ERRNO(open("dangling", O_RDONLY), ENOENT);
    CHECK_ERRNO(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
    close(open("dangling", O_WRONLY | O_CREAT, 0600));
    CHECK_EQ(access("nowhere", F_OK), 0);
    CHECK_EQ(mkdir("sd", 0700), 0);
    put("sd/x", "x");
    CHECK_EQ(symlink("sd", "sl"), 0);
    CHECK(holds("sl/x", "x"));
    CHECK(holds("sl/../target", "T"));
    CHECK_EQ(unlink("s"), 0);
    CHECK_EQ(access("target", F_OK), 0);
    CHECK_ERRNO(symlink("", "empty"), ENOENT);
}

static void long_names(void)
{
    char name[300], path[PATH_MAX + 100];

    memset(name, 'n', sizeof name);
    name[255] = 0;
    CHECK_EQ(mkdir(name, 0700), 0);
    CHECK_EQ(rmdir(name), 0);
    memset(name, 'n', sizeof name);
    name[256] = 0;
    CHECK_ERRNO(mkdir(name, 0700), ENAMETOOLONG);
    memset(path, '/', sizeof path);
    path[sizeof path - 1] = 0;
    CHECK_ERRNO(open(path, O_RDONLY), ENAMETOOLONG);
    path[PATH_MAX - 1] = 0;
    CHECK(open(path, O_RDONLY) >= 0);
}

static void relative_to_a_folder(void)
{
    struct stat st;
    int dir, fd;

    CHECK_EQ(mkdir("at", 0700), 0);
    dir = open("at", O_RDONLY | O_DIRECTORY);
    CHECK_EQ(mkdirat(dir, "sub", 0700), 0);
    fd = openat(dir, "sub/f", O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0);
    CHECK_EQ(symlinkat("f", dir, "sub/s"), 0);
    CHECK_EQ(fstatat(dir, "sub/s", &st, AT_SYMLINK_NOFOLLOW), 0);
    CHECK(S_ISLNK(st.st_mode));
    CHECK_EQ(fstatat(fd, "", &st, AT_EMPTY_PATH), 0);
    CHECK(S_ISREG(st.st_mode));
    CHECK_EQ(faccessat(dir, "sub", R_OK, 0), 0);
    CHECK_EQ(renameat(dir, "sub/f", dir, "f"), 0);
    CHECK_EQ(linkat(dir, "f", dir, "g", 0), 0);
    CHECK_EQ(fchmodat(dir, "g", 0400, 0), 0);
    CHECK_EQ(unlinkat(dir, "f", 0), 0);
    CHECK_EQ(unlinkat(dir, "g", 0), 0);
    CHECK_EQ(unlinkat(dir, "sub/s", 0), 0);
    CHECK_ERRNO(unlinkat(dir, "sub", 0), EISDIR);
    CHECK_EQ(unlinkat(dir, "sub", AT_REMOVEDIR), 0);
    CHECK_ERRNO(openat(fd, "x", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(openat(999, "x", O_RDONLY), EBADF);
    CHECK_EQ(openat(999, "/dev/null", O_RDONLY) >= 0, 1);
    close(fd);
    CHECK_EQ(rmdir("at"), 0);
    CHECK_ERRNO(openat(dir, "new", O_WRONLY | O_CREAT, 0600), ENOENT); /* removed, still open */
    close(dir);
}

static void listing(void)
{
    enum { N = 1000 };
    static char seen[N];
    char name[32], dots = 0;
    DIR *dir;
    struct dirent *entry;
    long at = 0;

    CHECK_EQ(mkdir("many", 0700), 0);
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "many/entry-%d", i);
        close(open(name, O_WRONLY | O_CREAT, 0600));
    }
    dir = opendir("many");
    NEED(dir);
    for (int n = 0; (entry = readdir(dir)) != NULL; n++) {
        int i;

        if (n == 500)
            at = telldir(dir);
        if (entry->d_name[0] == '.') {
            CHECK_EQ(entry->d_type, DT_DIR);
            dots++;
        } else if (sscanf(entry->d_name, "entry-%d", &i) == 1) {
            CHECK(entry->d_type == DT_REG && i >= 0 && i < N);
            seen[i]++;
        }
    }
    CHECK_EQ(dots, 2);
    for (int i = 0; i < N; i++)
        CHECK_EQ(seen[i], 1);
    seekdir(dir, at);
    int rest = 0;
    while (readdir(dir))
        rest++;
    CHECK_EQ(rest, N + 2 - 501);
    rewinddir(dir);
    CHECK(readdir(dir) != NULL);
    /* Deleting while listing leaves none behind. */
    rewinddir(dir);
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            CHECK_EQ(unlinkat(dirfd(dir), entry->d_name, 0), 0);
    closedir(dir);
    CHECK_EQ(rmdir("many"), 0);
}

static void statx_call(void)
{
    struct statx x;
    struct stat st;

    put("statx", "12345");
    CHECK_EQ(stat("statx", &st), 0);
    CHECK_EQ(statx(AT_FDCWD, "statx", 0, STATX_BASIC_STATS, &x), 0);
    CHECK((x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    CHECK_EQ(x.stx_size, 5);
    CHECK_EQ(x.stx_ino, st.st_ino);
    CHECK_EQ(x.stx_mode, st.st_mode);
    CHECK_ERRNO(syscall(SYS_statx, AT_FDCWD, "statx", 0x100000, 0, &x), EINVAL);
    CHECK_ERRNO(statx(AT_FDCWD, "absent", 0, STATX_BASIC_STATS, &x), ENOENT);
}

static void nodes(void)
{
    struct stat st;

    CHECK_EQ(mkfifo("fifo", 0600), 0);
    CHECK_EQ(stat("fifo", &st), 0);
    CHECK(S_ISFIFO(st.st_mode));
    CHECK_ERRNO(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
    int fd = open("fifo", O_RDWR);
    CHECK_EQ(write(fd, "hi", 2), 2);
    char text[4];
    CHECK_EQ(read(fd, text, 4), 2);
    close(fd);
}

static void owners(void)
{
    struct stat st;

    put("owned", "x");
    CHECK_EQ(chown("owned", 12, 34), 0);
    CHECK_EQ(stat("owned", &st), 0);
    CHECK_EQ(st.st_uid, 12);
    CHECK_EQ(st.st_gid, 34);
    CHECK_EQ(chown("owned", (uid_t)-1, 56), 0);
    CHECK_EQ(stat("owned", &st), 0);
    CHECK_EQ(st.st_uid, 12);
    CHECK_EQ(st.st_gid, 56);
    CHECK_EQ(access("owned", R_OK | W_OK), 0);
    CHECK_ERRNO(access("owned", X_OK), EACCES);
}

static void locks(void)
{
    int a = open("lock", O_RDWR | O_CREAT, 0600), b = open("lock", O_RDWR);
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5};

    CHECK_EQ(flock(a, LOCK_EX), 0);
    CHECK_ERRNO(flock(b, LOCK_EX | LOCK_NB), EAGAIN);
    CHECK_EQ(flock(a, LOCK_UN), 0);
    CHECK_EQ(flock(b, LOCK_SH | LOCK_NB), 0);
    CHECK_EQ(flock(a, LOCK_SH | LOCK_NB), 0);
    CHECK_ERRNO(flock(a, LOCK_EX | LOCK_NB), EAGAIN);
    flock(a, LOCK_UN);
    flock(b, LOCK_UN);
    CHECK_ERRNO(flock(a, 77), EINVAL);
    CHECK_EQ(fcntl(a, F_SETLK, &range), 0);
    CHECK_EQ(fcntl(b, F_SETLK, &range), 0); /* one process does not exclude itself */
    range.l_type = F_UNLCK;
    CHECK_EQ(fcntl(a, F_SETLK, &range), 0);
    CHECK_EQ(fcntl(a, F_OFD_SETLK, &(struct flock){.l_type = F_WRLCK}), 0);
    CHECK_ERRNO(fcntl(b, F_OFD_SETLK, &(struct flock){.l_type = F_WRLCK}), EAGAIN);
    close(a);
    close(b);
}

static const char *data_dir;

static const char *in_data(const char *name)
{
    static char path[4][PATH_MAX];
    static int at;

    at = (at + 1) % 4;
    snprintf(path[at], PATH_MAX, "%s/%s", data_dir, name);
    return path[at];
}

static void overlay_writes(void)
{
    struct stat before, after;
    int reader = open(in_data("text"), O_RDONLY), fd;
    char text[64] = "";

    NEED(reader >= 0);
    CHECK_EQ(fstat(reader, &before), 0);
    fd = open(in_data("text"), O_WRONLY | O_APPEND);
    NEED(fd >= 0);
    CHECK_EQ(write(fd, "more\n", 5), 5);
    close(fd);
    CHECK(holds(in_data("text"), "a line of text\nmore\n"));
    CHECK_EQ(stat(in_data("text"), &after), 0);
    CHECK_EQ(after.st_size, before.st_size + 5);
    CHECK_EQ(after.st_mode, before.st_mode);
    CHECK_EQ(read(reader, text, 15), 15);
    CHECK(strcmp(text, "a line of text\n") == 0);
    close(reader);
    fd = open(in_data("text"), O_WRONLY | O_TRUNC);
    CHECK_EQ(write(fd, "new", 3), 3);
    close(fd);
    CHECK(holds(in_data("text"), "new"));
}

static void overlay_removes(void)
{
    int n = count_entries(in_data("dir"));

    CHECK_EQ(n, 5); /* . .. one two sub */
    CHECK_EQ(unlink(in_data("dir/one")), 0);
    CHECK_ERRNO(access(in_data("dir/one"), F_OK), ENOENT);
    CHECK_EQ(count_entries(in_data("dir")), 4);
    put(in_data("dir/one"), "again");
    CHECK_EQ(count_entries(in_data("dir")), 5);
    CHECK(holds(in_data("dir/one"), "again"));
    CHECK_ERRNO(rmdir(in_data("dir")), ENOTEMPTY);
    CHECK_EQ(unlink(in_data("dir/one")), 0);
    CHECK_EQ(unlink(in_data("dir/two")), 0);
    CHECK_EQ(unlink(in_data("dir/sub/deep")), 0);
    CHECK_EQ(rmdir(in_data("dir/sub")), 0);
    CHECK_EQ(rmdir(in_data("dir")), 0);
    CHECK_EQ(mkdir(in_data("dir"), 0755), 0);
    CHECK_EQ(count_entries(in_data("dir")), 2); /* opaque: nothing of old shines through */
}

static void overlay_renames(void)
{
    CHECK_EQ(rename(in_data("moved"), in_data("away")), 0);
    CHECK_ERRNO(access(in_data("moved"), F_OK), ENOENT);
    CHECK(holds(in_data("away"), "to be moved\n"));
    CHECK_EQ(mkdir(in_data("fresh"), 0700), 0);
    CHECK_EQ(rename(in_data("away"), in_data("fresh/in")), 0);
    CHECK(holds(in_data("fresh/in"), "to be moved\n"));
    CHECK_EQ(link(in_data("linked"), in_data("second")), 0);
    CHECK(holds(in_data("second"), "to be linked\n"));
    CHECK_EQ(chmod(in_data("linked"), 0600), 0);
    CHECK_EQ(symlink("linked", in_data("sym")), 0);
    CHECK(holds(in_data("sym"), "to be linked\n"));
    CHECK(holds(in_data("image-link"), "to be linked\n"));
}

/* A folder of the lower layer alone may be moved by rename (or refused with EXDEV, as
 * overlayfs of Linux does without redirect_dir). */
static void overlay_renames_folder(void)
{
    int result = rename(in_data("tree"), in_data("grove"));

    if (result == 0)
        CHECK(holds(in_data("grove/leaf"), "leaf\n"));
    else
        CHECK_EQ(errno, EXDEV);
}

static void file_systems(void)
{
    struct statfs fs;

    CHECK_EQ(statfs("/", &fs), 0);
    CHECK(fs.f_bsize > 0 && fs.f_namelen >= 255);
    CHECK_EQ(statfs("/proc", &fs), 0);
    CHECK_EQ(fs.f_type, 0x9fa0);
    CHECK_EQ(statfs("/dev/shm", &fs), 0);
    CHECK_EQ(fs.f_type, 0x01021994);
    CHECK(fs.f_blocks > 0);
    CHECK_ERRNO(statfs("/absent", &fs), ENOENT);
}

int main(int argc, char **argv)
{
    data_dir = argc > 1 ? argv[1] : "/nonexistent";
    enter_fresh_dir();
    promise("mkdir, rmdir", folders);
    promise("chdir, fchdir, getcwd", working_directory);
    promise("rename replaces, refuses, exchanges", renaming);
    promise("hard links", hard_links);
    promise("symbolic links", symbolic_links);
    promise("names up to 255, paths up to 4095 bytes", long_names);
    promise("the at-calls work from a folder", relative_to_a_folder);
    promise("1000 entries are listed once each", listing);
    promise("statx", statx_call);
    promise("a FIFO", nodes);
    promise("chown, access", owners);
    promise("flock and record locks", locks);
    promise("statfs tells the kinds of file systems", file_systems);
    promise("a file of the image can be written", overlay_writes);
    promise("files and folders of the image can be removed", overlay_removes);
    promise("files of the image can be renamed and linked", overlay_renames);
    promise("a folder of the image is renamed or refused", overlay_renames_folder);
    return check_end();
}
