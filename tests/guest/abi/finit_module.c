/* man 2 finit_module, where no module fits: none is built for this kernel. */
#include "abi.h"

static void errors(void)
{
    int file, empty, folder = open(".", O_RDONLY), writing, only;

    if (CALL(finit_module, -1, "", 0) < 0 &&
        (errno == ENOSYS || (errno == EPERM && !inside_osprey())))
        SKIP("a kernel without CONFIG_MODULES");
    writing = open("module", O_CREAT | O_RDWR, 0600);
    only = open("only", O_CREAT | O_WRONLY, 0600);
    NEED(writing >= 0 && write(writing,
                               "not a module, long enough for a header of one: "
                               "sixty-four bytes and more",
                               70) == 70);
    file = open("module", O_RDONLY);
    close(creat("empty", 0600));
    empty = open("empty", O_RDONLY);
    CHECK_ERRNO(CALL(finit_module, file, "", 0), ETXTBSY);
    close(writing);
    CHECK_ERRNO(CALL(finit_module, file, "", 0), ENOEXEC);
    CHECK_ERRNO(CALL(finit_module, file, "", 3), ENOEXEC);
    CHECK_ERRNO(CALL(finit_module, file, "", 1 << 10), EINVAL);
    CHECK_ERRNO(CALL(finit_module, empty, "", 0), EINVAL);
    CHECK_ERRNO(CALL(finit_module, folder, "", 0), EINVAL);
    CHECK_ERRNO(CALL(finit_module, only, "", 0), EBADF);
    CHECK_ERRNO(CALL(finit_module, BAD_FD, "", 0), EBADF);
    become_nobody();
    CHECK_ERRNO(CALL(finit_module, file, "", 0), EPERM);
}

int main(void)
{
    enter_fresh_dir();
    promise_apart("finit_module: errors", errors);
    return check_end();
}
