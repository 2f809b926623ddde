/* man 2 mbind, set_mempolicy, get_mempolicy, set_mempolicy_home_node, migrate_pages, move_pages:
 * policies are kept and checked, also where there is one node. */
#include "check.h"
#include <sys/mman.h>
#include <sys/syscall.h>

enum { DEFAULT, PREFERRED, BIND, INTERLEAVE, LOCAL, MANY };
enum { STATIC = 1 << 15, RELATIVE = 1 << 14, NODE = 1, ADDR = 2, MEMS = 4 };
enum { PAGE = 4096 };

static long set(unsigned long mode, unsigned long nodes, unsigned long max)
{
    return syscall(SYS_set_mempolicy, mode, max ? &nodes : NULL, max);
}

static long get(int *mode, unsigned long *nodes, void *addr, unsigned flags)
{
    return syscall(SYS_get_mempolicy, mode, nodes, nodes ? 1025ul : 0, addr, flags);
}

static long bind_range(void *at, size_t len, unsigned long mode, unsigned long nodes,
                       unsigned long max, unsigned flags)
{
    return syscall(SYS_mbind, at, len, mode, max ? &nodes : NULL, max, flags);
}

static bool there(void)
{
    return set(DEFAULT, 0, 0) == 0 || errno != ENOSYS;
}

#define NEED_NUMA                                                                                  \
    if (!there())                                                                                  \
    SKIP("a kernel without CONFIG_NUMA")

static void *map(int pages)
{
    return mmap(NULL, (size_t)pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0);
}

static void thread_policy(void)
{
    unsigned long nodes[16] = {};
    int mode = -1;

    NEED_NUMA;
    CHECK_EQ(get(&mode, NULL, NULL, 0), 0);
    CHECK_EQ(mode, DEFAULT);
    CHECK_EQ(set(BIND, 1, 64), 0);
    CHECK_EQ(get(&mode, nodes, NULL, 0), 0);
    CHECK_EQ(mode, BIND);
    CHECK_EQ(nodes[0], 1);
    CHECK_EQ(set(INTERLEAVE | STATIC, 1, 64), 0);
    CHECK_EQ(get(&mode, nodes, NULL, 0), 0);
    CHECK_EQ(mode, INTERLEAVE | STATIC);
    CHECK_EQ(get(&mode, NULL, NULL, NODE), 0);
    CHECK_EQ(mode, 0);
    CHECK_EQ(set(PREFERRED, 0, 0), 0);
    CHECK_EQ(get(&mode, NULL, NULL, 0), 0);
    CHECK_EQ(mode, LOCAL);
    CHECK_EQ(set(DEFAULT, 0, 0), 0);
    CHECK_EQ(get(NULL, nodes, NULL, MEMS), 0);
    CHECK(nodes[0] & 1);
}

static void thread_errors(void)
{
    int mode;

    NEED_NUMA;
    CHECK_ERRNO(set(17, 0, 0), EINVAL);
    CHECK_ERRNO(set(DEFAULT, 1, 64), EINVAL);
    CHECK_ERRNO(set(BIND, 0, 64), EINVAL);
    CHECK_ERRNO(set(LOCAL, 1, 64), EINVAL);
    CHECK_ERRNO(set(BIND | STATIC | RELATIVE, 1, 64), EINVAL);
    CHECK_ERRNO(set(PREFERRED | STATIC, 0, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_set_mempolicy, BIND, 8, 64ul), EFAULT);
    CHECK_ERRNO(get(&mode, NULL, &mode, 0), EINVAL);
    CHECK_ERRNO(get(&mode, NULL, NULL, 8), EINVAL);
    CHECK_ERRNO(get(&mode, NULL, NULL, MEMS | ADDR), EINVAL);
    CHECK_ERRNO(get(&mode, NULL, NULL, NODE), EINVAL);
    CHECK_ERRNO(get(&mode, NULL, (void *)PAGE, ADDR), EFAULT);
    CHECK_ERRNO(get((int *)8, NULL, NULL, 0), EFAULT);
}

