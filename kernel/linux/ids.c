/* linux/ids.c: numbers of users, groups, processes, sessions; capabilities. */
#include "linux/core.h"
#include "linux/groups.h"
#include "linux/keys.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "linux/task.h"

enum { CAP_SETGID = 6, CAP_SETUID = 7, CAP_SETPCAP = 8 };
#define NO_ID ((uint32_t)-1)

static struct credentials *cred(void)
{
    return &current_task()->cred;
}

SYSCALL(getuid, 0, SYSCALL_WHOLE, "")
{
    return cred()->uid;
}

SYSCALL(geteuid, 0, SYSCALL_WHOLE, "")
{
    return cred()->euid;
}

SYSCALL(getgid, 0, SYSCALL_WHOLE, "")
{
    return cred()->gid;
}

SYSCALL(getegid, 0, SYSCALL_WHOLE, "")
{
    return cred()->egid;
}

/* --- changing the user --- */

/* What a change of the user does to capabilities (man 7 capabilities). */
static void settle_capabilities(struct credentials *c, const struct credentials *old)
{
    const struct task *task = current_task();
    bool was_root = old->uid == 0 || old->euid == 0 || old->suid == 0;
    bool is_root = c->uid == 0 || c->euid == 0 || c->suid == 0;

    if (task->securebits & SECBIT_NO_SETUID_FIXUP)
        return;
    if (was_root && !is_root) {
        if (!(task->securebits & SECBIT_KEEP_CAPS))
            c->cap_permitted = c->cap_effective = 0;
        c->cap_ambient = 0;
    }
    if (old->euid == 0 && c->euid != 0)
        c->cap_effective = 0;
    if (old->euid != 0 && c->euid == 0)
        c->cap_effective = c->cap_permitted;
}

void credentials_commit(const struct credentials *next)
{
    struct task *task = current_task();
    struct credentials *now = &task->cred;

    if (now->euid != next->euid || now->egid != next->egid || now->fsuid != next->fsuid ||
        now->fsgid != next->fsgid || next->cap_permitted & ~now->cap_permitted) {
        task->process->dumpable = suid_dumpable;
        task->parent_death_signal = 0;
    }
    *now = *next;
    if (unlikely(task->keys != NULL))
        keys_follow_ids(task);
}

static int commit_user(struct credentials *next)
{
    next->fsuid = next->euid;
    settle_capabilities(next, cred());
    credentials_commit(next);
    return 0;
}

static bool is_one_of(uint32_t id, uint32_t a, uint32_t b, uint32_t c)
{
    return id == a || id == b || id == c;
}

SYSCALL(setuid, 1, SYSCALL_WHOLE, "")
{
    struct credentials c = *cred();
    uint32_t uid = (uint32_t)a0;

    if (uid == NO_ID)
        return -EINVAL;
    if (capable(CAP_SETUID))
        c.uid = c.suid = uid;
    else if (uid != c.uid && uid != c.suid)
        return -EPERM;
    c.euid = uid;
    return commit_user(&c);
}

SYSCALL(setreuid, 2, SYSCALL_WHOLE, "")
{
    struct credentials c = *cred(), old = c;
    uint32_t ruid = (uint32_t)a0, euid = (uint32_t)a1;

    if (!capable(CAP_SETUID) && ((ruid != NO_ID && ruid != c.uid && ruid != c.euid) ||
                                 (euid != NO_ID && !is_one_of(euid, c.uid, c.euid, c.suid))))
        return -EPERM;
    if (ruid != NO_ID)
        c.uid = ruid;
    if (euid != NO_ID)
        c.euid = euid;
    if (ruid != NO_ID || (euid != NO_ID && euid != old.uid))
        c.suid = c.euid;
    return commit_user(&c);
}

SYSCALL(setresuid, 3, SYSCALL_WHOLE, "")
{
    struct credentials c = *cred(), old = c;
    uint32_t *slots[3] = {&c.uid, &c.euid, &c.suid};
    const uint32_t ids[3] = {(uint32_t)a0, (uint32_t)a1, (uint32_t)a2};

    for (int i = 0; i < 3; i++) {
        if (ids[i] == NO_ID)
            continue;
        if (!is_one_of(ids[i], old.uid, old.euid, old.suid) && !capable(CAP_SETUID))
            return -EPERM;
        *slots[i] = ids[i];
    }
    if (ids[1] == NO_ID && c.uid == old.uid && c.suid == old.suid)
        return 0; /* the file system's stays */
    return commit_user(&c);
}

static int put_three(uintptr_t r, uintptr_t e, uintptr_t s, uint32_t a, uint32_t b, uint32_t c)
{
    return user_put32(r, a) < 0 || user_put32(e, b) < 0 || user_put32(s, c) < 0 ? -EFAULT : 0;
}

SYSCALL(getresuid, 3, SYSCALL_WHOLE, "")
{
    return put_three(a0, a1, a2, cred()->uid, cred()->euid, cred()->suid);
}

