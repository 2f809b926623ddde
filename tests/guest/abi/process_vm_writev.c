/* man 2 process_vm_writev */
#include "ptrace.h"

static char text[32] = "old";
static const char constant[32] = "constant";

static int tell(void)
{
    raise(SIGSTOP);
    return strcmp(text, "new words") == 0 ? 7 : 8;
}

static void own_memory(void)
{
    char from[16] = "to be copied", to[16] = "";
    struct iovec local = {from, 13}, remote = {to, 16};

    CHECK_EQ(process_vm_writev(getpid(), &local, 1, &remote, 1, 0), 13);
    CHECK(strcmp(to, from) == 0);
    CHECK_ERRNO(process_vm_writev(getpid(), &local, 1, &remote, 1, 1), EINVAL);
    CHECK_ERRNO(process_vm_writev(999999, &local, 1, &remote, 1, 0), ESRCH);
}

static void anothers_memory(void)
{
    pid_t pid = start_child(tell);
    char words[] = "new", more[] = " words";
    struct iovec local[2] = {{words, 3}, {more, 7}}, remote[2] = {{text, 5}, {text + 5, 27}};
    struct iovec fixed = {(void *)constant, 8}, code = {(void *)tell, 4};

    NEED(waitpid(pid, NULL, WUNTRACED) == pid);
    CHECK_EQ(process_vm_writev(pid, local, 2, remote, 2, 0), 10);
    CHECK(strcmp(text, "old") == 0);
    CHECK_ERRNO(process_vm_writev(pid, local, 1, &fixed, 1, 0), EFAULT);
    CHECK_ERRNO(process_vm_writev(pid, local, 1, &code, 1, 0), EFAULT);
    CHECK_EQ(kill(pid, SIGCONT), 0);
    CHECK(exited_with(next_status(pid), 7));
}

int main(void)
{
    promise("one's own memory", own_memory);
    promise("another's memory, not what is read-only", anothers_memory);
    return check_end();
}
