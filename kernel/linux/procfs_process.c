/* linux/procfs_process.c: /proc/PID and /proc/PID/task/TID (man 5 proc). */
#include "core/boot.h"
#include "core/clock.h"
#include "fs/procfs.h"
#include "lib/string.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "linux/time.h"
#include "linux/seccomp.h"
#include "mm/frame.h"
#include "mm/heap.h"

enum { TICK_NS = 10000000, FLAG_RANDOMIZE = 0x400000 };

/* --- whom a file is about --- */

/* A reader's hold on a process and one of its threads: process->lock, which a thread takes on its
 * way out, keeps both. */
struct subject {
    struct process *process;
    struct task *task;
};

/* With zombies: its task is NULL. */
static int subject_get_any(const struct pseudo *self, struct subject *s)
{
    mutex_lock(&tasks_lock);
    s->process = process_find((int)self->key);
    if (!s->process) {
        mutex_unlock(&tasks_lock);
        return -ESRCH;
    }
    mutex_lock(&s->process->lock);
    s->task = task_find((int)self->subkey);
    if (s->task && (s->task->process != s->process || s->task->exiting))
        s->task = NULL;
    if (!s->task && self->subkey == self->key)
        s->task = s->process->leader;
    if (s->task || (s->process->zombie && self->subkey == self->key))
        return 0;
    mutex_unlock(&s->process->lock);
    mutex_unlock(&tasks_lock);
    return -ESRCH;
}

static void subject_put(struct subject *s)
{
    mutex_unlock(&s->process->lock);
    mutex_unlock(&tasks_lock);
}

static int subject_get(const struct pseudo *self, struct subject *s)
{
    int error = subject_get_any(self, s);

    if (error || s->task)
        return error;
    subject_put(s);
    return -ESRCH;
}

static bool is_known(const struct process *process)
{
    return process->nthreads > 0 || process->zombie;
}

static bool exists(int pid)
{
    struct process *process;
    bool alive;

    rcu_read_lock();
    process = process_find(pid);
    alive = process && is_known(process);
    rcu_read_unlock();
    return alive;
}

struct next_number {
    int after, best;
};

static bool nearer(struct process *process, void *arg)
{
    struct next_number *next = arg;

    if (process->pid > next->after && is_known(process) &&
        (!next->best || process->pid < next->best))
        next->best = process->pid;
    return true;
}

static int next_process(int pid)
{
    struct next_number next = {.after = pid};

    rcu_read_lock();
    process_each(nearer, &next);
    rcu_read_unlock();
    return next.best;
}

static bool thread_exists(int pid, int tid)
{
    struct task *task;
    bool there;

    rcu_read_lock();
    task = task_find(tid);
    there = task && task->process->pid == pid;
    rcu_read_unlock();
    return there;
}

static int next_thread(int pid, int tid)
{
    struct process *process;
    int best = 0;

    rcu_read_lock();
    process = process_find(pid);
    if (process) {
        uint64_t flags = spin_lock_irq(&process->signal_lock);

        list_for_each_entry (struct task, task, &process->threads, process_link)
            if (task->tid > tid && (!best || task->tid < best))
                best = task->tid;
        spin_unlock_irq(&process->signal_lock, flags);
    }
    rcu_read_unlock();
    return best;
}

static void self_numbers(int *pid, int *tid)
{
    bool task = is_task(current);

    *pid = task ? current_process()->pid : 0;
    *tid = task ? current_task()->tid : 0;
}

static void owner(int pid, uint32_t *uid, uint32_t *gid)
{
    struct process *process;

    rcu_read_lock();
    process = process_find(pid);
    if (process && process->leader && process->dumpable) {
        *uid = process->leader->cred.euid;
        *gid = process->leader->cred.egid;
    }
    rcu_read_unlock();
}

static const struct proc_source source = {
    .exists = exists,
    .next = next_process,
    .thread_exists = thread_exists,
    .next_thread = next_thread,
    .self = self_numbers,
    .owner = owner,
};

/* --- state --- */

