// mount, umount2: shared subtrees, moving, flags, leaving: as mount(2), umount2(2) and
// mount_namespaces(7) have them.
#include "../mounts.h"

#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/wait.h>

static bool allowed;

#define NEED_MOUNTS()                                                                              \
    if (!allowed)                                                                                  \
    SKIP("may not mount here")

static void make_dirs(const char *a, const char *b, const char *c)
{
    CHECK(mkdir(a, 0755) == 0);
    CHECK(!b || mkdir(b, 0755) == 0);
    CHECK(!c || mkdir(c, 0755) == 0);
}

static void peers(void)
{
    NEED_MOUNTS();
    make_dirs("p1", "p2", NULL);
    NEED(mount("a", "p1", "tmpfs", 0, NULL) == 0);
    CHECK_EQ(group_of("p1", "shared:"), 0);
    CHECK(mount(NULL, "p1", NULL, MS_SHARED, NULL) == 0);
    CHECK(mount("p1", "p2", NULL, MS_BIND, NULL) == 0);
    CHECK(group_of("p1", "shared:") > 0);
    CHECK_EQ(group_of("p1", "shared:"), group_of("p2", "shared:"));
    make_dirs("p1/in", NULL, NULL);
    CHECK(mount("b", "p1/in", "tmpfs", 0, NULL) == 0);
    CHECK(is_mounted("p2/in"));
    CHECK(group_of("p1/in", "shared:") > 0);
    CHECK_EQ(group_of("p1/in", "shared:"), group_of("p2/in", "shared:"));
    make_file("p2/in/f");
    CHECK(exists("p1/in/f"));
    CHECK(umount("p2/in") == 0);
    CHECK(!is_mounted("p1/in"));
    CHECK(umount("p2") == 0);
    CHECK(umount("p1") == 0);
}

static void slaves(void)
{
    NEED_MOUNTS();
    make_dirs("s1", "s2", "s3");
    NEED(mount("a", "s1", "tmpfs", 0, NULL) == 0);
    NEED(mount(NULL, "s1", NULL, MS_SHARED, NULL) == 0);
    NEED(mount("s1", "s2", NULL, MS_BIND, NULL) == 0);
    CHECK(mount(NULL, "s2", NULL, MS_SLAVE, NULL) == 0);
    CHECK_EQ(group_of("s2", "shared:"), 0);
    CHECK_EQ(group_of("s2", "master:"), group_of("s1", "shared:"));
    make_dirs("s1/down", "s1/up", NULL);
    CHECK(mount("b", "s1/down", "tmpfs", 0, NULL) == 0);
    CHECK(is_mounted("s2/down"));
    CHECK_EQ(group_of("s2/down", "master:"), group_of("s1/down", "shared:"));
    CHECK(mount("c", "s2/up", "tmpfs", 0, NULL) == 0);
    CHECK(!is_mounted("s1/up"));
    // Shared and slave: gives to its own peers.
    CHECK(mount(NULL, "s2", NULL, MS_SHARED, NULL) == 0);
    CHECK(mount("s2", "s3", NULL, MS_BIND, NULL) == 0);
    CHECK(umount("s1/down") == 0);
    CHECK(!is_mounted("s2/down"));
    CHECK(mount("d", "s1/down", "tmpfs", 0, NULL) == 0);
    CHECK(is_mounted("s3/down"));
    CHECK_EQ(group_of("s3/down", "shared:"), group_of("s2/down", "shared:"));
    CHECK_EQ(group_of("s3/down", "master:"), group_of("s1/down", "shared:"));
    // The master's end: its slaves have none any more.
    CHECK(umount2("s1", MNT_DETACH) == 0);
    CHECK_EQ(group_of("s2", "master:"), 0);
    CHECK(umount2("s3", MNT_DETACH) == 0);
    CHECK(umount2("s2", MNT_DETACH) == 0);
}

