/* linux/core.c: the thread that dies gathers the others and writes the core. */
#include "linux/core.h"

#include "arch/x86_64/context.h"
#include "core/boot.h"
#include "core/log.h"
#include "fs/procfs.h"
#include "lib/string.h"
#include "linux/cputime.h"
#include "linux/procfs.h"
#include "linux/ptrace.h"
#include "linux/start.h"
#include "mm/frame.h"
#include "mm/heap.h"

#define MASK_CORE                                                                                  \
    (SIGMASK(SIGQUIT) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGABRT) | SIGMASK(SIGBUS) |  \
     SIGMASK(SIGFPE) | SIGMASK(SIGSEGV) | SIGMASK(SIGXCPU) | SIGMASK(SIGXFSZ) | SIGMASK(SIGSYS))
enum { STATUS_CORE = 0x80, LINUX_USER_CS = 0x33, LINUX_USER_SS = 0x2b, FLAG_RANDOMIZE = 0x400000 };

unsigned suid_dumpable;

/* --- gathering the threads --- */

/* Become the one who writes; false: the process is ending already. */
static bool begin(struct process *process, struct core_dump *core)
{
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    bool mine = !process->core && !process->exec_task &&
                !atomic_load_explicit(&process->exiting, memory_order_relaxed);

    if (mine) {
        process->core = core;
        process->stopped = process->stop_told = process->stop_waitable = false;
        list_for_each_entry (struct task, task, &process->threads, process_link)
            if (task != core->dumper) {
                thread_post_work(&task->thread, WORK_EXIT);
                ptrace_wake_killed(task);
            }
    }
    spin_unlock_irq(&process->signal_lock, flags);
    if (mine)
        wake_all(&process->exit_wait); /* those that are stopped, or wait for a child of vfork */
    return mine;
}

static bool killed(const struct process *process)
{
    return atomic_load_explicit(&process->exiting, memory_order_acquire);
}

static bool gathered(const struct process *process, const struct core_dump *core)
{
    return __atomic_load_n(&core->nparked, __ATOMIC_ACQUIRE) + 1 >=
           __atomic_load_n(&process->nthreads, __ATOMIC_ACQUIRE);
}

void core_park_slowly(const struct regs *regs)
{
    struct task *task = current_task();
    struct process *process = task->process;
    struct core_parked me = {.task = task, .regs = regs, .fs_base = fs_base_get()};
    struct core_dump *core;
    uint64_t flags;

    fpu_area_copy_current(task->thread.fpu);
    flags = spin_lock_irq(&process->signal_lock);
    core = process->core;
    if (core && core->dumper != task) {
        list_add_tail(&core->parked, &me.link);
        core->nparked++;
    }
    spin_unlock_irq(&process->signal_lock, flags);
    if (!core || core->dumper == task)
        return;
    wake_all(&process->exit_wait);
    (void)WAIT_EVENT(&process->exit_wait, !__atomic_load_n(&process->core, __ATOMIC_ACQUIRE), 0,
                     NSEC_FOREVER);
}

/* The process is ending by now: the others may go. */
static void release(struct process *process)
{
    uint64_t flags = spin_lock_irq(&process->signal_lock);

    __atomic_store_n(&process->core, NULL, __ATOMIC_RELEASE);
    spin_unlock_irq(&process->signal_lock, flags);
    wake_all(&process->exit_wait);
}

/* --- what the head says --- */

struct writer {
    struct core_info info;
    struct core_sink sink;
    struct core_dump *core;
    struct core_parked self;
    struct core_parked *next; /* of those that stand still */
    uint64_t blocked;         /* the dumper's mask as it was */
};

static void set_registers(struct core_thread *thread, const struct regs *regs, uint64_t fs_base,
                          uint64_t gs_base)
{
    uint64_t *to = thread->regs;

    /* r15 to rdi lie in the same order. */
    memcpy(to, regs, (CORE_RDI + 1) * sizeof(*to));
    to[CORE_ORIG_RAX] = regs->vector_or_nr;
    to[CORE_RIP] = regs->rip;
    to[CORE_CS] = LINUX_USER_CS;
    to[CORE_RFLAGS] = regs->rflags;
    to[CORE_RSP] = regs->rsp;
    to[CORE_SS] = LINUX_USER_SS;
    to[CORE_FS_BASE] = fs_base;
    to[CORE_GS_BASE] = gs_base;
}

static int describe_thread(void *arg, unsigned i, struct core_thread *thread)
{
    struct writer *writer = arg;
    const struct core_parked *who = writer->next;
    struct cpu_times times;
    struct task *task;

    if (i == 0) {
        who = &writer->self;
        writer->next = list_first(&writer->core->parked, struct core_parked, link);
    } else {
        writer->next = list_entry(who->link.next, struct core_parked, link);
    }
    task = who->task;
    times = task_times(task);
    thread->tid = task->tid;
    thread->pending = task->pending.set | task->process->pending.set;
    thread->blocked = i == 0 ? writer->blocked : task->signal_mask;
    thread->user_us = (uint64_t)times.user / 1000;
    thread->system_us = (uint64_t)times.system / 1000;
    thread->extended = task->thread.fpu;
    set_registers(thread, who->regs, who->fs_base, task->thread.gs_base);
    return 0;
}

static int put(void *arg, const void *bytes, size_t n)
{
    struct writer *writer = arg;

    return core_sink_put(&writer->sink, bytes, n);
}