static void range_policy(void)
{
    unsigned long nodes[16] = {};
    char *p = map(4);
    int mode;

    NEED_NUMA;
    CHECK_EQ(bind_range(p + PAGE, PAGE, BIND, 1, 64, 0), 0);
    CHECK_EQ(get(&mode, nodes, p + PAGE, ADDR), 0);
    CHECK_EQ(mode, BIND);
    CHECK_EQ(nodes[0], 1);
    CHECK_EQ(get(&mode, NULL, p, ADDR), 0);
    CHECK_EQ(mode, DEFAULT);
    CHECK_EQ(get(&mode, NULL, p + PAGE, ADDR | NODE), 0);
    CHECK_EQ(mode, 0);
    CHECK_EQ(syscall(SYS_set_mempolicy_home_node, p + PAGE, (long)PAGE, 0, 0), 0);
    CHECK_EQ(bind_range(p, 4 * PAGE, DEFAULT, 0, 0, 0), 0);
    CHECK_EQ(get(&mode, NULL, p + PAGE, ADDR), 0);
    CHECK_EQ(mode, DEFAULT);
    munmap(p + 2 * PAGE, PAGE);
    CHECK_ERRNO(bind_range(p, 4 * PAGE, BIND, 1, 64, 0), EFAULT);
    CHECK_ERRNO(bind_range(p + 1, PAGE, BIND, 1, 64, 0), EINVAL);
    CHECK_ERRNO(bind_range(p, PAGE, BIND, 1, 64, 8), EINVAL);
    CHECK_ERRNO(bind_range(p, PAGE, 17, 1, 64, 0), EINVAL);
    CHECK_ERRNO(bind_range(p, PAGE, BIND, 0, 64, 0), EINVAL);
    CHECK_EQ(bind_range(p, 0, BIND, 1, 64, 0), 0);
    munmap(p, 4 * PAGE);
}

static void home_node(void)
{
    char *p = map(1);

    NEED_NUMA;
    CHECK_ERRNO(syscall(SYS_set_mempolicy_home_node, p, (long)PAGE, 0, 0), ENOENT);
    CHECK_ERRNO(syscall(SYS_set_mempolicy_home_node, p, (long)PAGE, 0, 1), EINVAL);
    CHECK_ERRNO(syscall(SYS_set_mempolicy_home_node, p, (long)PAGE, 5000, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_set_mempolicy_home_node, p + 1, (long)PAGE, 0, 0), EINVAL);
    bind_range(p, PAGE, INTERLEAVE, 1, 64, 0);
    CHECK_ERRNO(syscall(SYS_set_mempolicy_home_node, p, (long)PAGE, 0, 0), EOPNOTSUPP);
    munmap(p, PAGE);
}

static void moving(void)
{
    char *p = map(2);
    void *pages[3] = {p, p + PAGE, (void *)PAGE};
    int status[3] = {7, 7, 7}, nodes[3] = {0, 0, 0};
    unsigned long one = 1;

    NEED_NUMA;
    p[0] = 1;
    CHECK_EQ(syscall(SYS_move_pages, 0, 3ul, pages, NULL, status, 0), 0);
    CHECK_EQ(status[0], 0);
    CHECK_EQ(status[1], -ENOENT);
    CHECK_EQ(status[2], -EFAULT);
    CHECK_EQ(syscall(SYS_move_pages, 0, 1ul, pages, nodes, status, 2), 0);
    CHECK_EQ(status[0], 0);
    nodes[0] = -1;
    CHECK_ERRNO(syscall(SYS_move_pages, 0, 1ul, pages, nodes, status, 2), ENODEV);
    CHECK_ERRNO(syscall(SYS_move_pages, 0, 1ul, pages, NULL, status, 1), EINVAL);
    CHECK_ERRNO(syscall(SYS_move_pages, 0x3ffffff, 1ul, pages, NULL, status, 0), ESRCH);
    CHECK_EQ(syscall(SYS_migrate_pages, 0, 64ul, &one, &one), 0);
    CHECK_ERRNO(syscall(SYS_migrate_pages, 0x3ffffff, 64ul, &one, &one), ESRCH);
    CHECK_ERRNO(syscall(SYS_migrate_pages, 0, 64ul, 8, &one), EFAULT);
    munmap(p, 2 * PAGE);
}

int main(void)
{
    promise("a thread's policy is kept", thread_policy);
    promise("wrong policies are refused", thread_errors);
    promise("a range's policy is kept", range_policy);
    promise("a home node wants a policy that binds", home_node);
    promise("pages are where they are", moving);
    return check_end();
}
