/* linux/family.h: parents, children, groups, sessions: who is told of what (family.c), and who
 * sleeps until a child leaves the memory that it borrowed (vfork). */
#pragma once

#include "linux/task.h"

enum {
    CLD_EXITED = 1,
    CLD_KILLED,
    CLD_DUMPED,
    CLD_TRAPPED,
    CLD_STOPPED,
    CLD_CONTINUED,
};

/* Make a process the child of `parent`. With tasks_lock. */
void family_add(struct process *child, struct process *parent, int parent_tid);
/* The child is nobody's any more; with tasks_lock. process_free() follows. */
void family_remove(struct process *child);
/* A thread ends and others of its process live on: they get its children. */
void family_thread_ends(struct task *task);
/* The process has no thread left: its children get another parent, its own parent is told. It is a
 * zombie then, or gone: the caller must not touch it any more, nor sleep. */
void family_process_ends(struct process *process);
/* Tell the parent of a zombie, which nobody else waits for any more; it may be gone afterwards.
 * With tasks_lock. */
void family_tell_end(struct process *process);
/* It stopped or continued; any context, no locks. */
void family_tell_job(struct process *process, int code, int status);
/* Count an event that a wait of this process may look for, and wake who waits. Any context. */
void family_wake(struct process *parent);
/* Has no member of the group a parent in the same session but in another group? */
bool group_orphaned(int pgid);
/* End all processes but the first, and wait for that a short time. In the first one's last thread.
 */
void family_end_all(void);

/* What vfork's parent waits for. */
struct vfork {
    atomic_uint refs;
    atomic_bool done;
    int pid; /* of the process that waits on its exit_wait */
};
struct vfork *vfork_begin(struct task *child); /* NULL: no memory. For the parent, see below. */
void vfork_wait(struct vfork *vfork);          /* gives up the parent's reference */
void vfork_put(struct vfork *vfork);
