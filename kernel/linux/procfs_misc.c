/* linux/procfs_misc.c: limits and the small files of /proc/PID (man 5 proc). */
#include "lib/string.h"
#include "linux/path.h"
#include "linux/procfs.h"
#include "linux/ptrace.h"
#include "mm/frame.h"

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
    if (pseudo_guard_hook(self) < 0)
        return -EACCES;
    text_printf(text, "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\n"
                      "cancelled_write_bytes: 0\n");
    return 0;
}

static int show_cgroup(struct text *text, const struct pseudo *self)
{
    text_printf(text, "0::/\n");
    return 0;
}

/* --- numbers that are kept --- */

/* What entry->arg names. */
enum { OOM_SCORE, OOM_SCORE_ADJ, OOM_ADJ, LOGINUID, SESSIONID, TIMER_SLACK, PERSONALITY };
enum {
    CAP_SYS_NICE = 23,
    OOM_ADJ_MAX = 15,
    OOM_DISABLE = -17,
    OOM_SCORE_MAX = 1000,
    SLACK_DEFAULT = 50000
};

static bool may_see_slack(const struct subject *s)
{
    return s->process == current_process() || capable(CAP_SYS_NICE);
}

/* The older scale of -17 to 15, as Linux converts it. */
static int oom_adj_of(int score)
{
    return score == OOM_SCORE_MAX ? OOM_ADJ_MAX : score * -OOM_DISABLE / OOM_SCORE_MAX;
}

static int oom_score_of(int adj)
{
    return adj == OOM_ADJ_MAX ? OOM_SCORE_MAX : adj * OOM_SCORE_MAX / -OOM_DISABLE;
}

/* Linux' measure: thousandths of memory, scaled to end at 2000 with the adjustment. */
static long oom_score(const struct process *process)
{
    struct frame_stats stats;
    long points;

    frame_get_stats(&stats);
    points = (long)(atomic_load(&process->space->resident_pages) * OOM_SCORE_MAX / stats.total);
    if (process->oom_score_adj == -OOM_SCORE_MAX)
        return 0;
    return MAX((OOM_SCORE_MAX + points + process->oom_score_adj) * 2 / 3, 0l);
}

static int show_number(struct text *text, const struct pseudo *self)
{
    struct subject s;
    int error = subject_get(self, &s);

    if (error)
        return error;
    switch (self->entry->arg) {
    case OOM_SCORE:
        text_printf(text, "%ld\n", oom_score(s.process));
        break;
    case OOM_SCORE_ADJ:
        text_printf(text, "%d\n", s.process->oom_score_adj);
        break;
    case OOM_ADJ:
        text_printf(text, "%d\n", oom_adj_of(s.process->oom_score_adj));
        break;
    case LOGINUID:
        text_printf(text, "%u", s.process->loginuid);
        break;
    case SESSIONID:
        text_printf(text, "%u", s.process->sessionid);
        break;
    case TIMER_SLACK:
        error = may_see_slack(&s) ? 0 : -EPERM;
        text_printf(text, "%ld\n", s.task->timer_slack_ns);
        break;
    case PERSONALITY:
        error = ptrace_access(s.task, false);
        text_printf(text, "%08x\n", s.process->personality);
        break;
    }
    subject_put(&s);
    return error;
}

/* "-17\n" as a number within [least, most]. */
static int parse_number(const char *text, size_t len, int64_t least, int64_t most, int64_t *number)
{
    bool minus = len && *text == '-';
    uint64_t value;
    int error = proc_parse_u64(text + minus, len - minus, 10, INT64_MAX, &value);

    if (error)
        return -EINVAL;
    *number = minus ? -(int64_t)value : (int64_t)value;
    return *number < least || *number > most ? -EINVAL : 0;
}

static int set_oom(struct process *process, int score)
{
    if (score < process->oom_score_adj && !capable(CAP_SYS_RESOURCE))
        return -EACCES;
    process->oom_score_adj = (int16_t)score;
    return 0;
}