static void private_and_unbindable(void)
{
    NEED_MOUNTS();
    make_dirs("u1", "u2", NULL);
    NEED(mount("a", "u1", "tmpfs", 0, NULL) == 0);
    CHECK(mount(NULL, "u1", NULL, MS_UNBINDABLE, NULL) == 0);
    CHECK(strstr(mount_line("u1"), " unbindable"));
    CHECK_ERRNO(mount("u1", "u2", NULL, MS_BIND, NULL), EINVAL);
    CHECK(mount(NULL, "u1", NULL, MS_PRIVATE, NULL) == 0);
    CHECK(mount("u1", "u2", NULL, MS_BIND, NULL) == 0);
    CHECK_ERRNO(mount(NULL, "u1", NULL, MS_PRIVATE | MS_SHARED, NULL), EINVAL);
    CHECK_ERRNO(mount(NULL, "u1", NULL, MS_SHARED | MS_NODEV, NULL), EINVAL);
    make_dirs("u1/d", NULL, NULL);
    CHECK_ERRNO(mount(NULL, "u1/d", NULL, MS_SHARED, NULL), EINVAL);
    CHECK(umount("u2") == 0);
    // A recursive bind leaves unbindable ones out.
    CHECK(mount("b", "u1/d", "tmpfs", 0, NULL) == 0);
    CHECK(mount(NULL, "u1/d", NULL, MS_UNBINDABLE, NULL) == 0);
    CHECK(mount("u1", "u2", NULL, MS_BIND | MS_REC, NULL) == 0);
    CHECK(!is_mounted("u2/d"));
    CHECK(umount("u2") == 0);
    CHECK(umount2("u1", MNT_DETACH) == 0);
}

static void moving(void)
{
    NEED_MOUNTS();
    make_dirs("m1", "m2", "m3");
    NEED(mount("a", "m1", "tmpfs", 0, NULL) == 0);
    make_dirs("m1/in", NULL, NULL);
    CHECK(mount("b", "m1/in", "tmpfs", 0, NULL) == 0);
    CHECK_ERRNO(mount("m1", "m1/in", NULL, MS_MOVE, NULL), ELOOP);
    CHECK_ERRNO(mount("m3", "m2", NULL, MS_MOVE, NULL), EINVAL);
    make_file("m2/../plain");
    CHECK_ERRNO(mount("m1", "plain", NULL, MS_MOVE, NULL), EINVAL);
    CHECK(mount("m1", "m2", NULL, MS_MOVE, NULL) == 0);
    CHECK(!is_mounted("m1"));
    CHECK(is_mounted("m2") && is_mounted("m2/in"));
    // Not out of a shared one.
    CHECK(mount(NULL, "m2", NULL, MS_SHARED, NULL) == 0);
    CHECK_ERRNO(mount("m2/in", "m3", NULL, MS_MOVE, NULL), EINVAL);
    CHECK_ERRNO(umount("m2"), EBUSY);
    CHECK(umount2("m2", MNT_DETACH) == 0);
    CHECK(!is_mounted("m2/in"));
}

