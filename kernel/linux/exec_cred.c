/* linux/exec_cred.c: the rights that a program runs with: set-user-ID and set-group-ID bits,
 * capabilities of files, what becomes of the caller's (man 7 capabilities, man 2 execve). */
#include "linux/core.h"
#include "linux/exec.h"
#include "linux/groups.h"
#include "linux/path.h"
#include "linux/ptrace.h"

enum { CAP_SETUID = 7, CAP_SYS_PTRACE = 19, MOUNT_NOSUID = 2, STACK_SECURE = 8 << 20 };

struct file_caps {
    uint64_t permitted, inheritable;
    bool any, effective;
};

/* What setxattr(2) has let through is well formed (caps_valid()); images may hold anything:
 * -EINVAL. */
static int read_caps(struct inode *inode, struct file_caps *caps)
{
    uint32_t w[6]; /* revision and flags; low permitted, inheritable; high ones; user of its root */
    ssize_t n = -ENODATA;

    if (inode->ops->getxattr) {
        read_lock(&inode->lock);
        n = inode->ops->getxattr(inode, XATTR_CAPS, w, sizeof(w));
        read_unlock(&inode->lock);
    }
    if (n == -ENODATA || n == -EOPNOTSUPP)
        return 0;
    if (n < 0 || !caps_valid(w, (size_t)n))
        return n < 0 ? (int)n : -EINVAL;
    if (n == sizeof(w) && w[5] != 0)
        return 0; /* for the root of another user namespace */
    caps->any = true;
    caps->effective = w[0] & 1;
    caps->permitted = (w[1] | (uint64_t)w[3] << 32) & CAP_ALL;
    caps->inheritable = (w[2] | (uint64_t)w[4] << 32) & CAP_ALL;
    return 0;
}

/* The file's own ids and capabilities; which only those have who may. */
static int rights_of_file(struct exec *exec, struct file_caps *caps)
{
    const struct file *file = exec->program.file;
    struct credentials *cred = &exec->cred;
    uint32_t mode = file->inode->mode;
    int error;

    cred->cap_permitted = 0;
    if (file->path.mount && file->path.mount->flags & MOUNT_NOSUID)
        return 0;
    if (!current_task()->no_new_privs) {
        if (mode & S_ISUID)
            cred->euid = file->inode->uid;
        if ((mode & (S_ISGID | 0010)) == (S_ISGID | 0010))
            cred->egid = file->inode->gid;
        exec->unsafe_personality = mode & (S_ISUID | S_ISGID);
    }
    error = read_caps(file->inode, caps);
    cred->cap_permitted =
        (caps->permitted & cred->cap_bounding) | (caps->inheritable & cred->cap_inheritable);
    return !error && caps->effective && caps->permitted & ~cred->cap_permitted ? -EPERM : error;
}

/* Root has all, unless securebits or capabilities of the file say otherwise. */
static void rights_of_root(struct credentials *cred, struct file_caps *caps)
{
    if (current_task()->securebits & SECBIT_NOROOT || (cred->euid && cred->uid) ||
        (caps->any && cred->uid && !cred->euid))
        return;
    cred->cap_permitted = cred->cap_bounding | cred->cap_inheritable;
    caps->effective |= !cred->euid;
}

/* Whether the program must not get more than the caller has: someone else holds it, or it said so.
 */
static bool is_held(const struct task *task)
{
    struct ptrace *p;
    struct task *tracer;
    bool held = task->no_new_privs ||
                (task->fs && atomic_load_explicit(&task->fs->refs, memory_order_relaxed) >
                                 task->process->nthreads);

    if (!held) {
        mutex_lock(&tasks_lock); /* who came before process->closed has it */
        p = ptrace_of(task);
        tracer = p ? atomic_load_explicit(&p->tracer, memory_order_relaxed) : NULL;
        held = tracer && !cred_has(&tracer->cred, CAP_SYS_PTRACE);
        mutex_unlock(&tasks_lock);
    }
    return held;
}

int exec_new_credentials(struct exec *exec)
{
    const struct task *task = current_task();
    const struct credentials *old = &task->cred;
    struct credentials *cred = &exec->cred;
    struct file_caps caps = {};
    bool changed, gained;
    int error;

    *cred = *old;
    error = rights_of_file(exec, &caps);
    if (error)
        return error;
    rights_of_root(cred, &caps);
    gained = cred->cap_permitted & ~old->cap_permitted;
    exec->unsafe_personality |= gained;
    changed = cred->euid != old->euid || !cred_in_group(old, cred->egid);
    if (changed || gained || !exec->readable) {
        exec->closed = true;
        atomic_fetch_add(&task->process->closed, 1);
    }
    if ((changed || gained) && is_held(task)) {
        if (!capable(CAP_SETUID) || task->no_new_privs) {
            cred->euid = cred->uid;
            cred->egid = cred->gid;
        }
        cred->cap_permitted &= old->cap_permitted;
    }
    cred->suid = cred->fsuid = cred->euid;
    cred->sgid = cred->fsgid = cred->egid;
    if (caps.any || changed)
        cred->cap_ambient = 0;
    cred->cap_permitted |= cred->cap_ambient;
    cred->cap_effective = caps.effective ? cred->cap_permitted : cred->cap_ambient;
    exec->secure = changed || cred->euid != old->uid || cred->egid != old->gid ||
                   (cred->uid && (caps.effective || cred->cap_permitted & ~cred->cap_ambient));
    return 0;
}

void exec_commit_credentials(const struct exec *exec)
{
    struct task *task = current_task();
    struct process *process = task->process;
    const struct credentials *old = &task->cred;
    bool alike = old->euid == old->uid && old->egid == old->gid && exec->readable;

    process->dumpable = alike ? DUMP_AS_USER : suid_dumpable;
    if (exec->secure) {
        task->parent_death_signal = 0;
        process->limits[LIMIT_STACK][0] =
            MIN(process->limits[LIMIT_STACK][0], (uint64_t)STACK_SECURE);
    }
    task->securebits &= ~SECBIT_KEEP_CAPS;
    credentials_commit(&exec->cred);
}
