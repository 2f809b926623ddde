/* linux/procfs_stat.c: stat, statm, status, comm, schedstat of /proc/PID (man 5 proc). */
#include "core/clock.h"
#include "drivers/tty/tty.h"
#include "lib/string.h"
#include "linux/groups.h"
#include "linux/procfs.h"
#include "linux/ptrace.h"
#include "linux/seccomp.h"
#include "mm/resident.h"

enum { TICK_NS = 10000000, FLAG_RANDOMIZE = 0x400000 };

static char state_letter(const struct task *task)
{
    const struct ptrace *p = ptrace_of(task);

    if (p && p->stopped)
        return 't';
    if (task->process->stopped && !p)
        return 'T';
    switch (atomic_load_explicit(&task->thread.state, memory_order_relaxed)) {
    case THREAD_RUNNABLE:
        return 'R';
    case THREAD_INTERRUPTIBLE:
        return 'S';
    case THREAD_SLEEPING:
        return 'D';
    default:
        return 'X';
    }
}

static const char *state_name(char letter)
{
    switch (letter) {
    case 'R':
        return "R (running)";
    case 'S':
        return "S (sleeping)";
    case 'D':
        return "D (disk sleep)";
    case 'T':
        return "T (stopped)";
    case 't':
        return "t (tracing stop)";
    case 'Z':
        return "Z (zombie)";
    default:
        return "X (dead)";
    }
}

