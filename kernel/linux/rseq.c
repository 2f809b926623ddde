/* linux/rseq.c: restartable sequences (rseq(2)) and membarrier(2).
 *
 * A thread that has registered an area is marked notify_moved: the scheduler then posts WORK_MOVED
 * when it preempts or moves it. A thread that sleeps in a system call is in no critical section,
 * so nothing is done at such a switch. */
#include "linux/rseq.h"

#include "core/cpu.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "mm/uaccess.h"

/* struct rseq in program memory, Linux 6.1: cpu_id_start, cpu_id, rseq_cs, flags, padding. */
enum { AREA_SIZE = 32, AT_CPU_START = 0, AT_CPU = 4, AT_SECTION = 8, AT_FLAGS = 16 };
enum { FLAG_UNREGISTER = 1 };
#define CPU_UNINITIALIZED (~0u)

/* struct rseq_cs in program memory. */
struct section {
    uint32_t version, flags;
    uint64_t start, length, abort;
};

static int tell_cpu(const struct task *task, uint32_t start, uint32_t cpu)
{
    if (user_put32(task->rseq_area + AT_CPU_START, start) < 0)
        return -EFAULT;
    return user_put32(task->rseq_area + AT_CPU, cpu);
}

/* The section that the area names: 0, *there; -EINVAL: it is none that may be trusted; -EFAULT. */
static int get_section(const struct task *task, struct section *section, bool *there)
{
    uint64_t at, end;
    uint32_t signature;

    *there = false;
    if (user_get64(task->rseq_area + AT_SECTION, &at) < 0)
        return -EFAULT;
    if (!at)
        return 0;
    if (at >= USER_END)
        return -EINVAL;
    if (user_read(section, at, sizeof(*section)) < 0)
        return -EFAULT;
    end = section->start + section->length;
    if (section->start >= USER_END || end >= USER_END || section->abort >= USER_END ||
        section->version > 0 || end < section->start)
        return -EINVAL;
    if (section->abort - section->start < section->length)
        return -EINVAL;
    if (user_get32(section->abort - sizeof(signature), &signature) < 0)
        return -EFAULT;
    if (signature != task->rseq_sig)
        return -EINVAL;
    *there = true;
    return 0;
}

/* Out of a critical section, to where it says; and forget a section that was left. */
static int leave_section(const struct task *task, struct regs *regs)
{
    struct section section;
    uint32_t flags;
    bool there, inside;
    int error = get_section(task, &section, &there);

    if (error || !there)
        return error;
    inside = regs->rip - section.start < section.length;
    if (inside) {
        if (user_get32(task->rseq_area + AT_FLAGS, &flags) < 0)
            return -EFAULT;
        if (section.flags || flags)
            return -EINVAL; /* that an event shall not restart it: no longer since Linux 6.0 */
    }
    if (user_put64(task->rseq_area + AT_SECTION, 0) < 0)
        return -EFAULT;
    if (inside)
        regs->rip = section.abort;
    return 0;
}

static void fail(void)
{
    struct siginfo info;

    signal_simple(&info, SIGSEGV);
    signal_force(&info);
}

void rseq_resume(struct task *task, struct regs *regs)
{
    unsigned cpu;

    atomic_fetch_and_explicit(&task->thread.work, ~(unsigned)WORK_MOVED, memory_order_relaxed);
    if (!task->rseq_area)
        return;
    cpu = this_cpu()->id; /* should it change before the program runs, there is work again */
    if (leave_section(task, regs) < 0 || tell_cpu(task, cpu, cpu) < 0)
        fail();
}

void rseq_signal(struct task *task, struct regs *regs)
{
    if (task->rseq_area && leave_section(task, regs) < 0)
        fail();
}

static void post_moved(struct task *task)
{
    atomic_fetch_or_explicit(&task->thread.work, WORK_MOVED, memory_order_relaxed);
}

void rseq_fork(struct task *child, const struct task *from)
{
    child->rseq_area = from->rseq_area;
    child->rseq_sig = from->rseq_sig;
    child->thread.notify_moved = from->thread.notify_moved;
    if (child->rseq_area)
        post_moved(child);
}

void rseq_forget(struct task *task)
{
    task->thread.notify_moved = task->debug != NULL;
    task->rseq_area = 0;
    task->rseq_sig = 0;
}

static int64_t unregister(struct task *task, uintptr_t area, uint32_t size, uint32_t signature)
{
    if (!task->rseq_area || area != task->rseq_area || size != AREA_SIZE)
        return -EINVAL;
    if (signature != task->rseq_sig)
        return -EPERM;
    if (tell_cpu(task, 0, CPU_UNINITIALIZED) < 0)
        return -EFAULT;
    rseq_forget(task);
    return 0;
}

