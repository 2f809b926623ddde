/* man 2 sethostname */
#include "abi.h"
#include <sched.h>

static void results(void)
{
    char name[65];
    static char longest[65];

    if (!inside_osprey() && unshare(CLONE_NEWUTS) != 0)
        SKIP("a name of our own is not allowed here");
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
    promise("sethostname: results and errors", results);
    promise_apart("sethostname needs privilege", privilege);
    return check_end();
}
