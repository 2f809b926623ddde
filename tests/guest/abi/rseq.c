/* man 2 rseq: registration, its errors, and that a thread may give it back. */
#include "check.h"
#include <linux/rseq.h>
#include <stddef.h>
#include <string.h>
#include <sys/rseq.h>
#include <sys/syscall.h>

enum { SIZE = 32, UNREGISTER = 1, SIGNATURE = 0x12345678 };

static struct rseq own __attribute__((aligned(32)));

static long rseq_call(void *area, unsigned size, int flags, unsigned signature)
{
    return syscall(SYS_rseq, area, size, flags, signature);
}

/* Give back what the libc has registered. */
static bool free_of_libc(void)
{
    void *area = (char *)__builtin_thread_pointer() + __rseq_offset;

    return __rseq_size == 0 || rseq_call(area, SIZE, UNREGISTER, 0x53053053) == 0;
}

static void registering(void)
{
    uint64_t section;

    NEED(free_of_libc());
    own.cpu_id = ~0u;
    memset((char *)&own + offsetof(struct rseq, rseq_cs), 0x11, 8);
    CHECK_EQ(rseq_call(&own, SIZE, 0, SIGNATURE), 0);
    memcpy(&section, (char *)&own + offsetof(struct rseq, rseq_cs), 8);
    CHECK_EQ(section, 0); /* what was left there is no section */
    CHECK((int)*(volatile uint32_t *)&own.cpu_id >= 0);
    CHECK_ERRNO(rseq_call(&own, SIZE, 0, SIGNATURE), EBUSY);
    CHECK_ERRNO(rseq_call(&own, SIZE, 0, SIGNATURE + 1), EPERM);
    CHECK_ERRNO(rseq_call(&own + 1, SIZE, 0, SIGNATURE), EINVAL);
    CHECK_ERRNO(rseq_call(&own, SIZE, UNREGISTER, SIGNATURE + 1), EPERM);
    CHECK_ERRNO(rseq_call(&own + 1, SIZE, UNREGISTER, SIGNATURE), EINVAL);
    CHECK_ERRNO(rseq_call(&own, SIZE + 32, UNREGISTER, SIGNATURE), EINVAL);
    CHECK_ERRNO(rseq_call(&own, SIZE, UNREGISTER | 8, SIGNATURE), EINVAL);
    CHECK_EQ(rseq_call(&own, SIZE, UNREGISTER, SIGNATURE), 0);
    CHECK_EQ(*(volatile uint32_t *)&own.cpu_id, ~0u);
    CHECK_EQ(*(volatile uint32_t *)&own.cpu_id_start, 0);
    CHECK_ERRNO(rseq_call(&own, SIZE, UNREGISTER, SIGNATURE), EINVAL);
}

static void bad_arguments(void)
{
    CHECK_ERRNO(rseq_call(&own, SIZE, 2, SIGNATURE), EINVAL);
    CHECK_ERRNO(rseq_call((char *)&own + 8, SIZE, 0, SIGNATURE), EINVAL);
    CHECK_ERRNO(rseq_call(&own, SIZE - 1, 0, SIGNATURE), EINVAL);
    CHECK_ERRNO(rseq_call(&own, 0, 0, SIGNATURE), EINVAL);
    CHECK_ERRNO(rseq_call((void *)(~0ul << 12), SIZE, 0, SIGNATURE), EFAULT);
    CHECK_ERRNO(rseq_call((void *)4096, SIZE, 0, SIGNATURE), EFAULT);
}

int main(void)
{
    promise("rseq registers and unregisters", registering);
    promise("rseq says what is wrong", bad_arguments);
    return check_end();
}
