/* man 2 uname */
#include "abi.h"
#include <sched.h>

static void results(void)
{
    struct utsname name;

    memset(&name, 0xff, sizeof name);
    CHECK_EQ(CALL(uname, &name), 0);
    CHECK(strcmp(name.sysname, "Linux") == 0 && strcmp(name.machine, "x86_64") == 0);
    CHECK(atoi(name.release) >= 5 && strlen(name.version) > 0);
    if (!inside_osprey() && unshare(CLONE_NEWUTS) != 0)
        SKIP("a name of our own is not allowed here");
    CHECK_EQ(CALL(sethostname, "abi-test", 8), 0);
    CHECK(CALL(uname, &name) == 0 && strcmp(name.nodename, "abi-test") == 0);
    CHECK_ERRNO(CALL(uname, BAD), EFAULT);
}

int main(void)
{
    promise("uname: results and errors", results);
    return check_end();
}