static uint64_t pages(const atomic_ulong *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

static uint64_t caught(const struct process *process, uint64_t *ignored)
{
    uint64_t set = 0;

    *ignored = 0;
    for (int i = 0; i < SIGRTMAX; i++) {
        uint64_t handler = process->actions->actions[i].handler;

        if (handler == SIG_IGN)
            *ignored |= 1ull << i;
        else if (handler != SIG_DFL)
            set |= 1ull << i;
    }
    return set;
}

static struct cpu_times times_of(const struct pseudo *self, const struct subject *s)
{
    return self->key != self->subkey ? task_times(s->task) : process_times(s->process);
}

/* In ticks: user, system; of the children: the same. */
static void show_times(struct text *text, struct cpu_times own, const struct cpu_times *children)
{
    text_printf(text, "%lu %lu %ld %ld ", (uint64_t)own.user / TICK_NS,
                (uint64_t)own.system / TICK_NS, (long)(children->user / TICK_NS),
                (long)(children->system / TICK_NS));
}

static int parent_of(const struct process *process)
{
    return process->parent ? process->parent->pid : 0; /* tasks_lock is held */
}

/* A zombie, or a thread that its tracer has not waited for, has a name, relatives and figures, but
 * neither memory nor threads. */
static void show_dead_stat(struct text *text, struct process *p, int tid)
{
    text_printf(text, "%d (%s) Z %d %d %d 0 -1 0 %lu 0 0 0 ", tid, p->dead_name, parent_of(p),
                p->pgid, p->sid, p->dead_faults);
    show_times(text, process_times(p), &p->children_use.time);
    text_printf(text, "20 0 %u 0 %lu ", p->nthreads, (uint64_t)p->start_time / TICK_NS);
    text_printf(text, "0 0 %lu 0 0 0 0 0 0 0 0 0 0 0 0 %d 0 0 0 0 0 0 0 0 0 0 0 0 0 %d\n",
                p->limits[LIMIT_RSS][0], p->exit_signal, p->exit_code);
}

static void show_dead_status(struct text *text, const struct process *p, int tid)
{
    text_printf(text,
                "Name:\t%s\nState:\tZ (zombie)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\n"
                "TracerPid:\t0\nUid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nThreads:\t%u\n",
                p->dead_name, p->pid, tid, parent_of(p), p->dead_uid, p->dead_uid, p->dead_uid,
                p->dead_uid, p->dead_gid, p->dead_gid, p->dead_gid, p->dead_gid, p->nthreads);
}

/* The number of its terminal and that one's foreground group; 0 and -1: none. tasks_lock is held.
 */
static unsigned terminal_of(const struct process *process, int *foreground)
{
    const struct tty *tty = process->tty;

    *foreground = tty && tty->pgrp ? tty->pgrp : -1;
    return tty ? tty->rdev : 0;
}

static int show_stat(struct text *text, const struct pseudo *self)
{
    struct subject s;
    int error = subject_get_any(self, &s);

    if (error)
        return error;
    if (!s.task) {
        show_dead_stat(text, s.process, (int)self->subkey);
        subject_put(&s);
        return 0;
    }
    const struct process *p = s.process;
    const struct thread *t = &s.task->thread;
    const struct address_space *space = p->space;
    bool real_time = t->rt_priority > 0;
    uint64_t ignored, catches = caught(p, &ignored);
    int foreground;
    unsigned terminal = terminal_of(p, &foreground);

    text_printf(text, "%d (%s) %c %d %d %d %u %d %u ", (int)self->subkey, t->name,
                state_letter(s.task), parent_of(p), p->pgid, p->sid, terminal, foreground,
                FLAG_RANDOMIZE);
    text_printf(text, "%lu 0 0 0 ", pages(&space->faults));
    show_times(text, times_of(self, &s), &p->children_use.time);
    text_printf(text, "%d %d %u 0 %lu ", real_time ? -1 - t->rt_priority : 20 + t->nice, t->nice,
                p->nthreads, (uint64_t)p->start_time / TICK_NS);
    text_printf(text, "%lu %lu %lu %lu %lu %lu 0 0 ", pages(&space->total_pages) << PAGE_SHIFT,
                pages(&space->resident_pages), p->limits[LIMIT_RSS][0], space->start_code,
                space->end_code, space->start_stack);
    text_printf(text, "%lu %lu %lu %lu 0 0 0 %d %u %d %u 0 0 0 ", s.task->pending.set & 0x7fffffff,
                s.task->signal_mask & 0x7fffffff, ignored & 0x7fffffff, catches & 0x7fffffff,
                self->key == self->subkey ? p->exit_signal : -1, t->cpu->id,
                t->own_policy == POLICY_DEADLINE ? 0 : t->own_priority, (int)t->own_policy);
    text_printf(text, "%lu %lu %lu %lu %lu %lu %lu %d\n", space->start_data, space->end_data,
                space->brk_start, space->arg_start, space->arg_end, space->env_start,
                space->env_end, p->exit_code);
    subject_put(&s);
    return 0;
}

/* Sizes and what is resident, in bytes. */
struct memory_sums {
    struct memory_use use;
    uint64_t stack, library_code;
};

static void sum_memory(struct address_space *space, struct memory_sums *sums)
{
    read_lock(&space->lock);
    for (struct mapping *m = address_space_find(space, USER_MIN); m; m = mapping_next(m)) {
        mapping_measure(m, &sums->use);
        if (m->flags & MAP_GROWSDOWN)
            sums->stack += m->end - m->start;
        if (m->prot & PROT_EXEC && (m->end <= space->start_code || m->start >= space->end_code))
            sums->library_code += m->end - m->start;
    }
    read_unlock(&space->lock);
}

static int show_statm(struct text *text, const struct pseudo *self)
{
    struct subject s;
    int error = subject_get(self, &s);

    if (error)
        return error;
    struct address_space *space = s.process->space;
    uint64_t resident = pages(&space->resident_pages);
    struct memory_sums sums = {};

    sum_memory(space, &sums);
    text_printf(text, "%lu %lu %lu %lu 0 %lu 0\n", pages(&space->total_pages), resident,
                resident - MIN(sums.use.anonymous >> PAGE_SHIFT, resident),
                (ALIGN_UP(space->end_code, PAGE_SIZE) - ALIGN_DOWN(space->start_code, PAGE_SIZE)) >>
                    PAGE_SHIFT,
                pages(&space->data_pages));
    subject_put(&s);
    return 0;
}

static void show_kb(struct text *text, const char *name, uint64_t bytes)
{
    text_printf(text, "%s:\t%8lu kB\n", name, bytes >> 10);
}

/* What /proc/PID/status says about memory. */
static void show_memory(struct text *text, struct address_space *space)
{
    uint64_t total = pages(&space->total_pages) << PAGE_SHIFT;
    uint64_t resident = pages(&space->resident_pages) << PAGE_SHIFT;
    struct memory_sums sums = {};

    sum_memory(space, &sums);
    const uint64_t anonymous = MIN(sums.use.anonymous, resident);
    const uint64_t shared = MIN(sums.use.pss_shared, resident - anonymous);

    show_kb(text, "VmPeak", total);
    show_kb(text, "VmSize", total);
    show_kb(text, "VmLck", pages(&space->locked_pages) << PAGE_SHIFT);
    show_kb(text, "VmPin", 0);
    show_kb(text, "VmHWM", MAX(pages(&space->peak_resident) << PAGE_SHIFT, resident));
    show_kb(text, "VmRSS", resident);
    show_kb(text, "RssAnon", anonymous);
    show_kb(text, "RssFile", resident - anonymous - shared);
    show_kb(text, "RssShmem", shared);
    show_kb(text, "VmData", pages(&space->data_pages) << PAGE_SHIFT);
    show_kb(text, "VmStk", sums.stack);
    show_kb(text, "VmExe",
            ALIGN_UP(space->end_code, PAGE_SIZE) - ALIGN_DOWN(space->start_code, PAGE_SIZE));
    show_kb(text, "VmLib", sums.library_code);
    show_kb(text, "VmPTE", address_space_table_bytes(space));
    show_kb(text, "VmSwap", 0);
    show_kb(text, "HugetlbPages", 0);
}

static void show_groups(struct text *text, const struct task *task)
{
    struct group_set *set;

    rcu_read_lock();
    set = group_set_of(task);
    rcu_read_unlock();
    for (unsigned i = 0; set && i < set->n; i++)
        text_printf(text, i ? " %u" : "%u", set->ids[i]);
    text_printf(text, " ");
    group_set_put(set);
}

static void show_ids(struct text *text, const struct subject *s)
{
    const struct credentials *c = &s->task->cred;

    text_printf(text, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t", c->uid,
                c->euid, c->suid, c->fsuid, c->gid, c->egid, c->sgid, c->fsgid,
                s->task->fds ? atomic_load_explicit(&s->task->fds->size, memory_order_relaxed) : 0);
    show_groups(text, s->task);
    text_printf(text, "\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", s->process->pid,
                s->task->tid, s->process->pgid, s->process->sid);
}

static void show_signals(struct text *text, const struct subject *s)
{
    const struct credentials *c = &s->task->cred;
    uint64_t ignored, catches = caught(s->process, &ignored);

    text_printf(text,
                "Threads:\t%u\nSigQ:\t%u/%lu\nSigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n"
                "SigIgn:\t%016lx\nSigCgt:\t%016lx\n",
                s->process->nthreads,
                atomic_load_explicit(&s->process->queued_signals, memory_order_relaxed),
                s->process->limits[LIMIT_SIGPENDING][0], s->task->pending.set,
                s->process->pending.set, s->task->signal_mask, ignored, catches);
    text_printf(text,
                "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\n"
                "CapAmb:\t%016lx\nNoNewPrivs:\t%d\nSeccomp:\t%d\nSeccomp_filters:\t%u\n",
                c->cap_inheritable, c->cap_permitted, c->cap_effective, c->cap_bounding,
                c->cap_ambient, s->task->no_new_privs, seccomp_mode(s->task),
                seccomp_count(s->task));
}

/* "0-3,5" */
static void show_cpu_list(struct text *text, uint64_t bits)
{
    const char *comma = "";

    for (unsigned i = 0; i < 64; i++) {
        unsigned first = i;

        if (!(bits >> i & 1))
            continue;
        while (i + 1 < 64 && bits >> (i + 1) & 1)
            i++;
        text_printf(text, first == i ? "%s%u" : "%s%u-%u", comma, first, i);
        comma = ",";
    }
}

static int show_status(struct text *text, const struct pseudo *self)
{
    struct subject s;
    int error = subject_get_any(self, &s);
    uint64_t cpus_allowed;

    if (error)
        return error;
    if (!s.task) {
        show_dead_status(text, s.process, (int)self->subkey);
        subject_put(&s);
        return 0;
    }
    text_printf(text,
                "Name:\t%s\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\n"
                "PPid:\t%d\nTracerPid:\t%d\n",
                s.task->thread.name, s.task->fs ? s.task->fs->umask : 0,
                state_name(state_letter(s.task)), s.process->pid, s.task->tid, parent_of(s.process),
                ptrace_tracer_pid(s.task));
    show_ids(text, &s);
    show_memory(text, s.process->space);
    text_printf(text, "CoreDumping:\t%d\nTHP_enabled:\t%d\n", s.process->core != NULL,
                !s.process->no_huge_pages);
    show_signals(text, &s);
    cpus_allowed = s.task->thread.affinity.bits & (ncpus >= 64 ? ~0ull : (1ull << ncpus) - 1);
    text_printf(text, "Cpus_allowed:\t%lx\nCpus_allowed_list:\t", cpus_allowed);
    show_cpu_list(text, cpus_allowed);
    text_printf(text,
                "\nMems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t%lu\n"
                "nonvoluntary_ctxt_switches:\t%lu\n",
                s.task->thread.switches_voluntary, s.task->thread.switches_forced);
    subject_put(&s);
    return 0;
}

static int show_comm(struct text *text, const struct pseudo *self)
{
    struct subject s;
    int error = subject_get_any(self, &s);

    if (error)
        return error;
    text_printf(text, "%s\n", s.task ? s.task->thread.name : s.process->dead_name);
    subject_put(&s);
    return 0;
}

static int store_comm(const struct pseudo *self, const char *name, size_t len)
{
    struct subject s;
    int error = subject_get(self, &s);

    if (error)
        return error;
    strlcpy(s.task->thread.name, name, sizeof(s.task->thread.name));
    subject_put(&s);
    return 0;
}

static int show_schedstat(struct text *text, const struct pseudo *self)
{
    struct subject s;
    int error = subject_get(self, &s);

    if (error)
        return error;
    text_printf(text, "%ld 0 %lu\n", thread_runtime(&s.task->thread),
                s.task->thread.switches_voluntary + s.task->thread.switches_forced);
    subject_put(&s);
    return 0;
}

static const struct pseudo_entry files[] = {
    PSEUDO_FILE("stat", show_stat),
    PSEUDO_FILE("statm", show_statm),
    PSEUDO_FILE("status", show_status),
    {.name = "comm", .mode = S_IFREG | 0644, .show = show_comm, .store = store_comm},
    PSEUDO_FILE("schedstat", show_schedstat),
};
PROC_PID_FILES(files, PROC_PROCESS | PROC_THREAD);
