/* man 2 process_vm_readv, on the process itself */
#include "check.h"
#include <sys/uio.h>

static void own_memory(void)
{
    char from[16] = "to be copied", to[16] = "";
    struct iovec local = {to, 16}, remote = {from, 13}, bad = {(void *)8, 16};

    CHECK_EQ(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), 13);
    CHECK(strcmp(to, from) == 0);
    CHECK_EQ(process_vm_writev(getpid(), &local, 1, &remote, 1, 0), 13);
    CHECK_ERRNO(process_vm_readv(getpid(), &local, 1, &bad, 1, 0), EFAULT);
    CHECK_ERRNO(process_vm_readv(999999, &local, 1, &remote, 1, 0), ESRCH);
    CHECK_ERRNO(process_vm_readv(getpid(), &local, 1, &remote, 1, 1), EINVAL);
}

int main(void)
{
    promise("process_vm_readv and writev", own_memory);
    return check_end();
}
