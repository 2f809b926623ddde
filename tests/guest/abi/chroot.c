/* man 2 chroot */
#include "abi.h"

static void results(void)
{
    NEED(mkdir("root", 0755) == 0 && mkdir("root/dir", 0755) == 0);
    close(file_with("outside", ""));
    close(file_with("root/inside", ""));
    CHECK_ERRNO(CALL(chroot, "outside"), ENOTDIR);
    CHECK_ERRNO(CALL(chroot, "absent"), ENOENT);
    CHECK_ERRNO(CALL(chroot, BAD), EFAULT);
    CHECK_EQ(CALL(chroot, "root"), 0);
    CHECK_EQ(access("/inside", F_OK), 0);
    CHECK_EQ(access("outside", F_OK), 0); /* the working directory stays */
    CHECK_EQ(chdir("/dir"), 0);
    CHECK_EQ(access("../../../inside", F_OK), 0);
    CHECK_ERRNO(access("../../outside", F_OK), ENOENT);
    become_nobody();
    CHECK_ERRNO(CALL(chroot, "/"), EPERM);
}

int main(void)
{
    enter_fresh_dir();
    chmod(".", 0755);
    promise_apart("chroot: results and errors", results);
    return check_end();
}