static void flags(void)
{
    NEED_MOUNTS();
    struct statfs st;
    make_dirs("f1", "f2", NULL);
    NEED(mount("a", "f1", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=1m") == 0);
    CHECK(statfs("f1", &st) == 0);
    CHECK_EQ(st.f_flags & (ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_RDONLY | ST_RELATIME | ST_NOATIME),
             ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_RELATIME);
    CHECK(strstr(mount_line("f1"), "rw,nosuid,nodev,noexec,relatime"));
    CHECK(strstr(mount_line("f1"), "size=1024k"));
    make_file("f1/f");
    CHECK(mount("f1", "f2", NULL, MS_BIND, NULL) == 0);
    // A file that is open for writing keeps the mount writable.
    int fd = open("f2/f", O_RDWR);
    CHECK_ERRNO(mount(NULL, "f2", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), EBUSY);
    CHECK_ERRNO(mount(NULL, "f1", NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
    close(fd);
    CHECK(mount(NULL, "f2", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOATIME, NULL) == 0);
    CHECK_ERRNO(open("f2/f", O_RDWR), EROFS);
    CHECK_ERRNO(mkdir("f2/d", 0755), EROFS);
    CHECK(statfs("f2", &st) == 0);
    CHECK_EQ(st.f_flags & (ST_RDONLY | ST_NOATIME | ST_RELATIME | ST_NOSUID),
             ST_RDONLY | ST_NOATIME);
    CHECK(mkdir("f1/d", 0755) == 0);
    CHECK(mount(NULL, "f1", NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
    CHECK_ERRNO(mkdir("f1/e", 0755), EROFS);
    CHECK_ERRNO(mount(NULL, "f1", NULL, MS_REMOUNT, "size=lots"), EINVAL);
    CHECK(mount(NULL, "f1", NULL, MS_REMOUNT | MS_NODIRATIME, "size=2m,nr_inodes=5") == 0);
    CHECK(strstr(mount_line("f1"), "rw,nodiratime"));
    CHECK(strstr(mount_line("f1"), "size=2048k,nr_inodes=5"));
    CHECK(mkdir("f1/e", 0755) == 0);
    CHECK(mkdir("f1/g", 0755) == 0);
    CHECK_ERRNO(mkdir("f1/h", 0755), ENOSPC);
    CHECK_ERRNO(mount(NULL, "f1", NULL, MS_REMOUNT, "nr_inodes=2"), EINVAL);
    CHECK_ERRNO(mount(NULL, "f1/d", NULL, MS_REMOUNT, NULL), EINVAL);
    CHECK(umount("f2") == 0);
    CHECK(umount("f1") == 0);
    CHECK_ERRNO(mount("a", "f1", "tmpfs", 0, "nonsense=1"), EINVAL);
    CHECK_ERRNO(mount("a", "f1", "nonsense", 0, NULL), ENODEV);
    CHECK_ERRNO(mount("a", "f1", NULL, 0, NULL), EINVAL);
    CHECK_ERRNO(mount("a", "plain", "tmpfs", 0, NULL), ENOTDIR);
}

/* Does reading change an access time of this many seconds? */
static bool reading_counts(const char *path, time_t atime)
{
    struct timespec times[2] = {{.tv_sec = atime}, {.tv_sec = 2000}};
    struct stat st;
    char c;
    CHECK(utimensat(AT_FDCWD, path, times, 0) == 0);
    int fd = open(path, O_RDONLY);
    CHECK(read(fd, &c, 1) == 1);
    close(fd);
    CHECK(stat(path, &st) == 0);
    return st.st_atim.tv_sec != atime;
}

static void access_times(void)
{
    NEED_MOUNTS();
    make_dirs("t1", NULL, NULL);
    NEED(mount("a", "t1", "tmpfs", 0, NULL) == 0);
    int fd = open("t1/f", O_CREAT | O_WRONLY, 0644);
    CHECK(write(fd, "x", 1) == 1);
    close(fd);
    time_t later = time(NULL) + 1000;
    CHECK(reading_counts("t1/f", 1000));
    CHECK(!reading_counts("t1/f", later));
    CHECK(mount(NULL, "t1", NULL, MS_REMOUNT | MS_BIND | MS_NOATIME, NULL) == 0);
    CHECK(!reading_counts("t1/f", 1000));
    CHECK(mount(NULL, "t1", NULL, MS_REMOUNT | MS_BIND | MS_STRICTATIME, NULL) == 0);
    CHECK(reading_counts("t1/f", later));
    CHECK(!strstr(mount_line("t1"), "relatime"));
    CHECK(symlink("f", "t1/l") == 0);
    CHECK(mount(NULL, "t1", NULL, MS_REMOUNT | MS_BIND | 256 /* MS_NOSYMFOLLOW */, NULL) == 0);
    CHECK_ERRNO(open("t1/l", O_RDONLY), ELOOP);
    CHECK(umount("t1") == 0);
}

/* What programs of old put into the upper half of the flags; bubblewrap still does. */
static void magic(void)
{
    enum { SILENT = 1 << 15 };
    NEED_MOUNTS();
    make_dirs("g1", "g2", NULL);
    NEED(mount("a", "g1", "tmpfs", MS_MGC_VAL, NULL) == 0);
    CHECK(mount("g1", "g2", NULL, MS_MGC_VAL | MS_BIND | MS_REC | SILENT, NULL) == 0);
    CHECK(mount(NULL, "g2", NULL, 1ul << 40 | MS_MGC_VAL | MS_REMOUNT | MS_BIND, NULL) == 0);
    CHECK_ERRNO(mount(NULL, "g2", NULL, 1ul << 40 | MS_REMOUNT | MS_BIND, NULL), EINVAL);
    CHECK_ERRNO(mount(NULL, "g2", NULL, 1ul << 31 | MS_REMOUNT | MS_BIND, NULL), EINVAL);
    CHECK(umount("g2") == 0);
    CHECK(umount("g1") == 0);
}

static void expiring(void)
{
    NEED_MOUNTS();
    make_dirs("e1", NULL, NULL);
    NEED(mount("a", "e1", "tmpfs", 0, NULL) == 0);
    CHECK_ERRNO(umount2("e1", MNT_EXPIRE | MNT_DETACH), EINVAL);
    CHECK_ERRNO(umount2("e1", MNT_EXPIRE | MNT_FORCE), EINVAL);
    int fd = open("e1", O_RDONLY);
    CHECK_ERRNO(umount2("e1", MNT_EXPIRE), EBUSY);
    close(fd);
    CHECK_ERRNO(umount2("e1", MNT_EXPIRE), EAGAIN);
    make_file("e1/used");
    CHECK_ERRNO(umount2("e1", MNT_EXPIRE), EAGAIN);
    CHECK(umount2("e1", MNT_EXPIRE) == 0);
    CHECK(!is_mounted("e1"));
    CHECK_ERRNO(umount2("e1", 0), EINVAL);
    CHECK_ERRNO(umount2("e1", 0x100), EINVAL);
    CHECK_ERRNO(umount2("none", 0), ENOENT);
}

static void links(void)
{
    NEED_MOUNTS();
    make_dirs("l1", NULL, NULL);
    NEED(mount("a", "l1", "tmpfs", 0, NULL) == 0);
    CHECK(symlink("l1", "link") == 0);
    CHECK_ERRNO(umount2("link", UMOUNT_NOFOLLOW), EINVAL);
    CHECK(umount2("link", 0) == 0);
}

static void lazy(void)
{
    NEED_MOUNTS();
    make_dirs("z1", NULL, NULL);
    NEED(mount("a", "z1", "tmpfs", 0, NULL) == 0);
    int fd = open("z1/f", O_CREAT | O_RDWR, 0644);
    CHECK_ERRNO(umount("z1"), EBUSY);
    CHECK(umount2("z1", MNT_DETACH) == 0);
    CHECK(!is_mounted("z1"));
    CHECK(!exists("z1/f"));
    CHECK(write(fd, "x", 1) == 1);
    close(fd);
}

static void of_removed(void)
{
    char long_name[200], path[512], root[512] = "";

    NEED_MOUNTS();
    memset(long_name, 'n', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = 0;
    make_dirs(long_name, "place", NULL);
    NEED(chdir(long_name) == 0);
    make_dirs(long_name, NULL, NULL);
    snprintf(path, sizeof(path), "%s", long_name);
    NEED(mount(path, "../place", NULL, MS_BIND, NULL) == 0);
    CHECK(rmdir(path) == 0);
    NEED(chdir("..") == 0);
    CHECK(is_mounted("place"));
    CHECK(sscanf(mount_line("place"), "%*s %*s %*s %511s", root) == 1);
    snprintf(path, sizeof(path), "/%s/%s//deleted", long_name, long_name);
    CHECK(strcmp(root, path) == 0);
    CHECK(umount("place") == 0);
    CHECK(!is_mounted("place"));
}

static bool set_mount_max(unsigned n)
{
    FILE *file = fopen("/proc/sys/fs/mount-max", "w");
    bool set = file && fprintf(file, "%u\n", n) > 0;

    return file && fclose(file) == 0 && set;
}

static unsigned count_mounts(void)
{
    FILE *file = fopen("/proc/self/mounts", "r");
    unsigned n = 0;

    for (int c; file && (c = getc(file)) != EOF;)
        n += c == '\n';
    if (file)
        fclose(file);
    return n;
}

/* Only inside: elsewhere it is the limit of all. */
static void too_many(void)
{
    unsigned now = count_mounts();

    NEED_MOUNTS();
    if (!inside_osprey())
        SKIP("everybody's limit");
    make_dirs("m", "m/a", NULL);
    NEED(set_mount_max(now + 3));
    CHECK(mount("a", "m", "tmpfs", 0, NULL) == 0);
    make_dirs("m/a", "m/b", "m/c");
    CHECK(mount("b", "m/a", "tmpfs", 0, NULL) == 0);
    CHECK_ERRNO(mount("m", "m/b", NULL, MS_BIND | MS_REC, NULL), ENOSPC); /* two */
    CHECK(mount("m", "m/b", NULL, MS_BIND, NULL) == 0);
    CHECK_ERRNO(mount("c", "m/c", "tmpfs", 0, NULL), ENOSPC);
    CHECK(umount("m/b") == 0);
    CHECK(mount(NULL, "m", NULL, MS_SHARED, NULL) == 0);
    CHECK(mount("m", "m/b", NULL, MS_BIND, NULL) == 0);
    CHECK(umount("m/a") == 0);
    CHECK_ERRNO(mount("c", "m/c", "tmpfs", 0, NULL), ENOSPC); /* and its copy */
    CHECK_EQ(count_mounts(), now + 2);
    CHECK(umount2("m", MNT_DETACH) == 0);
    CHECK(set_mount_max(100000));
}

/* Names that are made up as they are looked for, nested, under a mount. */
static void names_of_proc(void)
{
    struct stat before, under;

    NEED_MOUNTS();
    make_dirs("p", NULL, NULL);
    bool mounted = mount("proc", "p", "proc", 0, NULL) == 0;
    if (!mounted && errno == EPERM && !inside_osprey())
        SKIP("proc may not be mounted here");
    NEED(mounted);
    NEED(stat("p/sys/kernel", &before) == 0);
    CHECK(mount("t", "p/sys/kernel", "tmpfs", 0, NULL) == 0);
    CHECK(mkdir("p/sys/kernel/mine", 0755) == 0);
    CHECK(access("p/sys/kernel/mine", F_OK) == 0);
    CHECK(access("p/sys/fs", F_OK) == 0);
    CHECK(mount("p/sys", "p/sys", NULL, MS_BIND, NULL) == 0);
    CHECK(mount("none", "p/sys", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) == 0);
    CHECK(strstr(mount_line("p/sys"), " ro") != NULL);
    CHECK_ERRNO(umount("p"), EBUSY);
    CHECK(umount("p/sys") == 0);
    CHECK(access("p/sys/kernel/mine", F_OK) == 0);
    CHECK(umount("p/sys/kernel") == 0);
    CHECK(stat("p/sys/kernel", &under) == 0 && under.st_dev == before.st_dev);
    CHECK(mount("p/version", "p/cpuinfo", NULL, MS_BIND, NULL) == 0);
    CHECK(stat("p/version", &before) == 0 && stat("p/cpuinfo", &under) == 0);
    CHECK_EQ(under.st_ino, before.st_ino);
    CHECK(umount("p/cpuinfo") == 0);
    CHECK(umount("p") == 0);
}

int main(void)
{
    allowed = enter_mounts();
    promise("peers share what is mounted on them", peers);
    promise("slaves get it and give nothing back", slaves);
    promise("unbindable mounts cannot be bound", private_and_unbindable);
    promise("mounts move with all that is inside", moving);
    promise("flags of mounts and file systems", flags);
    promise("noatime, relatime, strictatime, nosymfollow", access_times);
    promise("MS_MGC_VAL takes the upper flags away", magic);
    promise("MNT_EXPIRE takes two calls without a use between", expiring);
    promise("so many mounts there may be: ENOSPC", too_many);
    promise("UMOUNT_NOFOLLOW", links);
    promise("a folder that is mounted elsewhere may go, and its mount has its place", of_removed);
    promise("names of /proc can be mounted on", names_of_proc);
    promise("MNT_DETACH leaves open files alone", lazy);
    return check_end();
}
