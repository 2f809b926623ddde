/* linux/procfs_ns.c: ns and attr of /proc/PID, and the link /proc/net (the folder is net's). There
 * is one name space of each kind, with the number that Linux' first ones have. */
#include "linux/procfs.h"

/* --- name spaces --- */

struct ns {
    const char *kind;
    uint64_t ino;
};
static const struct ns kinds[] = {
    {"cgroup", 4026531835}, {"ipc", 4026531839}, {"mnt", 4026531841},  {"net", 4026531840},
    {"pid", 4026531836},    {"pid", 4026531836}, {"time", 4026531834}, {"time", 4026531834},
    {"user", 4026531837},   {"uts", 4026531838},
};

static int show_ns(struct text *text, const struct pseudo *self)
{
    const struct ns *ns = (const struct ns *)self->entry->arg;

    text_printf(text, "%s:[%lu]", ns->kind, ns->ino);
    return 0;
}

#define NS(file, n)                                                                                \
    {                                                                                              \
        .name = (file), .mode = S_IFLNK | 0777, .show = show_ns, .arg = (uintptr_t)&kinds[n]       \
    }
static const struct pseudo_entry ns_table[] = {
    NS("cgroup", 0), NS("ipc", 1),
    NS("mnt", 2),    NS("net", 3),
    NS("pid", 4),    NS("pid_for_children", 5),
    NS("time", 6),   NS("time_for_children", 7),
    NS("user", 8),   NS("uts", 9),
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
