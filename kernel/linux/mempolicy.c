/* linux/mempolicy.c: memory policies (man 7 numa) on a machine with one node: they are kept and
 * checked; where memory comes from is never a question. */
#include "linux/path.h"
#include "linux/ptrace.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "mm/annotate.h"
#include "mm/resident.h"

enum { MPOL_DEFAULT, MPOL_PREFERRED, MPOL_BIND, MPOL_INTERLEAVE, MPOL_LOCAL, MPOL_MANY, MPOL_MAX };
enum {
    FLAG_NUMA_BALANCING = 1 << 13,
    FLAG_RELATIVE = 1 << 14,
    FLAG_STATIC = 1 << 15,
    FLAGS_KEEP_USER = FLAG_STATIC | FLAG_RELATIVE,
    FLAGS_ALL = FLAGS_KEEP_USER | FLAG_NUMA_BALANCING
};
enum { GET_NODE = 1, GET_ADDR = 2, GET_MEMS_ALLOWED = 4 };
enum { MF_STRICT = 1, MF_MOVE = 2, MF_MOVE_ALL = 4 };
enum { CAP_SYS_NICE = 23, ALL_NODES = 1 };

/* A set of nodes in program memory; maxnode counts one bit more than there are (as Linux). */
static int get_nodes(uintptr_t from, uint64_t maxnode, uint64_t *nodes)
{
    uint64_t word;

    *nodes = 0;
    maxnode--;
    if (maxnode == 0 || !from)
        return 0;
    if (maxnode > PAGE_SIZE * 8)
        return -EINVAL;
    for (uint64_t bit = 0; bit < maxnode; bit += 64) {
        if (user_get64(from + bit / 8, &word) < 0)
            return -EFAULT;
        if (maxnode - bit < 64)
            word &= (1ull << (maxnode - bit)) - 1;
        if (bit == 0)
            *nodes = word;
        else if (word)
            return -EINVAL;
    }
    return 0;
}

static int put_nodes(uintptr_t to, uint64_t maxnode, uint64_t nodes)
{
    size_t size = ALIGN_UP(maxnode - 1, 64ul) / 8;

    if (size > PAGE_SIZE)
        return -EINVAL;
    if (size > sizeof(nodes) && user_zero(to + sizeof(nodes), size - sizeof(nodes)) < 0)
        return -EFAULT;
    return size && user_put64(to, nodes) < 0 ? -EFAULT : 0;
}

/* The policy of a mode with its flags for these nodes: -EINVAL. */
static int make_policy(unsigned mode_and_flags, uint64_t nodes, struct memory_policy *policy)
{
    unsigned flags = mode_and_flags & FLAGS_ALL, mode = mode_and_flags & ~(unsigned)FLAGS_ALL;

    *policy = (struct memory_policy){};
    if (mode >= MPOL_MAX || (flags & FLAGS_KEEP_USER) == FLAGS_KEEP_USER)
        return -EINVAL;
    if (flags & FLAG_NUMA_BALANCING && mode != MPOL_BIND)
        return -EINVAL;
    if (mode == MPOL_DEFAULT)
        return nodes ? -EINVAL : 0;
    if (mode == MPOL_PREFERRED && !nodes)
        mode = MPOL_LOCAL;
    if (mode == MPOL_LOCAL) {
        if (nodes || flags & FLAGS_KEEP_USER)
            return -EINVAL;
        policy->mode = mode;
        return 0;
    }
    if (!nodes)
        return -EINVAL;
    policy->nodes = flags & FLAG_RELATIVE ? ALL_NODES : nodes & ALL_NODES;
    if (!policy->nodes)
        return -EINVAL;
    policy->user = nodes;
    policy->mode = mode | flags;
    return 0;
}

SYSCALL(set_mempolicy, 3, SYSCALL_WHOLE, "")
{
    struct memory_policy policy;
    uint64_t nodes;
    unsigned mode = (unsigned)a0 & ~(unsigned)FLAGS_ALL;
    int error = mode >= MPOL_MAX ? -EINVAL : get_nodes(a1, a2, &nodes);

    if (!error)
        error = make_policy((unsigned)a0, nodes, &policy);
    if (!error)
        current_task()->memory_policy = policy;
    return error;
}

/* MPOL_F_NODE: where the page at addr lies, or the next one of an interleaving thread would. */
static int which_node(const struct memory_policy *policy, uintptr_t addr, bool by_addr)
{
    uint8_t byte;

    if (by_addr)
        return user_read(&byte, addr, 1) < 0 ? -EFAULT : 0;
    return (policy->mode & ~(unsigned)FLAGS_ALL) == MPOL_INTERLEAVE ? 0 : -EINVAL;
}

SYSCALL(get_mempolicy, 5, SYSCALL_WHOLE, "")
{
    struct memory_policy policy = current_task()->memory_policy;
    unsigned flags = (unsigned)a4;
    uint64_t nodes;
    int error = 0;
    uint32_t mode;

    if (a1 && a2 < 1)
        return -EINVAL;
    if (a4 & ~7ull)
        return -EINVAL;
    if (flags & GET_MEMS_ALLOWED) {
        if (flags & (GET_NODE | GET_ADDR))
            return -EINVAL;
        mode = 0;
        nodes = ALL_NODES;
    } else {
        if (flags & GET_ADDR)
            error = address_space_policy(current->space, a3, &policy);
        else if (a3)
            error = -EINVAL;
        if (!error && flags & GET_NODE)
            error = which_node(&policy, a3, flags & GET_ADDR);
        if (error)
            return error;
        mode = flags & GET_NODE ? 0 : policy.mode;
        nodes = policy.mode & FLAGS_KEEP_USER ? policy.user : policy.nodes;
    }
    if (a0 && user_put32(a0, mode) < 0)
        return -EFAULT;
    return a1 ? put_nodes(a1, a2, nodes) : 0;
}