/* man 7 capabilities: those for files come and go with the file system's root. */
static void follow_fsuid(struct credentials *c, uint32_t old)
{
    enum { CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, IMMUTABLE = 9, MKNOD = 27 };
    const uint64_t of_files = 1ull << CHOWN | 1ull << DAC_OVERRIDE | 1ull << DAC_READ_SEARCH |
                              1ull << FOWNER | 1ull << FSETID | 1ull << IMMUTABLE | 1ull << MKNOD |
                              1ull << 32 /* MAC_OVERRIDE */;

    if (current_task()->securebits & SECBIT_NO_SETUID_FIXUP)
        return;
    if (old == 0 && c->fsuid != 0)
        c->cap_effective &= ~of_files;
    if (old != 0 && c->fsuid == 0)
        c->cap_effective |= c->cap_permitted & of_files;
}

SYSCALL(setfsuid, 1, SYSCALL_WHOLE, "")
{
    struct credentials c = *cred();
    uint32_t old = c.fsuid, uid = (uint32_t)a0;

    if (uid != NO_ID && uid != old &&
        (is_one_of(uid, c.uid, c.euid, c.suid) || capable(CAP_SETUID))) {
        c.fsuid = uid;
        follow_fsuid(&c, old);
        credentials_commit(&c);
    }
    return old;
}

/* --- changing the group --- */

static int commit_group(struct credentials *next)
{
    next->fsgid = next->egid;
    credentials_commit(next);
    return 0;
}

SYSCALL(setgid, 1, SYSCALL_WHOLE, "")
{
    struct credentials c = *cred();
    uint32_t gid = (uint32_t)a0;

    if (gid == NO_ID)
        return -EINVAL;
    if (capable(CAP_SETGID))
        c.gid = c.sgid = gid;
    else if (gid != c.gid && gid != c.sgid)
        return -EPERM;
    c.egid = gid;
    return commit_group(&c);
}

SYSCALL(setregid, 2, SYSCALL_WHOLE, "")
{
    struct credentials c = *cred(), old = c;
    uint32_t rgid = (uint32_t)a0, egid = (uint32_t)a1;

    if (!capable(CAP_SETGID) && ((rgid != NO_ID && rgid != c.gid && rgid != c.egid) ||
                                 (egid != NO_ID && !is_one_of(egid, c.gid, c.egid, c.sgid))))
        return -EPERM;
    if (rgid != NO_ID)
        c.gid = rgid;
    if (egid != NO_ID)
        c.egid = egid;
    if (rgid != NO_ID || (egid != NO_ID && egid != old.gid))
        c.sgid = c.egid;
    return commit_group(&c);
}

SYSCALL(setresgid, 3, SYSCALL_WHOLE, "")
{
    struct credentials c = *cred(), old = c;
    uint32_t *slots[3] = {&c.gid, &c.egid, &c.sgid};
    const uint32_t ids[3] = {(uint32_t)a0, (uint32_t)a1, (uint32_t)a2};

    for (int i = 0; i < 3; i++) {
        if (ids[i] == NO_ID)
            continue;
        if (!is_one_of(ids[i], old.gid, old.egid, old.sgid) && !capable(CAP_SETGID))
            return -EPERM;
        *slots[i] = ids[i];
    }
    if (ids[1] == NO_ID && c.gid == old.gid && c.sgid == old.sgid)
        return 0; /* the file system's stays */
    return commit_group(&c);
}

SYSCALL(getresgid, 3, SYSCALL_WHOLE, "")
{
    return put_three(a0, a1, a2, cred()->gid, cred()->egid, cred()->sgid);
}

SYSCALL(setfsgid, 1, SYSCALL_WHOLE, "")
{
    struct credentials c = *cred();
    uint32_t old = c.fsgid, gid = (uint32_t)a0;

    if (gid != NO_ID && gid != old &&
        (is_one_of(gid, c.gid, c.egid, c.sgid) || capable(CAP_SETGID))) {
        c.fsgid = gid;
        credentials_commit(&c);
    }
    return old;
}

/* --- processes, groups, sessions --- */

SYSCALL(getpid, 0, SYSCALL_WHOLE, "")
{
    return current_process()->pid;
}

SYSCALL(gettid, 0, SYSCALL_WHOLE, "")
{
    return current_task()->tid;
}

SYSCALL(getppid, 0, SYSCALL_WHOLE, "")
{
    return atomic_load_explicit(&current_process()->ppid, memory_order_relaxed);
}

/* 0 means the caller's. Under rcu_read_lock. */
static struct process *process_of(int pid)
{
    return pid ? process_find(pid) : current_process();
}

SYSCALL(getpgid, 1, SYSCALL_WHOLE, "")
{
    struct process *process;
    int result;

    rcu_read_lock();
    process = process_of((int)a0);
    result = process ? process->pgid : -ESRCH;
    rcu_read_unlock();
    return result;
}