static int store_number(const struct pseudo *self, const char *text, size_t len)
{
    static const int64_t bounds[][2] = {
        [OOM_SCORE_ADJ] = {-OOM_SCORE_MAX, OOM_SCORE_MAX},
        [OOM_ADJ] = {OOM_DISABLE, OOM_ADJ_MAX},
        [LOGINUID] = {0, UINT32_MAX},
        [TIMER_SLACK] = {0, INT64_MAX},
    };
    unsigned which = (unsigned)self->entry->arg;
    struct subject s;
    int64_t value;
    int error = parse_number(text, len, bounds[which][0], bounds[which][1], &value);

    if (!error)
        error = subject_get(self, &s);
    if (error)
        return error;
    if (which == TIMER_SLACK && !may_see_slack(&s))
        error = -EPERM;
    else if (which == OOM_SCORE_ADJ)
        error = set_oom(s.process, (int)value);
    else if (which == OOM_ADJ)
        error = set_oom(s.process, oom_score_of((int)value));
    else if (which == LOGINUID)
        s.process->loginuid = (uint32_t)value;
    else
        s.task->timer_slack_ns = value ? value : SLACK_DEFAULT;
    subject_put(&s);
    return error;
}

static int show_id_map(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%10u %10u %10u\n", 0u, 0u, 4294967295u);
    return 0;
}

static int show_setgroups(struct text *text, const struct pseudo *self)
{
    text_printf(text, "allow\n");
    return 0;
}

/* Where no name space and no module gives them another: one line of constant text. */
static int show_constant(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%s", (const char *)self->entry->arg);
    return 0;
}

/* The children of a thread, as /proc/PID/task/TID/children has them. */
static int show_children(struct text *text, const struct pseudo *self)
{
    struct subject s;
    int error = subject_get(self, &s);

    if (error)
        return error;
    list_for_each_entry (struct process, child, &s.process->children, siblings)
        if (child->parent_tid == (int)self->subkey)
            text_printf(text, "%d ", child->pid);
    subject_put(&s);
    return 0;
}

static int show_sched(struct text *text, const struct pseudo *self)
{
    struct subject s;
    int error = subject_get(self, &s);
    const struct thread *t = error ? NULL : &s.task->thread;
    nsec_t run;

    if (error)
        return error;
    run = thread_runtime(t);
    text_printf(text, "%s (%d, #threads: %u)\n", t->name, s.task->tid, s.process->nthreads);
    text_printf(text, "-------------------------------------------------------------------\n");
    text_printf(text, "%-45s:%14ld.%06ld\n", "se.sum_exec_runtime", run / 1000000, run % 1000000);
    text_printf(text, "%-45s:%21lu\n", "nr_switches", t->switches_voluntary + t->switches_forced);
    text_printf(text, "%-45s:%21lu\n", "nr_voluntary_switches", t->switches_voluntary);
    text_printf(text, "%-45s:%21lu\n", "nr_involuntary_switches", t->switches_forced);
    text_printf(text, "%-45s:%21d\n", "policy", t->policy);
    text_printf(text, "%-45s:%21d\n", "prio", t->rt_priority ? 99 - t->rt_priority : 120 + t->nice);
    subject_put(&s);
    return 0;
}

#define NUMBER(file, permission, which)                                                            \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | (permission), .show = show_number,                       \
        .store = (permission)&0200 ? store_number : NULL, .arg = (which)                           \
    }
#define CONSTANT(file, text)                                                                       \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | 0444, .show = show_constant, .arg = (uintptr_t)(text)    \
    }
static const struct pseudo_entry files[] = {
    PSEUDO_FILE("limits", show_limits),       PROC_SECRET("io", show_io),
    PSEUDO_FILE("cgroup", show_cgroup),       CONSTANT("cpuset", "/\n"),
    NUMBER("oom_score", 0444, OOM_SCORE),     NUMBER("oom_score_adj", 0644, OOM_SCORE_ADJ),
    NUMBER("oom_adj", 0644, OOM_ADJ),         NUMBER("loginuid", 0644, LOGINUID),
    NUMBER("sessionid", 0444, SESSIONID),     NUMBER("personality", 0400, PERSONALITY),
    PSEUDO_FILE("uid_map", show_id_map),      PSEUDO_FILE("gid_map", show_id_map),
    PSEUDO_FILE("setgroups", show_setgroups), PSEUDO_FILE("sched", show_sched),
};
PROC_PID_FILES(files, PROC_PROCESS | PROC_THREAD);

static const struct pseudo_entry of_process[] = {NUMBER("timerslack_ns", 0666, TIMER_SLACK)};
PROC_PID_FILES(of_process, PROC_PROCESS);

static const struct pseudo_entry of_thread[] = {PSEUDO_FILE("children", show_children)};
PROC_PID_FILES(of_thread, PROC_THREAD);