SYSCALL(mbind, 6, SYSCALL_WHOLE, "")
{
    unsigned mode = (unsigned)a2 & ~(unsigned)FLAGS_ALL, flags = (unsigned)a5;
    uintptr_t end = a0 + ALIGN_UP(a1, PAGE_SIZE);
    struct memory_policy policy;
    uint64_t nodes;
    int error = mode >= MPOL_MAX || (a2 & FLAGS_KEEP_USER) == FLAGS_KEEP_USER
                    ? -EINVAL
                    : get_nodes(a3, a4, &nodes);

    if (error)
        return error;
    if (flags & ~(unsigned)(MF_STRICT | MF_MOVE | MF_MOVE_ALL))
        return -EINVAL;
    if (flags & MF_MOVE_ALL && !capable(CAP_SYS_NICE))
        return -EPERM;
    if (a0 & ~PAGE_MASK || end < a0)
        return -EINVAL;
    if (end == a0)
        return 0;
    error = make_policy((unsigned)a2, nodes, &policy);
    return error ?: address_space_set_policy(current->space, a0, end, &policy);
}

SYSCALL(set_mempolicy_home_node, 4, SYSCALL_WHOLE, "")
{
    uintptr_t end = a0 + ALIGN_UP(a1, PAGE_SIZE);

    if (a0 & ~PAGE_MASK || a3 || a2 != 0 || end < a0)
        return -EINVAL;
    return end == a0 ? 0 : address_space_set_home(current->space, a0, end);
}

/* --- moving pages: they are where they shall be --- */

/* The process of a number (0: the caller's) is there and may be looked at. */
static int check_target(int pid)
{
    struct task *task;
    int error;

    rcu_read_lock();
    task = pid ? task_find(pid) : current_task();
    error = !task ? -ESRCH : ptrace_access(task, true);
    rcu_read_unlock();
    return error;
}

SYSCALL(migrate_pages, 4, SYSCALL_WHOLE, "")
{
    uint64_t old, new;
    int error = get_nodes(a2, a1, &old) ?: get_nodes(a3, a1, &new);

    if (!error)
        error = check_target((int)a0);
    if (!error && new & ~(uint64_t)ALL_NODES && !capable(CAP_SYS_NICE))
        error = -EPERM;
    if (!error && !(new &ALL_NODES))
        error = -EINVAL;
    return error;
}

/* Where one page is: its node, -ENOENT (nowhere yet), -EFAULT (not mapped, or the page of zeros).
 */
static int page_status(struct address_space *space, uintptr_t addr)
{
    struct memory_policy policy;
    struct resident_page page;

    addr &= PAGE_MASK;
    if (addr >= USER_END || address_space_policy(space, addr, &policy) < 0)
        return -EFAULT;
    if (!address_space_resident(space, &addr, addr + PAGE_SIZE, &page, 1))
        return -ENOENT;
    resident_page_put(&page);
    return page.zero ? -EFAULT : 0;
}

/* The memory of a process (0: the caller's) that may be looked at, with a reference. */
static int memory_of(int pid, struct address_space **space)
{
    struct task *task;
    int error = -ESRCH;

    mutex_lock(&tasks_lock);
    task = pid ? task_find(pid) : current_task();
    if (task) {
        mutex_lock(&task->process->lock);
        *space = task->process->space;
        error = ptrace_access(task, true) < 0 ? -EPERM : *space ? 0 : -EINVAL;
        if (!error)
            address_space_get(*space);
        mutex_unlock(&task->process->lock);
    }
    mutex_unlock(&tasks_lock);
    return error;
}

static int look_at_pages(struct address_space *space, uint64_t n, uintptr_t pages, uintptr_t nodes,
                         uintptr_t status)
{
    for (uint64_t i = 0; i < n; i++) {
        uint64_t page;
        uint32_t node = 0;

        if (user_get64(pages + i * 8, &page) < 0 || (nodes && user_get32(nodes + i * 4, &node) < 0))
            return -EFAULT;
        if (node != 0)
            return -ENODEV;
        if (user_put32(status + i * 4, (uint32_t)page_status(space, page)) < 0)
            return -EFAULT;
        thread_resched_point();
    }
    return 0;
}

SYSCALL(move_pages, 6, SYSCALL_WHOLE, "")
{
    struct address_space *space;
    int error;

    if (a5 & ~(uint64_t)(MF_MOVE | MF_MOVE_ALL))
        return -EINVAL;
    if (a5 & MF_MOVE_ALL && !capable(CAP_SYS_NICE))
        return -EPERM;
    error = memory_of((int)a0, &space);
    if (error)
        return error;
    error = look_at_pages(space, a1, a2, a3, a4);
    address_space_put(space);
    return error;
}
