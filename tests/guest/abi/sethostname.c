/* man 2 sethostname */
#include "abi.h"

static void results(void)
{
    char name[65];
    static char longest[65];

    memset(longest, 'x', sizeof longest);
    CHECK_EQ(CALL(sethostname, "abi.example", 3), 0); /* so many bytes, no zero needed */
    CHECK(gethostname(name, sizeof name) == 0 && strcmp(name, "abi") == 0);
    CHECK_EQ(CALL(sethostname, longest, 64), 0);
    CHECK_ERRNO(CALL(sethostname, longest, 65), EINVAL);
    CHECK_ERRNO(CALL(sethostname, longest, -1), EINVAL);
    CHECK_ERRNO(CALL(sethostname, BAD, 3), EFAULT);
}

static void privilege(void)
{
    become_nobody();
    CHECK_ERRNO(CALL(sethostname, "x", 1), EPERM);
}

int main(void)
{
    struct utsname before;

    uname(&before);
    promise("sethostname: results and errors", results);
    sethostname(before.nodename, strlen(before.nodename));
    promise_apart("sethostname needs privilege", privilege);
    return check_end();
}
