// open_tree, move_mount, mount_setattr: mounts by descriptor.
#include "../mounts.h"

#include <linux/mount.h>

#ifndef MOVE_MOUNT_SET_GROUP
#define MOVE_MOUNT_SET_GROUP 0x100
#endif
#ifndef MOVE_MOUNT_BENEATH
#define MOVE_MOUNT_BENEATH 0x200
#endif

static bool allowed;

static int tree(int dir, const char *path, unsigned flags)
{
    return (int)syscall(SYS_open_tree, dir, path, flags);
}

static int move(int from, const char *a, int to, const char *b, unsigned flags)
{
    return (int)syscall(SYS_move_mount, from, a, to, b, flags);
}

static int setattr(const char *path, unsigned flags, struct mount_attr *attr, size_t size)
{
    return (int)syscall(SYS_mount_setattr, AT_FDCWD, path, flags, attr, size);
}

static void arguments(void)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    if (!allowed)
        SKIP("may not mount here");
    CHECK_ERRNO(tree(AT_FDCWD, ".", 2), EINVAL);
    CHECK_ERRNO(tree(AT_FDCWD, ".", AT_RECURSIVE), EINVAL);
    CHECK_ERRNO(tree(AT_FDCWD, "none", 0), ENOENT);
    CHECK_ERRNO(tree(AT_FDCWD, "", 0), ENOENT);
    CHECK_ERRNO(tree(99, "x", 0), EBADF);
    CHECK_ERRNO(move(AT_FDCWD, ".", AT_FDCWD, ".", 0x1000), EINVAL);
    CHECK_ERRNO(move(AT_FDCWD, "", AT_FDCWD, ".", 0), ENOENT);
    CHECK_ERRNO(move(99, "x", AT_FDCWD, ".", 0), EBADF);
    CHECK_ERRNO(setattr(".", 1, &attr, sizeof(attr)), EINVAL);
    CHECK_ERRNO(setattr(".", 0, &attr, 8), EINVAL);
    CHECK_ERRNO(setattr(".", 0, &attr, 5000), E2BIG);
    CHECK_ERRNO(setattr("none", 0, &attr, sizeof(attr)), ENOENT);
    CHECK_ERRNO(setattr(".", 0, (void *)8, sizeof(attr)), EFAULT);
    attr = (struct mount_attr){0};
    CHECK(setattr("none", 0, &attr, sizeof(attr)) == 0);
    attr.attr_set = MOUNT_ATTR_NOATIME;
    CHECK_ERRNO(setattr(".", 0, &attr, sizeof(attr)), EINVAL);
    attr = (struct mount_attr){.attr_clr = MOUNT_ATTR_NOATIME};
    CHECK_ERRNO(setattr(".", 0, &attr, sizeof(attr)), EINVAL);
    attr = (struct mount_attr){.attr_set = 1ull << 40};
    CHECK_ERRNO(setattr(".", 0, &attr, sizeof(attr)), EINVAL);
    attr = (struct mount_attr){.propagation = MS_SHARED | MS_SLAVE};
    CHECK_ERRNO(setattr(".", 0, &attr, sizeof(attr)), EINVAL);
    CHECK(mkdir("plain", 0755) == 0);
    attr = (struct mount_attr){.attr_set = MOUNT_ATTR_RDONLY};
    CHECK_ERRNO(setattr("plain", 0, &attr, sizeof(attr)), EINVAL);
}

static void without_clone(void)
{
    if (!allowed)
        SKIP("may not mount here");
    int fd = tree(AT_FDCWD, "plain", O_CLOEXEC);
    char c;
    NEED(fd >= 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(fd, F_GETFL) & O_PATH);
    CHECK_ERRNO(read(fd, &c, 1), EBADF);
    close(fd);
}

static void cloning(void)
{
    if (!allowed)
        SKIP("may not mount here");
    CHECK(mkdir("c1", 0755) == 0 && mkdir("c2", 0755) == 0);
    NEED(mount("a", "c1", "tmpfs", 0, NULL) == 0);
    CHECK(mkdir("c1/in", 0755) == 0);
    CHECK(mount("b", "c1/in", "tmpfs", 0, NULL) == 0);
    make_file("c1/in/f");
    int fd = tree(AT_FDCWD, "c1", OPEN_TREE_CLONE | AT_RECURSIVE | OPEN_TREE_CLOEXEC);
    NEED(fd >= 0);
    // A tree that nobody sees but by the descriptor.
    CHECK(faccessat(fd, "in/f", F_OK, 0) == 0);
    CHECK(move(fd, "", AT_FDCWD, "c2", MOVE_MOUNT_F_EMPTY_PATH) == 0);
    CHECK(exists("c2/in/f"));
    CHECK(is_mounted("c2/in"));
    close(fd);
    CHECK(exists("c2/in/f"));
    // It goes with the descriptor where it was given no place.
    fd = tree(AT_FDCWD, "c1", OPEN_TREE_CLONE);
    NEED(fd >= 0);
    CHECK_ERRNO(faccessat(fd, "in/f", F_OK, 0), ENOENT);
    close(fd);
    CHECK(umount("c1/in") == 0);
    CHECK(umount("c1") == 0);
    CHECK(umount2("c2", MNT_DETACH) == 0);
}