static char state_letter(const struct task *task)
{
    if (task->process->stopped)
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

static nsec_t runtime_of(const struct pseudo *self, const struct subject *s)
{
    uint64_t flags;
    nsec_t ns;

    if (self->key != self->subkey)
        return thread_runtime(&s->task->thread);
    flags = spin_lock_irq(&s->process->signal_lock);
    ns = process_runtime(s->process);
    spin_unlock_irq(&s->process->signal_lock, flags);
    return ns;
}

static int parent_of(const struct process *process)
{
    return process->parent ? process->parent->pid : 0; /* tasks_lock is held */
}

/* A zombie has a name, relatives and figures, but neither memory nor threads. */
static void show_dead_stat(struct text *text, const struct process *p)
{
    text_printf(text, "%d (%s) Z %d %d %d 0 -1 0 %lu 0 0 0 %lu 0 %ld 0 20 0 %u 0 %lu ", p->pid,
                p->dead_name, parent_of(p), p->pgid, p->sid, p->dead_faults,
                (uint64_t)p->dead_user_ns / TICK_NS, (long)(p->children_use.run_ns / TICK_NS),
                p->nthreads, (uint64_t)p->start_time / TICK_NS);
    text_printf(text, "0 0 %lu 0 0 0 0 0 0 0 0 0 0 0 0 %d 0 0 0 0 0 0 0 0 0 0 0 0 0 %d\n",
                p->limits[LIMIT_RSS][0], p->exit_signal, p->exit_code);
}

static void show_dead_status(struct text *text, const struct process *p)
{
    text_printf(text,
                "Name:\t%s\nState:\tZ (zombie)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\n"
                "TracerPid:\t0\nUid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nThreads:\t%u\n",
                p->dead_name, p->pid, p->pid, parent_of(p), p->dead_uid, p->dead_uid, p->dead_uid,
                p->dead_uid, p->dead_gid, p->dead_gid, p->dead_gid, p->dead_gid, p->nthreads);
}

static int show_stat(struct text *text, const struct pseudo *self)
{
    struct subject s;
    int error = subject_get_any(self, &s);

    if (error)
        return error;
    if (!s.task) {
        show_dead_stat(text, s.process);
        subject_put(&s);
        return 0;
    }
    const struct process *p = s.process;
    const struct thread *t = &s.task->thread;
    const struct address_space *space = p->space;
    bool real_time = t->rt_priority > 0;
    uint64_t ignored, catches = caught(p, &ignored);

    text_printf(text, "%d (%s) %c %d %d %d 0 -1 %u ", (int)self->subkey, t->name,
                state_letter(s.task), parent_of(p), p->pgid, p->sid, FLAG_RANDOMIZE);
    text_printf(text, "%lu 0 0 0 %lu 0 0 0 %d %d %u 0 %lu ", pages(&space->faults),
                (uint64_t)runtime_of(self, &s) / TICK_NS,
                real_time ? -1 - t->rt_priority : 20 + t->nice, t->nice, p->nthreads,
                (uint64_t)p->start_time / TICK_NS);
    text_printf(text, "%lu %lu %lu %lu %lu %lu 0 0 ", pages(&space->total_pages) << PAGE_SHIFT,
                pages(&space->resident_pages), p->limits[LIMIT_RSS][0], space->start_code,
                space->end_code, space->start_stack);
    text_printf(text, "%lu %lu %lu %lu 0 0 0 %d %u %d %u 0 0 0 ", s.task->pending.set & 0x7fffffff,
                s.task->signal_mask & 0x7fffffff, ignored & 0x7fffffff, catches & 0x7fffffff,
                self->key == self->subkey ? p->exit_signal : -1, t->cpu->id, t->rt_priority,
                (int)t->policy);
    text_printf(text, "%lu %lu %lu %lu %lu %lu %lu %d\n", space->start_data, space->end_data,
                space->brk_start, space->arg_start, space->arg_end, space->env_start,
                space->env_end, p->exit_code);
    subject_put(&s);
    return 0;
}

static int show_statm(struct text *text, const struct pseudo *self)
{
    struct subject s;
    int error = subject_get(self, &s);

    if (error)
        return error;
    const struct address_space *space = s.process->space;

    text_printf(text, "%lu %lu 0 %lu 0 %lu 0\n", pages(&space->total_pages),
                pages(&space->resident_pages),
                (ALIGN_UP(space->end_code, PAGE_SIZE) - ALIGN_DOWN(space->start_code, PAGE_SIZE)) >>
                    PAGE_SHIFT,
                pages(&space->data_pages));
    subject_put(&s);
    return 0;
}

/* What /proc/PID/status says about memory. */
static void show_memory(struct text *text, const struct address_space *space)
{
    uint64_t total = pages(&space->total_pages) * 4, resident = pages(&space->resident_pages) * 4;

    text_printf(text,
                "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmPin:\t       0 kB\n"
                "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\nRssAnon:\t%8lu kB\nRssFile:\t       0 kB\n"
                "RssShmem:\t       0 kB\nVmData:\t%8lu kB\nVmStk:\t     132 kB\n",
                total, total, pages(&space->locked_pages) * 4,
                MAX(pages(&space->peak_resident) * 4, resident), resident, resident,
                pages(&space->data_pages) * 4);
    text_printf(text,
                "VmExe:\t%8lu kB\nVmLib:\t       0 kB\nVmPTE:\t       0 kB\n"
                "VmSwap:\t       0 kB\nHugetlbPages:\t       0 kB\n",
                (space->end_code - space->start_code) >> 10);
}

static void show_ids(struct text *text, const struct subject *s)
{
    const struct credentials *c = &s->task->cred;

    text_printf(text, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t", c->uid,
                c->euid, c->suid, c->fsuid, c->gid, c->egid, c->sgid, c->fsgid,
                s->task->fds ? atomic_load_explicit(&s->task->fds->size, memory_order_relaxed) : 0);
    for (unsigned i = 0; i < c->ngroups; i++)
        text_printf(text, "%u ", c->groups[i]);
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
        show_dead_status(text, s.process);
        subject_put(&s);
        return 0;
    }
    text_printf(text,
                "Name:\t%s\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\n"
                "PPid:\t%d\nTracerPid:\t0\n",
                s.task->thread.name, s.task->fs ? s.task->fs->umask : 0,
                state_name(state_letter(s.task)), s.process->pid, s.task->tid,
                parent_of(s.process));
    show_ids(text, &s);
    show_memory(text, s.process->space);
    text_printf(text, "CoreDumping:\t0\nTHP_enabled:\t%d\n", !s.process->no_huge_pages);
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
    if (len && len < sizeof(s.task->thread.name) && name[len - 1] == '\n')
        s.task->thread.name[len - 1] = 0;
    subject_put(&s);
    return 0;
}

