/* Answers of the mount calls in odd cases. (Found by comparing random calls with Linux's.) */
#include "mounts.h"

#include <linux/mount.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#define MOUNT_BENEATH 0x200 /* MOVE_MOUNT_, Linux 6.5 */
enum { PAGE = 4096, DETACH = 2 };

static bool tmpfs(const char *on, unsigned long flags, const char *options)
{
    return mount("none", on, "tmpfs", flags, options) == 0;
}

static int in_child(int (*fn)(void))
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(fn());
    waitpid(pid, &status, 0);
    return status;
}

/* What is mounted on the root of a process is seen by ".." and in mountinfo. */
static int below_a_cover(void)
{
    if (chroot("c") != 0 || chdir("/") != 0 || !tmpfs("/", 0, NULL))
        return 1;
    make_file("../inside");
    if (access("inside", F_OK) == 0 || access("/../inside", F_OK) != 0)
        return 2;
    return umount2("/..", DETACH) == 0 && access("/../inside", F_OK) != 0 ? 0 : 3;
}

static void cover_of_the_root(void)
{
    NEED(mkdir("c", 0755) == 0 && tmpfs("c", 0, NULL));
    CHECK_EQ(in_child(below_a_cover), 0);
    CHECK_EQ(umount2("c", DETACH), 0);
}

static void beneath_itself(void)
{
    NEED(mkdir("m", 0755) == 0 && tmpfs("m", 0, NULL) && mkdir("m/n", 0755) == 0 &&
         tmpfs("m/n", 0, NULL));
    long r = syscall(SYS_move_mount, AT_FDCWD, "m", AT_FDCWD, "m", MOUNT_BENEATH);
    CHECK(r < 0 && errno == EINVAL);
    r = syscall(SYS_move_mount, AT_FDCWD, "m/n", AT_FDCWD, "m", MOUNT_BENEATH);
    CHECK(r < 0 && errno == EINVAL);
    CHECK(is_mounted("m/n"));
    CHECK_EQ(umount2("m", DETACH), 0);
}

static void what_is_read_only(void)
{
    NEED(mkdir("r", 0755) == 0 && tmpfs("r", MS_RDONLY, NULL));
    CHECK_ERRNO(unlink("r/absent"), EROFS);
    CHECK_ERRNO(rmdir("r/absent"), EROFS);
    CHECK_ERRNO(rename("r/absent", "r/there"), EROFS);
    CHECK_ERRNO(mkdir("r/absent", 0700), EROFS);
    CHECK_EQ(umount("r"), 0);
}

static int mounts_as_other(void)
{
    struct stat st;
    syscall(SYS_setfsgid, 77);
    syscall(SYS_setfsuid, 78);
    if (!tmpfs("o", 0, NULL) || stat("o", &st) != 0)
        return 1;
    return st.st_uid == 78 && st.st_gid == 77 && umount("o") == 0 ? 0 : 2;
}

static void options_of_tmpfs(void)
{
    struct statfs st;
    NEED(mkdir("o", 0755) == 0);
    CHECK(tmpfs("o", MS_SYNCHRONOUS | MS_DIRSYNC, ",,size=0x2000,nr_inodes=0,mode=700,"));
    CHECK(statfs("o", &st) == 0 && st.f_blocks == 2 && st.f_files == 0 && st.f_ffree == 0);
    CHECK(st.f_flags & MS_SYNCHRONOUS);
    CHECK_EQ(chmod("o", 0711), 0);
    CHECK(strstr(mount_line("o"), "rw,sync,dirsync,size=8k,nr_inodes=0,mode=700"));
    CHECK_ERRNO(mount(NULL, "o", NULL, MS_REMOUNT, "nr_inodes=5"), EINVAL);
    CHECK_EQ(mount(NULL, "o", NULL, MS_REMOUNT, "size=0"), 0);
    CHECK(statfs("o", &st) == 0 && st.f_blocks == 0 && !(st.f_flags & MS_SYNCHRONOUS));
    CHECK(strstr(mount_line("o"), "rw,dirsync,size=0k"));
    CHECK_ERRNO(mount(NULL, "o", NULL, MS_REMOUNT, "size=8k"), EINVAL);
    CHECK_EQ(umount("o"), 0);
    CHECK_EQ(in_child(mounts_as_other), 0);
    CHECK_ERRNO(mount("none", "o", "tmpfs", 1ul << 40, NULL), EINVAL);
}