// One on the other, and gone with the descriptor.
static void deep(void)
{
    enum { DEEP = 1000 };
    if (!allowed)
        SKIP("may not mount here");
    CHECK(mkdir("deep", 0755) == 0);
    NEED(mount("base", "deep", "tmpfs", 0, NULL) == 0);
    CHECK(mkdir("deep/in", 0755) == 0);
    for (int i = 0; i < DEEP; i++)
        NEED(mount("one", "deep/in", "tmpfs", 0, NULL) == 0);
    make_file("deep/in/top");
    int fd = tree(AT_FDCWD, "deep", OPEN_TREE_CLONE | AT_RECURSIVE);
    NEED(fd >= 0);
    CHECK(faccessat(fd, "in/top", F_OK, 0) == 0);
    close(fd);
    CHECK(umount2("deep", MNT_DETACH) == 0);
    CHECK(!exists("deep/in"));
}

static void moving(void)
{
    if (!allowed)
        SKIP("may not mount here");
    CHECK(mkdir("v1", 0755) == 0 && mkdir("v2", 0755) == 0);
    NEED(mount("a", "v1", "tmpfs", 0, NULL) == 0);
    CHECK_ERRNO(move(AT_FDCWD, "plain", AT_FDCWD, "v2", 0), EINVAL);
    CHECK(move(AT_FDCWD, "v1", AT_FDCWD, "v2", 0) == 0);
    CHECK(is_mounted("v2") && !is_mounted("v1"));
    // Under what is mounted already.
    NEED(mount("b", "v1", "tmpfs", 0, NULL) == 0);
    make_file("v1/low");
    make_file("v2/high");
    if (move(AT_FDCWD, "v1", AT_FDCWD, "v2", MOVE_MOUNT_BENEATH) == 0) {
        CHECK(exists("v2/high"));
        CHECK(umount("v2") == 0);
        CHECK(exists("v2/low"));
    } else {
        CHECK_EQ(errno, EINVAL); // before Linux 6.5
        CHECK(umount("v1") == 0);
    }
    CHECK(umount("v2") == 0);
}

static void groups(void)
{
    if (!allowed)
        SKIP("may not mount here");
    CHECK(mkdir("g1", 0755) == 0 && mkdir("g2", 0755) == 0);
    NEED(mount("a", "g1", "tmpfs", 0, NULL) == 0);
    NEED(mount("g1", "g2", NULL, MS_BIND, NULL) == 0);
    CHECK_ERRNO(move(AT_FDCWD, "g1", AT_FDCWD, "g2", MOVE_MOUNT_SET_GROUP), EINVAL);
    CHECK(mount(NULL, "g1", NULL, MS_SHARED, NULL) == 0);
    CHECK(move(AT_FDCWD, "g1", AT_FDCWD, "g2", MOVE_MOUNT_SET_GROUP) == 0);
    CHECK_EQ(group_of("g2", "shared:"), group_of("g1", "shared:"));
    CHECK_ERRNO(move(AT_FDCWD, "g1", AT_FDCWD, "g2", MOVE_MOUNT_SET_GROUP), EINVAL);
    CHECK(umount("g1") == 0);
    CHECK(umount("g2") == 0);
}

static void attributes(void)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV};
    if (!allowed)
        SKIP("may not mount here");
    CHECK(mkdir("a1", 0755) == 0);
    NEED(mount("a", "a1", "tmpfs", 0, NULL) == 0);
    CHECK(mkdir("a1/in", 0755) == 0);
    NEED(mount("b", "a1/in", "tmpfs", 0, NULL) == 0);
    int fd = open("a1/in/f", O_CREAT | O_RDWR, 0644);
    CHECK_ERRNO(setattr("a1", AT_RECURSIVE, &attr, sizeof(attr)), EBUSY);
    CHECK(!strstr(mount_line("a1"), " ro,"));
    close(fd);
    CHECK(setattr("a1", AT_RECURSIVE, &attr, sizeof(attr)) == 0);
    CHECK(strstr(mount_line("a1"), " ro,nodev,relatime"));
    CHECK(strstr(mount_line("a1/in"), " ro,nodev,relatime"));
    attr = (struct mount_attr){.attr_clr = MOUNT_ATTR_RDONLY | MOUNT_ATTR__ATIME,
                               .attr_set = MOUNT_ATTR_NOATIME,
                               .propagation = MS_SHARED};
    CHECK(setattr("a1", 0, &attr, sizeof(attr)) == 0);
    CHECK(strstr(mount_line("a1"), " rw,nodev,noatime"));
    CHECK(strstr(mount_line("a1/in"), " ro,nodev,relatime"));
    CHECK(group_of("a1", "shared:") > 0);
    CHECK_EQ(group_of("a1/in", "shared:"), 0);
    CHECK(umount2("a1", MNT_DETACH) == 0);
}

int main(void)
{
    allowed = enter_mounts();
    promise("arguments", arguments);
    promise("without OPEN_TREE_CLONE it is an O_PATH file", without_clone);
    promise("a cloned tree has no name until it is moved", cloning);
    promise("a tree may be deep", deep);
    promise("move_mount moves, also beneath", moving);
    promise("MOVE_MOUNT_SET_GROUP", groups);
    promise("mount_setattr sets, clears, changes propagation", attributes);
    return check_end();
}