/* --- what lies in its memory --- */

/* The memory of a process, with a reference; NULL: it has none any more. */
static struct address_space *space_of(const struct pseudo *self)
{
    struct address_space *space;
    struct subject s;

    if (subject_get(self, &s) < 0)
        return NULL;
    space = s.process->space;
    if (space)
        address_space_get(space);
    subject_put(&s);
    return space;
}

static void show_range(struct text *text, struct address_space *space, uintptr_t start,
                       uintptr_t end)
{
    while (start < end) {
        size_t n = MIN((size_t)(end - start), PAGE_SIZE - (start & ~PAGE_MASK));
        paddr_t frame;

        if (address_space_pin(space, start, false, &frame) < 0)
            break;
        text_put(text, (const char *)phys_to_virt(frame) + (start & ~PAGE_MASK), n);
        frame_put(frame);
        start += n;
    }
}

static char last_byte(struct address_space *space, uintptr_t end)
{
    paddr_t frame;
    char byte = 0;

    if (address_space_pin(space, end - 1, false, &frame) == 0) {
        byte = ((const char *)phys_to_virt(frame))[(end - 1) & ~PAGE_MASK];
        frame_put(frame);
    }
    return byte;
}

/* argv; a program that writes beyond it (setproctitle) is shown up to the next NUL. */
static int show_cmdline(struct text *text, const struct pseudo *self)
{
    struct address_space *space = space_of(self);

    if (!space)
        return 0;
    show_range(text, space, space->arg_start, space->arg_end);
    if (space->arg_end > space->arg_start && last_byte(space, space->arg_end))
        show_range(text, space, space->arg_end, space->env_end);
    address_space_put(space);
    return 0;
}

static int show_environ(struct text *text, const struct pseudo *self)
{
    struct address_space *space = space_of(self);

    if (!space)
        return 0;
    show_range(text, space, space->env_start, space->env_end);
    address_space_put(space);
    return 0;
}

static int show_auxv(struct text *text, const struct pseudo *self)
{
    struct subject s;
    int error = subject_get(self, &s);

    if (error)
        return error;
    text_put(text, (const char *)s.process->auxv, s.process->auxv_words * sizeof(uint64_t));
    subject_put(&s);
    return 0;
}

/* --- mappings --- */