static void allocating_too_much(void)
{
    struct stat st;
    NEED(mkdir("p", 0755) == 0 && tmpfs("p", 0, "size=16k"));
    int fd = open("p/data", O_CREAT | O_RDWR, 0600);
    CHECK_EQ(pwrite(fd, "x", 1, PAGE), 1);
    CHECK_ERRNO(fallocate(fd, 0, 0, 5 * PAGE), ENOSPC);
    CHECK(fstat(fd, &st) == 0 && st.st_blocks == PAGE / 512 && st.st_size == PAGE + 1);
    CHECK_EQ(fallocate(fd, 0, 0, 4 * PAGE), 0);
    close(fd);
    CHECK_EQ(umount("p"), 0);
}

/* Of 1 MiB; false: it does not fit in whole. */
static bool fill(const char *name)
{
    static char data[1 << 18];
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    bool whole = fd >= 0;
    for (int i = 0; whole && i < 4; i++)
        whole = write(fd, data, sizeof(data)) == (ssize_t)sizeof(data);
    char *p = whole ? mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    close(fd);
    return p != MAP_FAILED && p[0]++ == 0 && munmap(p, PAGE) == 0;
}

static uint64_t pages_free(const char *of)
{
    struct statfs s = {};
    return statfs(of, &s) == 0 ? s.f_bfree : 0;
}

/* A full file system has room again the moment a name goes, or the last who used the file. */
static void room_at_once(void)
{
    NEED(mkdir("room", 0755) == 0 && tmpfs("room", 0, "size=1m,nr_inodes=3"));
    int filled = 0, named = 0;
    for (int i = 0; i < 20; i++) {
        filled += fill("room/a") && unlink("room/a") == 0 && pages_free("room") == 256;
        filled += fill("room/b") && fill("room/a") == 0 && rename("room/a", "room/b") == 0 &&
                  fill("room/b");
        int fd = open("room/b", O_RDONLY);
        filled += unlink("room/b") == 0 && pages_free("room") == 0 && close(fd) == 0 &&
                  pages_free("room") == 256;
        named += mkdir("room/d", 0755) == 0 && mkdir("room/e", 0755) == 0;
        named += mkdir("room/f", 0755) < 0 && errno == ENOSPC;
        named += rmdir("room/d") == 0 && symlink("x", "room/d") == 0;
        named += unlink("room/d") == 0 && rmdir("room/e") == 0;
    }
    /* The last user is a mapping. */
    int fd = open("room/m", O_RDWR | O_CREAT, 0600);
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    NEED(ftruncate(fd, PAGE) == 0 && p != MAP_FAILED && close(fd) == 0);
    p[0] = 1;
    CHECK(unlink("room/m") == 0 && pages_free("room") == 255);
    CHECK(munmap(p, PAGE) == 0 && pages_free("room") == 256);
    char target[200];
    CHECK_EQ(mount("none", "room", "tmpfs", MS_REMOUNT, "nr_inodes=9"), 0);
    memset(target, 'x', sizeof(target) - 1);
    target[sizeof(target) - 1] = 0;
    CHECK_EQ(symlink(target, "room/l"), 0); /* too long for an inode */
    CHECK_EQ(pages_free("room"), 255);
    CHECK(!fill("room/a") && unlink("room/l") == 0 && pages_free("room") == 1);
    CHECK_ERRNO(symlink(target, "room/l") == 0 ? symlink(target, "room/m") : 0, ENOSPC);
    CHECK(unlink("room/l") == 0 && unlink("room/a") == 0);
    CHECK_EQ(filled, 60);
    CHECK_EQ(named, 80);
    CHECK_EQ(umount("room"), 0);
}