SYSCALL(getpgrp, 0, SYSCALL_WHOLE, "")
{
    return current_process()->pgid;
}

SYSCALL(getsid, 1, SYSCALL_WHOLE, "")
{
    struct process *process;
    int result;

    rcu_read_lock();
    process = process_of((int)a0);
    result = process ? process->sid : -ESRCH;
    rcu_read_unlock();
    return result;
}

static int set_group(struct process *process, int pgid)
{
    struct process *me = current_process(), *member;

    if (process != me && process->parent != me)
        return -ESRCH;
    if (process != me && process->sid != me->sid)
        return -EPERM;
    if (process != me && process->did_exec)
        return -EACCES;
    if (process->sid == process->pid)
        return -EPERM; /* the leader of a session */
    member = process_of_group(pgid);
    if (pgid != process->pid && (!member || member->sid != me->sid))
        return -EPERM;
    process->pgid = pgid;
    return 0;
}

SYSCALL(setpgid, 2, SYSCALL_WHOLE, "")
{
    struct process *process;
    int result;

    if ((int)a1 < 0 || ((int)a1 == 0 && (int)a0 < 0)) /* 0: the process's number */
        return -EINVAL;
    mutex_lock(&tasks_lock);
    process = process_of((int)a0);
    result = process ? set_group(process, a1 ? (int)a1 : process->pid) : -ESRCH;
    mutex_unlock(&tasks_lock);
    return result;
}

SYSCALL(setsid, 0, SYSCALL_WHOLE, "")
{
    struct process *me = current_process();
    int result = me->pid;

    mutex_lock(&tasks_lock);
    if (process_of_group(me->pid)) {
        result = -EPERM;
    } else {
        me->sid = me->pgid = me->pid;
        me->tty = NULL;
    }
    mutex_unlock(&tasks_lock);
    return result;
}

/* --- capabilities --- */

enum { CAP_V1 = 0x19980330, CAP_V2 = 0x20071026, CAP_V3 = 0x20080522 };

struct cap_header {
    uint32_t version;
    int32_t pid;
};
struct cap_data {
    uint32_t effective, permitted, inheritable;
};

/* How many words of 32 bits the version has; an unknown one is answered with ours. */
static int cap_words(uintptr_t at, struct cap_header *header)
{
    if (user_read(header, at, sizeof(*header)) < 0)
        return -EFAULT;
    switch (header->version) {
    case CAP_V1:
        return 1;
    case CAP_V2:
    case CAP_V3:
        return 2;
    default:
        return user_put32(at, CAP_V3) < 0 ? -EFAULT : -EINVAL;
    }
}

SYSCALL(capget, 2, SYSCALL_WHOLE, "")
{
    struct cap_header header;
    struct cap_data data[2];
    struct credentials c;
    struct task *task;
    int words = cap_words(a0, &header);

    if (words < 0 || !a1)
        return words == -EINVAL && !a1 ? 0 : MIN(words, 0);
    if (header.pid < 0)
        return -EINVAL;
    rcu_read_lock();
    task = header.pid ? task_find(header.pid) : current_task();
    if (task)
        c = task->cred;
    rcu_read_unlock();
    if (!task)
        return -ESRCH;
    for (int i = 0; i < 2; i++)
        data[i] = (struct cap_data){(uint32_t)(c.cap_effective >> 32 * i),
                                    (uint32_t)(c.cap_permitted >> 32 * i),
                                    (uint32_t)(c.cap_inheritable >> 32 * i)};
    return user_write(a1, data, (size_t)words * sizeof(data[0]));
}

SYSCALL(capset, 2, SYSCALL_WHOLE, "")
{
    struct cap_header header;
    struct cap_data data[2] = {};
    struct credentials *c = cred();
    uint64_t effective, permitted, inheritable;
    int words = cap_words(a0, &header);

    if (words < 0)
        return words;
    if (header.pid && header.pid != current_task()->tid)
        return -EPERM;
    if (user_read(data, a1, (size_t)words * sizeof(data[0])) < 0)
        return -EFAULT;
    effective = (data[0].effective | (uint64_t)data[1].effective << 32) & CAP_ALL;
    permitted = (data[0].permitted | (uint64_t)data[1].permitted << 32) & CAP_ALL;
    inheritable = (data[0].inheritable | (uint64_t)data[1].inheritable << 32) & CAP_ALL;
    if (!capable(CAP_SETPCAP) && inheritable & ~(c->cap_inheritable | c->cap_permitted))
        return -EPERM;
    if (inheritable & ~(c->cap_inheritable | c->cap_bounding))
        return -EPERM;
    if (permitted & ~c->cap_permitted || effective & ~permitted)
        return -EPERM;
    c->cap_effective = effective;
    c->cap_permitted = permitted;
    c->cap_inheritable = inheritable;
    c->cap_ambient &= permitted & inheritable;
    return 0;
}