/* The arguments with blanks between, as far as they fit. */
static void read_arguments(struct address_space *space, char args[CORE_ARGS])
{
    size_t n = MIN((size_t)(space->arg_end - space->arg_start), (size_t)CORE_ARGS - 1);

    n -= user_read_partial(args, space->arg_start, n);
    while (n && !args[n - 1])
        n--;
    for (size_t i = 0; i < n; i++)
        if (!args[i])
            args[i] = ' ';
    args[n] = 0;
}

static void describe_process(struct core_process *out, const struct task *task)
{
    struct process *process = task->process;

    *out = (struct core_process){
        .pid = process->pid,
        .ppid = atomic_load_explicit(&process->ppid, memory_order_relaxed),
        .pgid = process->pgid,
        .sid = process->sid,
        .nice = task->thread.nice,
        .uid = task->cred.uid,
        .gid = task->cred.gid,
        .flags = FLAG_RANDOMIZE,
        .children_user_us = (uint64_t)process->children_use.time.user / 1000,
        .children_system_us = (uint64_t)process->children_use.time.system / 1000,
        .state = 'R',
    };
    strlcpy(out->name, task->thread.name, sizeof(out->name));
    read_arguments(process->space, out->args);
}

static void describe(struct writer *writer, const struct siginfo *info,
                     const struct core_memory *memory)
{
    const struct process *process = current_process();

    _Static_assert(sizeof(*info) == CORE_SIGINFO, "uapi");
    writer->info = (struct core_info){
        .signo = info->signo,
        .siginfo = info,
        .auxv = process->auxv,
        .auxv_words = process->auxv_words,
        .nthreads = writer->core->nparked + 1,
        .extended_size = fpu_area_size(),
        .extended_mask = fpu_mask(),
        .segments = memory->segments,
        .nsegments = memory->nsegments,
        .files = memory->files,
        .nfiles = memory->nfiles,
        .names = memory->names.buf,
        .names_size = memory->names.len,
        .thread = describe_thread,
        .put = put,
        .arg = writer,
    };
    describe_process(&writer->info.process, current_task());
}

/* --- writing --- */

/* All threads stand still. */
static int write_all(struct writer *writer, const struct siginfo *info)
{
    struct core_memory memory = {};
    int error = core_memory_gather(&memory);

    if (!error) {
        describe(writer, info, &memory);
        error = core_write_head(&writer->info);
    }
    if (!error)
        error = core_memory_write(&memory, &writer->sink);
    core_memory_free(&memory);
    return error;
}

/* Signals other than SIGKILL shall not disturb the writing. */
static void block_signals(struct task *task)
{
    uint64_t flags = spin_lock_irq(&task->process->signal_lock);

    task->signal_mask = ~0ull;
    atomic_fetch_and_explicit(&task->thread.work, ~(unsigned)WORK_SIGNAL, memory_order_relaxed);
    spin_unlock_irq(&task->process->signal_lock, flags);
}

static bool dump(struct core_dump *core, const struct regs *regs, const struct siginfo *info)
{
    struct task *task = current_task();
    struct process *process = task->process;
    struct writer *writer = kzalloc(sizeof(*writer));
    int error = writer ? 0 : -ENOMEM;

    if (!error) {
        writer->core = core;
        writer->blocked = task->signal_mask;
        writer->self = (struct core_parked){.task = task, .regs = regs, .fs_base = fs_base_get()};
        fpu_area_copy_current(task->thread.fpu);
        block_signals(task);
        (void)WAIT_EVENT(&process->exit_wait, gathered(process, core) || killed(process), 0,
                         NSEC_FOREVER);
        error = killed(process) ? -EINTR : core_sink_open(&writer->sink, info->signo);
    }
    if (error) {
        log_info("core: %s [%d]: not written: %s", current->name, process->pid, errno_text(error));
        kfree(writer);
        return false;
    }
    error = write_all(writer, info);
    core_sink_close(&writer->sink, error);
    if (error)
        log_info("core: %s [%d]: cut off: %s", current->name, process->pid, errno_text(error));
    kfree(writer);
    return error != -EINTR;
}

void core_end(const struct regs *regs, const struct siginfo *info)
{
    struct process *process = current_process();
    struct core_dump core = {.dumper = current_task()};
    int status = info->signo;

    list_init(&core.parked);
    core_park(regs);
    if (MASK_CORE & SIGMASK(info->signo) && process->dumpable &&
        (core_host_wanted() || core_file_wanted()) && begin(process, &core)) {
        if (dump(&core, regs, info))
            status |= STATUS_CORE;
        process_kill(process, status);
        release(process);
    }
    process_exit_group(status);
}

/* --- /proc --- */

static int show_filter(struct text *text, const struct pseudo *self)
{
    struct subject s;
    int error = subject_get(self, &s);

    if (error)
        return error;
    text_printf(text, "%08x\n", s.process->core_filter);
    subject_put(&s);
    return 0;
}

static int store_filter(const struct pseudo *self, const char *text, size_t len)
{
    struct subject s;
    uint64_t value;
    int error = proc_parse_u64(text, len, 0, UINT32_MAX, &value);

    if (!error)
        error = subject_get(self, &s);
    if (error)
        return error;
    s.process->core_filter = value & CORE_FILTER_MASK;
    subject_put(&s);
    return 0;
}

static const struct pseudo_entry files[] = {
    {.name = "coredump_filter", .mode = S_IFREG | 0644, .show = show_filter, .store = store_filter},
};
PROC_PID_FILES(files, PROC_PROCESS | PROC_THREAD);