static void unbindable_slave(void)
{
    NEED(mkdir("u", 0755) == 0 && tmpfs("u", 0, NULL));
    NEED(mount(NULL, "u", NULL, MS_UNBINDABLE, NULL) == 0);
    CHECK_EQ(mount(NULL, "u", NULL, MS_SLAVE, NULL), 0);
    CHECK(strstr(mount_line("u"), " unbindable "));
    CHECK_EQ(mount(NULL, "u", NULL, MS_SHARED, NULL), 0);
    CHECK(!strstr(mount_line("u"), " unbindable "));
    CHECK_EQ(umount("u"), 0);
}

static void changes_are_told(void)
{
    NEED(mkdir("w", 0755) == 0 && tmpfs("w", 0, NULL));
    struct pollfd p = {open("/proc/self/mountinfo", O_RDONLY), POLLPRI, 0};
    poll(&p, 1, 0);
    CHECK_EQ(mount(NULL, "w", NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC, NULL), 0);
    CHECK(poll(&p, 1, 0) == 1 && p.revents & POLLPRI);
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_NODEV};
    CHECK_EQ(syscall(SYS_mount_setattr, AT_FDCWD, "w", 0, &attr, sizeof(attr)), 0);
    CHECK(poll(&p, 1, 0) == 1 && p.revents & POLLPRI);
    close(p.fd);
    CHECK_EQ(umount("w"), 0);
}

static int creates_without_rights(void)
{
    int fd = (int)syscall(SYS_fsopen, "tmpfs", 0);
    if (fd < 0 || setresuid(1000, 1000, 1000) != 0)
        return 1;
    return syscall(SYS_fsconfig, fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == -1 && errno == EPERM
               ? 0
               : 2;
}

static void contexts(void)
{
    char text[200] = "";
    int fd = (int)syscall(SYS_fsopen, "tmpfs", 0), path = open(".", O_PATH);
    NEED(fd >= 0);
    CHECK_ERRNO(syscall(SYS_fsconfig, path, FSCONFIG_SET_FLAG, "ro", NULL, 0), EBADF);
    CHECK_ERRNO(syscall(SYS_fsconfig, fd, FSCONFIG_SET_FD, "foo", NULL, 999), EBADF);
    CHECK_ERRNO(syscall(SYS_fsconfig, fd, FSCONFIG_SET_STRING, "size", "x", 0), EINVAL);
    CHECK(read(fd, text, sizeof(text) - 1) > 0 && strstr(text, "e tmpfs: Bad value for 'size'"));
    CHECK_EQ(syscall(SYS_fsconfig, fd, FSCONFIG_SET_STRING, "sync", "x", 0), 0);
    CHECK_EQ(syscall(SYS_fsconfig, fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), 0);
    int top = (int)syscall(SYS_fsmount, fd, 0, 0);
    NEED(top >= 0 && mkdir("f", 0755) == 0);
    CHECK_EQ(syscall(SYS_move_mount, top, "", AT_FDCWD, "f", MOVE_MOUNT_F_EMPTY_PATH), 0);
    CHECK(strstr(mount_line("f"), "rw,sync"));
    close(top);
    close(fd);
    close(path);
    CHECK_EQ(umount("f"), 0);
    CHECK_EQ(in_child(creates_without_rights), 0);
}

int main(void)
{
    if (!promise_mounts())
        return check_end();
    promise("what covers the root is reached by ..", cover_of_the_root);
    promise("no mount goes beneath itself or what it lies in", beneath_itself);
    promise("EROFS comes before ENOENT", what_is_read_only);
    promise("tmpfs: options, what statfs and mountinfo say of them", options_of_tmpfs);
    promise("tmpfs: fallocate takes all or nothing", allocating_too_much);
    promise("tmpfs: what is removed leaves room at once", room_at_once);
    promise("MS_SLAVE leaves an unbindable mount so", unbindable_slave);
    promise("who polls mountinfo is told of flags", changes_are_told);
    promise("fsconfig: errors, words that all file systems know", contexts);
    return check_end();
}
