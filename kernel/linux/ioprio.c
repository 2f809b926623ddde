/* linux/ioprio.c: ioprio_set(2), ioprio_get(2). The priority is kept for each thread; there is no
 * queue of requests yet that it could order. */
#include "linux/path.h"
#include "linux/sched.h"
#include "linux/syscall.h"
#include "linux/task.h"

enum { WHO_PROCESS = 1, WHO_PGRP, WHO_USER };
enum { CLASS_NONE, CLASS_RT, CLASS_BE, CLASS_IDLE, CLASS_SHIFT = 13, CLASSES = 8, LEVELS = 8 };
enum { CAP_SYS_NICE = 23 };

static int check(unsigned priority)
{
    unsigned class = priority >> CLASS_SHIFT & (CLASSES - 1),
             level = priority & (LEVELS - 1); /* between them: a hint */

    switch (class) {
    case CLASS_RT:
        if (!capable(CAP_SYS_ADMIN) && !capable(CAP_SYS_NICE))
            return -EPERM;
        return 0;
    case CLASS_BE:
    case CLASS_IDLE:
        return 0;
    case CLASS_NONE:
        return level ? -EINVAL : 0;
    default:
        return -EINVAL;
    }
}

/* What counts for a thread that has set none: by its policy and nice value. */
static unsigned effective(const struct task *task)
{
    const struct thread *thread = &task->thread;
    unsigned level = (unsigned)(thread->nice + 20) / 5;

    if (task->io_priority >> CLASS_SHIFT != CLASS_NONE)
        return task->io_priority;
    if (thread->own_policy == POLICY_IDLE)
        return CLASS_IDLE << CLASS_SHIFT | level;
    if (thread->own_priority > 0)
        return CLASS_RT << CLASS_SHIFT | level;
    return CLASS_BE << CLASS_SHIFT | level;
}

/* A walk along the threads that are meant. */
struct walk {
    int which, who;
    bool set;
    unsigned priority; /* to set; or the best so far */
    int result;        /* -ESRCH until one was found */
};

static bool may_set(const struct task *task)
{
    const struct credentials *me = &current_task()->cred;

    return ((task->cred.uid == me->euid || task->cred.uid == me->uid) &&
            !(task->cred.cap_permitted & ~me->cap_permitted)) ||
           capable(CAP_SYS_NICE);
}

/* False: no need to go on. */
static bool visit(struct walk *walk, struct task *task)
{
    if (!walk->set) {
        unsigned priority = walk->which == WHO_PROCESS ? task->io_priority : effective(task);

        if (walk->result < 0 || priority < walk->priority)
            walk->priority = priority;
        walk->result = 0;
        return true;
    }
    if (!may_set(task)) {
        walk->result = -EPERM;
        return false;
    }
    task->io_priority = (uint16_t)walk->priority;
    walk->result = 0;
    return true;
}

static bool visit_process(struct process *process, void *arg)
{
    struct walk *walk = arg;
    bool more = true;

    if (walk->which == WHO_PGRP && process->pgid != walk->who)
        return true;
    mutex_lock(&process->lock);
    list_for_each_entry (struct task, task, &process->threads, process_link)
        if (more && (walk->which == WHO_PGRP || task->cred.uid == (uint32_t)walk->who))
            more = visit(walk, task);
    mutex_unlock(&process->lock);
    return more;
}

static int walk_all(struct walk *walk)
{
    struct task *task;

    walk->result = -ESRCH;
    if (walk->which == WHO_PGRP && walk->who == 0)
        walk->who = current_process()->pgid;
    if (walk->which == WHO_USER && walk->who == 0)
        walk->who = (int)current_task()->cred.uid;
    mutex_lock(&tasks_lock);
    if (walk->which == WHO_PROCESS) {
        task = sched_task_of(walk->who);
        if (task)
            (void)visit(walk, task);
    } else {
        process_each(visit_process, walk);
    }
    mutex_unlock(&tasks_lock);
    return walk->result;
}

SYSCALL(ioprio_set, 3, SYSCALL_WHOLE, "")
{
    struct walk walk = {.which = (int)a0, .who = (int)a1, .set = true, .priority = (unsigned)a2};
    int error = check((unsigned)a2);

    if (error)
        return error;
    return walk.which < WHO_PROCESS || walk.which > WHO_USER ? -EINVAL : walk_all(&walk);
}

SYSCALL(ioprio_get, 2, SYSCALL_WHOLE, "")
{
    struct walk walk = {.which = (int)a0, .who = (int)a1};

    if (walk.which < WHO_PROCESS || walk.which > WHO_USER)
        return -EINVAL;
    return walk_all(&walk) ?: (int)walk.priority;
}
