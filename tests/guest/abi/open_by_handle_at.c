/* man 2 open_by_handle_at */
#include "abi.h"

static void results(void)
{
    struct {
        struct file_handle handle;
        unsigned char bytes[MAX_HANDLE_SZ];
    } h;
    int mount_id, here = open(".", O_RDONLY), fd;
    char text[4];

    memset(&h, 0, sizeof h);
    close(file_with("file", "abc"));
    h.handle.handle_bytes = MAX_HANDLE_SZ;
    if (CALL(name_to_handle_at, AT_FDCWD, "file", &h, &mount_id, 0) == 0) {
        CHECK((fd = CALL(open_by_handle_at, here, &h, O_RDONLY)) >= 0);
        CHECK(read(fd, text, 4) == 3 && memcmp(text, "abc", 3) == 0);
        unlink("file");
        close(fd);
        CHECK_ERRNO(CALL(open_by_handle_at, here, &h, O_RDONLY), ESTALE);
    } else {
        CHECK_EQ(errno, EOPNOTSUPP);
    }
    CHECK_ERRNO(CALL(open_by_handle_at, here, BAD, O_RDONLY), EFAULT);
    h.handle.handle_bytes = MAX_HANDLE_SZ + 1;
    CHECK_ERRNO(CALL(open_by_handle_at, here, &h, O_RDONLY), EINVAL);
    become_nobody();
    h.handle.handle_bytes = 8;
    CHECK_ERRNO(CALL(open_by_handle_at, here, &h, O_RDONLY), EPERM);
}

int main(void)
{
    enter_fresh_dir();
    promise_apart("open_by_handle_at: results and errors", results);
    return check_end();
}
