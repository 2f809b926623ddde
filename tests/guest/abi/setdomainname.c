/* man 2 setdomainname */
#include "abi.h"
#include <sched.h>

static void results(void)
{
    char name[65];

    if (!inside_osprey() && unshare(CLONE_NEWUTS) != 0)
        SKIP("a name of our own is not allowed here");
    CHECK_EQ(CALL(setdomainname, "abi-domain", 10), 0);
    CHECK(getdomainname(name, sizeof name) == 0 && strcmp(name, "abi-domain") == 0);
    CHECK_ERRNO(CALL(setdomainname, name, 65), EINVAL);
    CHECK_ERRNO(CALL(setdomainname, BAD, 3), EFAULT);
}

static void privilege(void)
{
    become_nobody();
    CHECK_ERRNO(CALL(setdomainname, "x", 1), EPERM);
}

int main(void)
{
    promise("setdomainname: results and errors", results);
    promise_apart("setdomainname needs privilege", privilege);
    return check_end();
}
