/* fs/root.c: boot phase FS: the root and what Linux programs find mounted below it. */
#include "core/boot.h"
#include "core/log.h"
#include "fs/cached.h"
#include "fs/devfs.h"
#include "fs/erofs.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/tmpfs.h"
#include "lib/string.h"

/* The block device that is to have the root, by name or (NULL) the disk that we came from. Disks
 * may take their time to appear. */
static int find_device(const char *name, uint32_t *rdev)
{
    enum { PATIENCE = 5, PAUSE = 10000000 };
    nsec_t end =
        boot_param("rootwait") ? NSEC_FOREVER : clock_monotonic() + PATIENCE * 1000000000ull;
    for (;;) {
        int err = cached ? cached->find(name, rdev) : -ENODEV;
        if (err == 0 || clock_monotonic() >= end)
            return err;
        thread_sleep_until(clock_monotonic() + PAUSE, false);
    }
}

static int mount_device(const char *name, struct super **lower)
{
    uint32_t rdev;
    int err = find_device(name, &rdev);
    if (err < 0)
        log_err("fs: root: there is no %s", name ? name : "driver of the disk that we came from");
    return err < 0 ? err : erofs_mount_device(rdev, lower);
}

/* What root= names; else the image in memory; else that of the disk that the loader came from. */
static int mount_lower(struct super **lower)
{
    const char *name = boot_param("root");
    bool memory = name && strcmp(name, "memory") == 0, disk = name && strcmp(name, "disk") == 0;
    if (name && !memory && !disk)
        return mount_device(name, lower);
    if (boot_info.root_image && !disk)
        return erofs_mount_image(lower);
    return boot_info.from_disk || disk ? mount_device(NULL, lower) : -ENODEV;
}

/* The root image with a writable face, or an empty tmpfs. */
static int mount_root(void)
{
    struct super *lower, *super;
    int err = mount_lower(&lower);
    if (err == 0) {
        lower->readonly = true;
        err = overlay_create(lower, &super);
        return err < 0 ? err : mount_super(super, "overlay", NULL, MS_RELATIME);
    }
    if (err != -ENODEV)
        log_err("fs: the root image cannot be mounted (error %d); the root is empty", -err);
    else
        log_notice("fs: no root image; the root is empty");
    err = tmpfs_create(fs_find("tmpfs"), 0, 0755, &super);
    if (err == 0)
        err = mount_super(super, "tmpfs", NULL, MS_RELATIME);
    return err < 0 ? err : vfs_mkdir(NULL, "/tmp", 01777);
}

/* Mount a file system on a folder, which is made if it is missing. */
static void mount_on(const char *place, const char *type, unsigned flags, const char *options)
{
    struct path on;
    if (!fs_find(type))
        return;
    int err = vfs_lookup(NULL, place, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &on);
    if (err == -ENOENT) {
        err = vfs_mkdir(NULL, place, 0755);
        if (err == 0)
            err = vfs_lookup(NULL, place, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &on);
    }
    if (err == 0) {
        err = vfs_mount(type, &on, type, flags | MS_RELATIME, options);
        path_put(&on);
    }
    if (err < 0)
        log_err("fs: %s cannot be mounted on %s (error %d)", type, place, -err);
}

static int start(void)
{
    tmpfs_start();
    devfs_start();
    int err = mount_root();
    if (err < 0)
        return err;
    mount_on("/dev", "devtmpfs", MS_NOSUID, NULL);
    mount_on("/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount_on("/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount_on("/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount_on("/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "ptmxmode=0666");
    mount_on("/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, NULL);
    return 0;
}
BOOT_STEP(PHASE_FS, "root", start);