SYSCALL(rseq, 4, SYSCALL_WHOLE, "")
{
    struct task *task = current_task();
    uint32_t size = (uint32_t)a1, signature = (uint32_t)a3;
    int flags = (int)a2;

    if (flags == FLAG_UNREGISTER)
        return unregister(task, a0, size, signature);
    if (flags)
        return -EINVAL;
    if (task->rseq_area) {
        if (a0 != task->rseq_area || size != AREA_SIZE)
            return -EINVAL;
        return signature != task->rseq_sig ? -EPERM : -EBUSY;
    }
    if (a0 % AREA_SIZE || size != AREA_SIZE)
        return -EINVAL;
    if (!user_range_ok(a0, AREA_SIZE))
        return -EFAULT;
    if (user_put64(a0 + AT_SECTION, 0) < 0) /* of what was left there; since Linux 6.14 */
        return -EFAULT;
    task->rseq_area = a0;
    task->rseq_sig = signature;
    task->thread.notify_moved = true;
    post_moved(task); /* the CPU's number is there when the call returns */
    return 0;
}

/* --- membarrier(2) --- */

enum {
    MB_QUERY = 0,
    MB_GLOBAL = 1,
    MB_GLOBAL_EXPEDITED = 2,
    MB_REGISTER_GLOBAL_EXPEDITED = 4,
    MB_PRIVATE_EXPEDITED = 8,
    MB_REGISTER_PRIVATE_EXPEDITED = 16,
    MB_PRIVATE_EXPEDITED_SYNC_CORE = 32,
    MB_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 64,
    MB_PRIVATE_EXPEDITED_RSEQ = 128,
    MB_REGISTER_PRIVATE_EXPEDITED_RSEQ = 256,
    MB_GET_REGISTRATIONS = 512,
    MB_ALL = 1023,
    MB_FLAG_CPU = 1,
};

/* What the other CPUs are asked to do. */
struct barrier {
    bool sync_core;
    struct address_space *restart; /* whose critical sections are to start anew */
};

static void barrier_here(void *arg)
{
    const struct barrier *barrier = arg;
    struct thread *thread = current;
    uint32_t a = 0, b, c = 0, d;

    atomic_thread_fence(memory_order_seq_cst);
    if (barrier->sync_core) /* a serialising instruction, so that changed code is fetched anew */
        asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d) : : "memory");
    if (barrier->restart && thread->space == barrier->restart && thread->notify_moved)
        atomic_fetch_or_explicit(&thread->work, WORK_MOVED, memory_order_relaxed);
}

static void barrier_on(cpuset_t cpus, const struct barrier *barrier)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (ncpus > 1)
        cpus_call(cpus, barrier_here, (void *)barrier);
    atomic_thread_fence(memory_order_seq_cst);
}

static const cpuset_t everywhere = {~0ull};

/* cpu -1: all. */
static int64_t restart_sections(const struct process *process, int cpu)
{
    struct barrier barrier = {.restart = process->space};

    if (!(process->expedited & MB_REGISTER_PRIVATE_EXPEDITED_RSEQ))
        return -EPERM;
    if (cpu < 0)
        barrier_on(everywhere, &barrier);
    else if ((unsigned)cpu < ncpus)
        barrier_on(cpuset_of((unsigned)cpu), &barrier);
    return 0;
}

SYSCALL(membarrier, 3, SYSCALL_WHOLE, "")
{
    struct process *process = current_process();
    unsigned command = (unsigned)a0, flags = (unsigned)a1;
    struct barrier barrier = {};

    if (flags && (command != MB_PRIVATE_EXPEDITED_RSEQ || flags != MB_FLAG_CPU))
        return -EINVAL;
    switch (command) {
    case MB_QUERY:
        return MB_ALL;
    case MB_GLOBAL:
    case MB_GLOBAL_EXPEDITED:
        barrier_on(everywhere, &barrier);
        return 0;
    case MB_GET_REGISTRATIONS:
        return process->expedited >= MB_REGISTER_PRIVATE_EXPEDITED
                   ? process->expedited | MB_REGISTER_PRIVATE_EXPEDITED
                   : process->expedited; /* each of the others registers for that, too */
    case MB_REGISTER_GLOBAL_EXPEDITED:
    case MB_REGISTER_PRIVATE_EXPEDITED:
    case MB_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
    case MB_REGISTER_PRIVATE_EXPEDITED_RSEQ:
        process->expedited |= command;
        return 0;
    case MB_PRIVATE_EXPEDITED:
    case MB_PRIVATE_EXPEDITED_SYNC_CORE:
        if (!(process->expedited & command << 1))
            return -EPERM;
        barrier.sync_core = command == MB_PRIVATE_EXPEDITED_SYNC_CORE;
        if (barrier.sync_core)
            barrier_here(&barrier);
        barrier_on(everywhere, &barrier);
        return 0;
    case MB_PRIVATE_EXPEDITED_RSEQ:
        return restart_sections(process, flags & MB_FLAG_CPU ? (int)a2 : -1);
    default:
        return -EINVAL;
    }
}
