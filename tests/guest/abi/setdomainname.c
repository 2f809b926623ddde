/* man 2 setdomainname */
#include "abi.h"

static void results(void)
{
    char name[65];

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
    char before[65] = "";

    if (getdomainname(before, sizeof before) != 0)
        return 1;
    promise("setdomainname: results and errors", results);
    CALL(setdomainname, before, strlen(before));
    promise_apart("setdomainname needs privilege", privilege);
    return check_end();
}
