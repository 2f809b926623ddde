/* man 2 listxattr */
#include "abi.h"
#include <sys/xattr.h>

/* Is the name in the list? */
static bool listed(const char *list, long size, const char *name)
{
    for (const char *at = list; at < list + size; at += strlen(at) + 1)
        if (strcmp(at, name) == 0)
            return true;
    return false;
}

static void results(void)
{
    char list[200];
    long size;

    close(file_with("file", ""));
    if (setxattr("file", "user.a", "1", 1, 0) != 0 && errno == EOPNOTSUPP)
        SKIP("this file system has none");
    NEED(setxattr("file", "user.bc", "2", 1, 0) == 0);
    size = CALL(listxattr, "file", list, sizeof list);
    CHECK(listed(list, size, "user.a") && listed(list, size, "user.bc"));
    CHECK_EQ(CALL(listxattr, "file", NULL, 0), size);
    CHECK_ERRNO(CALL(listxattr, "file", list, size - 1), ERANGE);
    CHECK_ERRNO(CALL(listxattr, "file", BAD, 200), EFAULT);
    CHECK_ERRNO(CALL(listxattr, "absent", list, sizeof list), ENOENT);
}

int main(void)
{
    enter_fresh_dir();
    promise("listxattr: results and errors", results);
    return check_end();
}
