/* man 2 getrusage */
#include "abi.h"
#include <sys/resource.h>

static int64_t micros(const struct timeval *tv)
{
    return tv->tv_sec * 1000000ll + tv->tv_usec;
}

static char memory[8 << 20];

static void results(void)
{
    struct rusage self, thread, children;
    pid_t pid = start();

    if (pid == 0) {
        do
            CALL(getrusage, RUSAGE_SELF, &self);
        while (micros(&self.ru_utime) + micros(&self.ru_stime) < 20000);
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0);
    CHECK_EQ(CALL(getrusage, RUSAGE_CHILDREN, &children), 0);
    CHECK(micros(&children.ru_utime) + micros(&children.ru_stime) >= 20000);
    memset(memory, 1, sizeof(memory)); /* Linux counts pages in batches for each processor */
    CHECK_EQ(CALL(getrusage, RUSAGE_SELF, &self), 0);
    CHECK_EQ(CALL(getrusage, RUSAGE_THREAD, &thread), 0);
    CHECK(self.ru_maxrss > 100 && self.ru_minflt > 0);
    CHECK_ERRNO(CALL(getrusage, 7, &self), EINVAL);
    CHECK_ERRNO(CALL(getrusage, RUSAGE_SELF, BAD), EFAULT);
}

int main(void)
{
    promise("getrusage: results and errors", results);
    return check_end();
}
