// fsopen, fsconfig, fsmount, fspick: a mount step by step.
#include "../mounts.h"

#include <linux/mount.h>

static bool allowed;

static int fs_open(const char *type, unsigned flags)
{
    return (int)syscall(SYS_fsopen, type, flags);
}

static int config(int fd, unsigned cmd, const char *key, const void *value, int aux)
{
    return (int)syscall(SYS_fsconfig, fd, cmd, key, value, aux);
}

static int fs_mount(int fd, unsigned flags, unsigned attr)
{
    return (int)syscall(SYS_fsmount, fd, flags, attr);
}

static int move(int from, const char *to)
{
    return (int)syscall(SYS_move_mount, from, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH);
}

static void arguments(void)
{
    if (!allowed)
        SKIP("may not mount here");
    CHECK_ERRNO(fs_open("nonsense", 0), ENODEV);
    CHECK_ERRNO(fs_open("tmpfs", 2), EINVAL);
    CHECK_ERRNO(fs_open((char *)8, 0), EFAULT);
    int fd = fs_open("tmpfs", FSOPEN_CLOEXEC);
    NEED(fd >= 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_ERRNO(config(-1, FSCONFIG_SET_FLAG, "ro", NULL, 0), EINVAL);
    CHECK_ERRNO(config(99, FSCONFIG_SET_FLAG, "ro", NULL, 0), EBADF);
    CHECK_ERRNO(config(1, FSCONFIG_SET_FLAG, "ro", NULL, 0), EINVAL);
    CHECK_ERRNO(config(fd, 77, NULL, NULL, 0), EOPNOTSUPP);
    CHECK_ERRNO(config(fd, FSCONFIG_SET_FLAG, NULL, NULL, 0), EINVAL);
    CHECK_ERRNO(config(fd, FSCONFIG_SET_FLAG, "ro", "x", 0), EINVAL);
    CHECK_ERRNO(config(fd, FSCONFIG_SET_STRING, "size", NULL, 0), EINVAL);
    CHECK_ERRNO(config(fd, FSCONFIG_SET_STRING, "size", "1m", 1), EINVAL);
    CHECK_ERRNO(config(fd, FSCONFIG_SET_STRING, "size", (void *)8, 0), EFAULT);
    CHECK_ERRNO(config(fd, FSCONFIG_SET_FD, "size", "x", 1), EINVAL);
    CHECK_ERRNO(config(fd, FSCONFIG_CMD_CREATE, "x", NULL, 0), EINVAL);
    CHECK_ERRNO(config(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0), EBUSY);
    CHECK_ERRNO(fs_mount(fd, 0, 0), EINVAL);
    CHECK_ERRNO(fs_mount(fd, 2, 0), EINVAL);
    CHECK_ERRNO(fs_mount(fd, 0, 0x70), EINVAL);
    CHECK_ERRNO(fs_mount(99, 0, 0), EBADF);
    CHECK_ERRNO(fs_mount(1, 0, 0), EINVAL);
    close(fd);
}

static void mounting(void)
{
    char message[200];
    if (!allowed)
        SKIP("may not mount here");
    CHECK(mkdir("m", 0755) == 0);
    int fd = fs_open("tmpfs", 0);
    NEED(fd >= 0);
    CHECK_ERRNO(read(fd, message, sizeof(message)), ENODATA);
    CHECK_ERRNO(config(fd, FSCONFIG_SET_STRING, "nonsense", "1", 0), EINVAL);
    ssize_t n = read(fd, message, sizeof(message) - 1);
    CHECK(n > 0 && memcmp(message, "e tmpfs: ", 9) == 0);
    CHECK_ERRNO(config(fd, FSCONFIG_SET_STRING, "huge", "x", 0), EINVAL);
    n = read(fd, message, sizeof(message) - 1);
    CHECK(n > 0 && memcmp(message, "e tmpfs: Bad value", 18) == 0);
    CHECK(config(fd, FSCONFIG_SET_STRING, "source", "here", 0) == 0);
    CHECK_ERRNO(config(fd, FSCONFIG_SET_STRING, "source", "there", 0), EINVAL);
    CHECK(config(fd, FSCONFIG_SET_STRING, "size", "1m", 0) == 0);
    CHECK(config(fd, FSCONFIG_SET_STRING, "mode", "700", 0) == 0);
    CHECK(config(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0);
    CHECK_ERRNO(config(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EBUSY);
    CHECK_ERRNO(config(fd, FSCONFIG_SET_STRING, "size", "2m", 0), EBUSY);
    int mnt = fs_mount(fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOATIME);
    NEED(mnt >= 0);
    CHECK_ERRNO(fs_mount(fd, 0, 0), EBUSY);
    int file = openat(mnt, "f", O_CREAT | O_WRONLY, 0644);
    CHECK(file >= 0);
    close(file);
    CHECK(move(mnt, "m") == 0);
    CHECK(exists("m/f"));
    const char *line = mount_line("m");
    CHECK(strstr(line, " rw,nosuid,noatime"));
    CHECK(strstr(line, " - tmpfs here rw,size=1024k,mode=700"));
    close(mnt);
    // The context may change it further.
    CHECK(config(fd, FSCONFIG_SET_STRING, "size", "2m", 0) == 0);
    CHECK(config(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) == 0);
    CHECK(strstr(mount_line("m"), "size=2048k"));
    close(fd);
}

static void picking(void)
{
    if (!allowed)
        SKIP("may not mount here");
    CHECK_ERRNO(syscall(SYS_fspick, AT_FDCWD, "m", 16), EINVAL);
    CHECK_ERRNO(syscall(SYS_fspick, AT_FDCWD, "none", 0), ENOENT);
    CHECK_ERRNO(syscall(SYS_fspick, AT_FDCWD, "m/f", 0), EINVAL);
    int fd = (int)syscall(SYS_fspick, AT_FDCWD, "m", FSPICK_CLOEXEC);
    NEED(fd >= 0);
    CHECK_ERRNO(config(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EBUSY);
    CHECK(config(fd, FSCONFIG_SET_FLAG, "ro", NULL, 0) == 0);
    CHECK(config(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) == 0);
    CHECK_ERRNO(open("m/g", O_CREAT | O_WRONLY, 0644), EROFS);
    CHECK(strstr(mount_line("m"), " rw,nosuid")); // the mount is not, the file system is
    CHECK(config(fd, FSCONFIG_SET_FLAG, "rw", NULL, 0) == 0);
    CHECK(config(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) == 0);
    make_file("m/g");
    CHECK(exists("m/g"));
    close(fd);
    CHECK(umount("m") == 0);
}

static void kinds(void)
{
    static const char *const types[] = {"proc", "sysfs", "devpts", "devtmpfs", "mqueue"};
    if (!allowed)
        SKIP("may not mount here");
    CHECK(mkdir("k", 0755) == 0);
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        int fd = fs_open(types[i], 0);
        if (fd < 0 && errno == ENODEV)
            continue; // a Linux may be built without
        CHECK(config(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0);
        int mnt = fs_mount(fd, 0, 0);
        CHECK(mnt >= 0);
        CHECK(move(mnt, "k") == 0);
        CHECK(is_mounted("k"));
        close(mnt);
        close(fd);
        CHECK(umount("k") == 0);
    }
}

int main(void)
{
    allowed = enter_mounts();
    promise("arguments", arguments);
    promise("fsopen, fsconfig, fsmount, move_mount", mounting);
    promise("fspick changes a file system", picking);
    promise("every kind of file system", kinds);
    return check_end();
}
