/* linux/procfs_misc.c: limits and the small files of /proc/PID (man 5 proc). */
#include "lib/string.h"
#include "linux/procfs.h"

static void show_limit_value(struct text *text, uint64_t value)
{
    if (value == LIMIT_INFINITY)
        text_printf(text, "%-20s ", "unlimited");
    else
        text_printf(text, "%-20lu ", value);
}

static int show_limits(struct text *text, const struct pseudo *self)
{
    static const struct {
        const char *name, *unit;
    } names[RLIMITS] = {
        {"Max cpu time", "seconds"},     {"Max file size", "bytes"},
        {"Max data size", "bytes"},      {"Max stack size", "bytes"},
        {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
        {"Max processes", "processes"},  {"Max open files", "files"},
        {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
        {"Max file locks", "locks"},     {"Max pending signals", "signals"},
        {"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
        {"Max realtime priority", ""},   {"Max realtime timeout", "us"},
    };
    struct subject s;
    int error = subject_get(self, &s);

    if (error)
        return error;
    text_printf(text, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (unsigned i = 0; i < RLIMITS; i++) {
        text_printf(text, "%-25s ", names[i].name);
        show_limit_value(text, s.process->limits[i][0]);
        show_limit_value(text, s.process->limits[i][1]);
        text_printf(text, "%-10s\n", names[i].unit);
    }
    subject_put(&s);
    return 0;
}

static int show_io(struct text *text, const struct pseudo *self)
{
    text_printf(text, "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\n"
                      "cancelled_write_bytes: 0\n");
    return 0;
}

static int show_cgroup(struct text *text, const struct pseudo *self)
{
    text_printf(text, "0::/\n");
    return 0;
}

static int show_zero(struct text *text, const struct pseudo *self)
{
    text_printf(text, "0\n");
    return 0;
}

/* oom_score_adj and loginuid: what is written is kept by nobody. */
static int store_number(const struct pseudo *self, const char *s, size_t len)
{
    return len ? 0 : -EINVAL;
}

static int show_loginuid(struct text *text, const struct pseudo *self)
{
    text_printf(text, "4294967295");
    return 0;
}

static int show_id_map(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%10u %10u %10u\n", 0u, 0u, 4294967295u);
    return 0;
}

static int show_personality(struct text *text, const struct pseudo *self)
{
    struct subject s;
    int error = subject_get(self, &s);

    if (error)
        return error;
    text_printf(text, "%08x\n", s.process->personality);
    subject_put(&s);
    return 0;
}

static int show_wchan(struct text *text, const struct pseudo *self)
{
    text_printf(text, "0");
    return 0;
}

static const struct pseudo_entry files[] = {
    PSEUDO_FILE("limits", show_limits),
    PROC_SECRET("io", show_io),
    PSEUDO_FILE("cgroup", show_cgroup),
    PSEUDO_FILE("oom_score", show_zero),
    {.name = "oom_score_adj", .mode = S_IFREG | 0644, .show = show_zero, .store = store_number},
    {.name = "oom_adj", .mode = S_IFREG | 0644, .show = show_zero, .store = store_number},
    {.name = "loginuid", .mode = S_IFREG | 0644, .show = show_loginuid, .store = store_number},
    PSEUDO_FILE("uid_map", show_id_map),
    PSEUDO_FILE("gid_map", show_id_map),
    PROC_SECRET("personality", show_personality),
    PSEUDO_FILE("wchan", show_wchan),
};
PROC_PID_FILES(files, PROC_PROCESS | PROC_THREAD);