/* One line of /proc/PID/maps. buf: PATH_MAX bytes. */
static void show_mapping(struct text *text, const struct process *process, const struct mapping *m,
                         char *buf)
{
    const struct mem_object_ops *ops = m->object ? m->object->ops : NULL;
    uint64_t dev = 0, ino = 0;
    const char *name = m->label;
    size_t before = text->len;

    if (ops && ops->identity)
        ops->identity(m->object, &dev, &ino);
    if (ops && ops->name && !name) {
        ops->name(m->object, m->file, buf, PATH_MAX);
        name = buf;
    }
    if (!name && m->start <= process->space->brk && m->end >= process->space->brk_start &&
        process->space->brk > process->space->brk_start)
        name = "[heap]";
    if (name && !strcmp(name, "[stack]") &&
        (process->space->start_stack < m->start || process->space->start_stack >= m->end))
        name = NULL;
    text_printf(text, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu", m->start, m->end,
                m->prot & PROT_READ ? 'r' : '-', m->prot & PROT_WRITE ? 'w' : '-',
                m->prot & PROT_EXEC ? 'x' : '-', (m->flags & 3) == MAP_PRIVATE ? 'p' : 's',
                m->object ? m->object_page << PAGE_SHIFT : 0, dev_major((uint32_t)dev),
                dev_minor((uint32_t)dev), ino);
    if (name && *name)
        text_printf(text, "%*s%s", (int)MAX(73 - (int64_t)(text->len - before), 1l), "", name);
    text_printf(text, "\n");
}

static void show_smap(struct text *text, const struct mapping *m)
{
    uint64_t size = (m->end - m->start) >> 10;
    uint64_t resident = 0;

    for (uintptr_t at = m->start; at < m->end;) {
        unsigned level = 1;
        pte_t *entry = paging_walk(m->space->pml4, at, &level, false);
        uintptr_t step = level >= 2 && entry ? HUGE_SIZE : entry ? PAGE_SIZE : HUGE_SIZE;

        if (entry && *entry & PTE_PRESENT)
            resident += (MIN(ALIGN_DOWN(at, step) + step, m->end) - at) >> 10;
        at = ALIGN_DOWN(at, step) + step;
    }
    text_printf(
        text,
        "Size:           %8lu kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n"
        "Rss:            %8lu kB\nPss:            %8lu kB\nShared_Clean:          0 kB\n"
        "Shared_Dirty:          0 kB\nPrivate_Clean:         0 kB\n"
        "Private_Dirty:  %8lu kB\nReferenced:     %8lu kB\nAnonymous:      %8lu kB\n",
        size, resident, resident, resident, resident, m->object ? 0 : resident);
    text_printf(text,
                "LazyFree:              0 kB\nAnonHugePages:         0 kB\n"
                "ShmemPmdMapped:        0 kB\nFilePmdMapped:         0 kB\n"
                "Shared_Hugetlb:        0 kB\nPrivate_Hugetlb:       0 kB\n"
                "Swap:                  0 kB\nSwapPss:               0 kB\n"
                "Locked:         %8lu kB\nTHPeligible:    %d\nVmFlags:%s%s%s%s mr mw me%s%s\n",
                m->flags & MAP_LOCKED ? resident : 0, !m->object && !m->no_huge,
                m->prot & PROT_READ ? " rd" : "", m->prot & PROT_WRITE ? " wr" : "",
                m->prot & PROT_EXEC ? " ex" : "", (m->flags & 3) == MAP_SHARED ? " sh" : "",
                m->flags & MAP_GROWSDOWN ? " gd" : "", m->flags & MAP_LOCKED ? " lo" : "");
}

static int show_all_mappings(struct text *text, const struct pseudo *self, bool details)
{
    struct subject s;
    int error = subject_get(self, &s);
    char *buf;

    if (error)
        return error;
    buf = kmalloc(PATH_MAX);
    if (buf) {
        struct address_space *space = s.process->space;

        read_lock(&space->lock);
        for (struct mapping *m = address_space_find(space, USER_MIN); m;
             m = address_space_find(space, m->end)) {
            show_mapping(text, s.process, m, buf);
            if (details)
                show_smap(text, m);
        }
        read_unlock(&space->lock);
    }
    kfree(buf);
    subject_put(&s);
    return buf ? 0 : -ENOMEM;
}

static int show_maps(struct text *text, const struct pseudo *self)
{
    return show_all_mappings(text, self, false);
}

