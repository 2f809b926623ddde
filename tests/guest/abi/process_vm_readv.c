/* man 2 process_vm_readv */
#include "ptrace.h"

#include <sys/mman.h>

static char shared_text[] = "what the child has";

static int stay(void)
{
    strcpy(shared_text, "what a child wrote");
    raise(SIGSTOP);
    return 0;
}

static void own_memory(void)
{
    char from[16] = "to be copied", to[16] = "";
    struct iovec local = {to, 16}, remote = {from, 13}, bad = {(void *)8, 16};

    CHECK_EQ(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), 13);
    CHECK(strcmp(to, from) == 0);
    CHECK_ERRNO(process_vm_readv(getpid(), &local, 1, &bad, 1, 0), EFAULT);
    CHECK_ERRNO(process_vm_readv(getpid(), &bad, 1, &remote, 1, 0), EFAULT);
    CHECK_ERRNO(process_vm_readv(999999, &local, 1, &remote, 1, 0), ESRCH);
    CHECK_ERRNO(process_vm_readv(getpid(), &local, 1, &remote, 1, 1), EINVAL);
    CHECK_ERRNO(process_vm_readv(getpid(), &local, 1025, &remote, 1, 0), EINVAL);
    CHECK_ERRNO(process_vm_readv(getpid(), &local, 1, &remote, 1025, 0), EINVAL);
    CHECK_ERRNO(process_vm_readv(getpid(), (void *)8, 1, &remote, 1, 0), EFAULT);
    CHECK_ERRNO(process_vm_readv(getpid(), &local, 1, (void *)8, 1, 0), EFAULT);
    CHECK_EQ(process_vm_readv(getpid(), &local, 0, &remote, 1, 0), 0);
    CHECK_EQ(process_vm_readv(getpid(), &local, 1, &remote, 0, 0), 0);
    CHECK_EQ(process_vm_readv(999999, NULL, 0, NULL, 0, 0), 0);
    remote.iov_len = (size_t)-1;
    CHECK_ERRNO(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), EINVAL);
}

static void anothers_memory(void)
{
    pid_t pid = start_child(stay);
    char a[5] = "", b[32] = "";
    struct iovec local[2] = {{a, 4}, {b, 31}},
                 remote[2] = {{shared_text, 6}, {shared_text + 7, 12}};

    NEED(waitpid(pid, NULL, WUNTRACED) == pid);
    CHECK_EQ(process_vm_readv(pid, local, 2, remote, 2, 0), 18);
    CHECK(strcmp(a, "what") == 0);
    CHECK(strcmp(b, " achild wrote") == 0);
    CHECK(strcmp(shared_text, "what the child has") == 0);
    end_traced(pid);
    CHECK_ERRNO(process_vm_readv(pid, local, 2, remote, 2, 0), ESRCH);
}

/* What comes before a hole is copied; protection counts. */
static void partial_copies(void)
{
    long page = sysconf(_SC_PAGESIZE);
    char *map =
        mmap(NULL, (size_t)page * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    static char buf[8192];
    struct iovec local = {buf, 8192}, remote = {map, 8192}, inside = {map + page, 10};
    pid_t pid;

    NEED(map != MAP_FAILED);
    memset(map, 'x', (size_t)page * 2);
    NEED(mprotect(map + page, (size_t)page, PROT_NONE) == 0);
    pid = start_child(stay);
    NEED(waitpid(pid, NULL, WUNTRACED) == pid);
    CHECK_EQ(process_vm_readv(pid, &local, 1, &remote, 1, 0), page);
    CHECK(buf[0] == 'x' && buf[page - 1] == 'x' && buf[page] == 0);
    CHECK_ERRNO(process_vm_readv(pid, &local, 1, &inside, 1, 0), EFAULT);
    end_traced(pid);
}

static int try_as_another(void)
{
    char to[4];
    struct iovec local = {to, 4}, remote = {shared_text, 4};

    if (setgid(12345) || setuid(12345))
        return 1;
    errno = 0;
    return process_vm_readv(getppid(), &local, 1, &remote, 1, 0) == -1 && errno == EPERM ? 7 : 2;
}

static void rights(void)
{
    if (getuid() != 0)
        SKIP("only root can become another");
    CHECK(exited_with(next_status(start_child(try_as_another)), 7));
}

int main(void)
{
    promise("one's own memory, and errors", own_memory);
    promise("another's memory, across segments", anothers_memory);
    promise("a copy ends where memory does", partial_copies);
    promise("others' memory is not for everybody", rights);
    return check_end();
}
