/* linux/procfs_ns.c: ns and attr of /proc/PID, and the link /proc/net (the folder is net's). Of
 * each kind but mounts there is one namespace, with the number that Linux' first ones have. */
#include "fs/dentry.h"
#include "linux/namespace.h"
#include "linux/procfs.h"
#include "linux/ptrace.h"

/* --- name spaces --- */

struct ns {
    const char *kind;
    uint64_t ino;
};
static const struct ns kinds[] = {
    {"cgroup", 4026531835}, {"ipc", 4026531839},  {"net", 4026531840}, {"pid", 4026531836},
    {"time", 4026531834},   {"user", 4026531837}, {"uts", 4026531838},
};

static int show_ns(struct text *text, const struct pseudo *self)
{
    const struct ns *ns = (const struct ns *)self->entry->arg;

    text_printf(text, "%s:[%lu]", ns->kind, ns->ino);
    return 0;
}

static int follow_mounts(const struct pseudo *self, struct path *place)
{
    struct mount_ns *ns = NULL;
    struct subject s;
    int error = subject_get(self, &s);

    if (error)
        return error;
    error = !s.task->fs ? -ENOENT : ptrace_access(s.task, true) < 0 ? -EACCES : 0;
    if (!error) {
        mutex_lock(&s.task->fs->lock);
        ns = mount_ns_get(s.task->fs->mounts);
        mutex_unlock(&s.task->fs->lock);
    }
    subject_put(&s);
    if (!error)
        error = mount_ns_place(ns, place);
    mount_ns_put(ns);
    return error;
}

static int show_mounts(struct text *text, const struct pseudo *self)
{
    struct path place;
    int error = follow_mounts(self, &place);

    if (error)
        return error;
    text_printf(text, "mnt:[%lu]", place.dentry->inode->ino);
    path_put(&place);
    return 0;
}

#define NS(file, n)                                                                                \
    {                                                                                              \
        .name = (file), .mode = S_IFLNK | 0777, .show = show_ns, .arg = (uintptr_t)&kinds[n]       \
    }
static const struct pseudo_entry ns_table[] = {
    NS("cgroup", 0),
    NS("ipc", 1),
    {.name = "mnt",
     .mode = S_IFLNK | 0777,
     .show = show_mounts,
     .special = PSEUDO_SPECIAL(.follow = follow_mounts)},
    NS("net", 2),
    NS("pid", 3),
    NS("pid_for_children", 3),
    NS("time", 4),
    NS("time_for_children", 4),
    NS("user", 5),
    NS("uts", 6),
};

#define FOLDER(n, permission, t)                                                                   \
    {                                                                                              \
        .name = n, .mode = S_IFDIR | (permission), .table = t, .ntable = ARRAY_SIZE(t)             \
    }
/* As Linux without a security module. */
static int show_attr(struct text *text, const struct pseudo *self)
{
    return -EINVAL;
}

static const struct pseudo_entry attr_table[] = {PSEUDO_FILE("current", show_attr)};
static const struct pseudo_entry folders[] = {
    FOLDER("ns", 0511, ns_table),
    FOLDER("attr", 0555, attr_table),
};
PROC_PID_FILES(folders, PROC_PROCESS | PROC_THREAD);

static int show_self_net(struct text *text, const struct pseudo *self)
{
    text_printf(text, "self/net");
    return 0;
}

static int register_link(void)
{
    static struct pseudo_entry link = {
        .name = "net", .mode = S_IFLNK | 0777, .show = show_self_net};

    proc_register(&link);
    return 0;
}
BOOT_STEP(PHASE_FS, "/proc/net", register_link);