static int show_smaps(struct text *text, const struct pseudo *self)
{
    return show_all_mappings(text, self, true);
}

/* --- limits and small things --- */

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

static int show_wchan(struct text *text, const struct pseudo *self)
{
    text_printf(text, "0");
    return 0;
}

/* --- links --- */

static int follow_exe(const struct pseudo *self, struct path *place)
{
    struct subject s;
    int error = subject_get(self, &s);

    if (error)
        return error;
    if (s.process->executable) {
        *place = s.process->executable->path;
        path_get(place);
    } else {
        error = -ENOENT;
    }
    subject_put(&s);
    return error;
}

static int follow_fs(const struct pseudo *self, struct path *place, bool root)
{
    struct subject s;
    int error = subject_get(self, &s);

    if (error)
        return error;
    if (s.task->fs) {
        mutex_lock(&s.task->fs->lock);
        *place = root ? s.task->fs->root : s.task->fs->cwd;
        path_get(place);
        mutex_unlock(&s.task->fs->lock);
    } else {
        error = -ENOENT;
    }
    subject_put(&s);
    return error;
}

static int follow_cwd(const struct pseudo *self, struct path *place)
{
    return follow_fs(self, place, false);
}

static int follow_root(const struct pseudo *self, struct path *place)
{
    return follow_fs(self, place, true);
}

/* The target of a magic link as readlink(2) gives it. */
static int show_place(struct text *text, const struct pseudo *self)
{
    char *buf = kmalloc(PATH_MAX), *name = NULL;
    struct path place;
    int error = buf ? self->entry->follow(self, &place) : -ENOMEM;

    if (!error) {
        name = path_name(&place, buf, PATH_MAX);
        path_put(&place);
        error = name ? 0 : -ENAMETOOLONG;
    }
    if (!error)
        text_printf(text, "%s", name);
    kfree(buf);
    return error;
}

#define PLACE(file, fn)                                                                            \
    {                                                                                              \
        .name = (file), .mode = S_IFLNK | 0777, .show = show_place, .follow = (fn)                 \
    }
#define SECRET(file, fn)                                                                           \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | 0400, .show = (fn)                                       \
    }

/* In /proc/PID and in /proc/PID/task/TID; an entry is linked into one folder only. */
#define FILES                                                                                      \
    {                                                                                              \
        PSEUDO_FILE("stat", show_stat), PSEUDO_FILE("statm", show_statm),                          \
            PSEUDO_FILE("status", show_status),                                                    \
            {.name = "comm", .mode = S_IFREG | 0644, .show = show_comm, .store = store_comm},      \
            PSEUDO_FILE("cmdline", show_cmdline), SECRET("environ", show_environ),                 \
            SECRET("auxv", show_auxv), PSEUDO_FILE("maps", show_maps),                             \
            PSEUDO_FILE("smaps", show_smaps), PSEUDO_FILE("limits", show_limits),                  \
            SECRET("io", show_io), PSEUDO_FILE("cgroup", show_cgroup),                             \
            PSEUDO_FILE("oom_score", show_zero),                                                   \
            {.name = "oom_score_adj",                                                              \
             .mode = S_IFREG | 0644,                                                               \
             .show = show_zero,                                                                    \
             .store = store_number},                                                               \
            {.name = "oom_adj", .mode = S_IFREG | 0644, .show = show_zero, .store = store_number}, \
            {.name = "loginuid",                                                                   \
             .mode = S_IFREG | 0644,                                                               \
             .show = show_loginuid,                                                                \
             .store = store_number},                                                               \
            PSEUDO_FILE("uid_map", show_id_map), PSEUDO_FILE("gid_map", show_id_map),              \
            SECRET("personality", show_personality), PSEUDO_FILE("schedstat", show_schedstat),     \
            PSEUDO_FILE("wchan", show_wchan), PLACE("exe", follow_exe), PLACE("cwd", follow_cwd),  \
            PLACE("root", follow_root),                                                            \
    }
static struct pseudo_entry of_process[] = FILES, of_thread[] = FILES;

static int register_files(void)
{
    proc_source = &source;
    for (unsigned i = 0; i < ARRAY_SIZE(of_process); i++) {
        proc_pid_register(&of_process[i], PROC_PROCESS);
        proc_pid_register(&of_thread[i], PROC_THREAD);
    }
    return 0;
}
BOOT_STEP(PHASE_FS, "/proc of processes", register_files);
