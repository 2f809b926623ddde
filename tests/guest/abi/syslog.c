/* man 2 syslog: reading takes away, clearing hides, sizes and errors. What changes the log is tried
 * inside Osprey only. */
#include "check.h"
#include <sys/klog.h>

enum { READ = 2, READ_ALL, READ_CLEAR, CLEAR, OFF, ON, LEVEL, UNREAD, SIZE };

static char buf[65536];

static void reading(void)
{
    int unread;

    if (!inside_osprey())
        SKIP("the log is not ours to take away");
    unread = klogctl(UNREAD, NULL, 0);
    CHECK(unread >= 0);
    if (unread > 1) {
        CHECK_EQ(klogctl(READ, buf, 1), 1);
        CHECK_EQ(klogctl(UNREAD, NULL, 0), unread - 1);
        CHECK_EQ(klogctl(READ, buf, sizeof(buf)), unread - 1);
    }
    CHECK_EQ(klogctl(UNREAD, NULL, 0), 0);
}

static void clearing(void)
{
    int n;

    if (!inside_osprey())
        SKIP("the log is not ours to clear");
    n = klogctl(READ_ALL, buf, sizeof(buf));
    CHECK(n >= 0);
    CHECK_EQ(klogctl(READ_CLEAR, buf, sizeof(buf)), n);
    CHECK_EQ(klogctl(READ_ALL, buf, sizeof(buf)), 0);
    CHECK_EQ(klogctl(CLEAR, NULL, 0), 0);
}

static void console(void)
{
    if (!inside_osprey())
        SKIP("the console is not ours");
    CHECK_EQ(klogctl(OFF, NULL, 0), 0);
    CHECK_EQ(klogctl(ON, NULL, 0), 0);
    CHECK_EQ(klogctl(LEVEL, NULL, 5), 0);
}

static void errors(void)
{
    CHECK(klogctl(SIZE, NULL, 0) > 0);
    if (klogctl(UNREAD, NULL, 0) < 0 && errno == EPERM)
        SKIP("not root");
    CHECK_ERRNO(klogctl(11, NULL, 0), EINVAL);
    CHECK_ERRNO(klogctl(-1, NULL, 0), EINVAL);
    CHECK_ERRNO(klogctl(READ_ALL, NULL, 10), EINVAL);
    CHECK_ERRNO(klogctl(READ_ALL, buf, -1), EINVAL);
    CHECK_EQ(klogctl(READ_ALL, buf, 0), 0);
    CHECK_ERRNO(klogctl(LEVEL, NULL, 0), EINVAL);
    CHECK_ERRNO(klogctl(LEVEL, NULL, 9), EINVAL);
    if (seteuid(65534) == 0) {
        CHECK_ERRNO(klogctl(CLEAR, NULL, 0), EPERM);
        CHECK_ERRNO(klogctl(READ, buf, 10), EPERM);
        CHECK(seteuid(0) == 0);
    }
}

int main(void)
{
    promise("reading takes messages away", reading);
    promise("clearing hides them", clearing);
    promise("the console's level", console);
    promise("errors are the documented ones", errors);
    return check_end();
}
