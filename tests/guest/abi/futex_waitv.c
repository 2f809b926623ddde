/* man 2 futex_waitv (Linux 5.16) */
#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>

static uint32_t words[3];

static void *waker(void *arg)
{
    (void)arg;
    while (CALL(futex, &words[2], FUTEX_WAKE_PRIVATE, 1) == 0)
        sleep_ms(1);
    return NULL;
}

static void results(void)
{
    struct futex_waitv waits[3] = {};
    struct timespec past = {1, 0};
    pthread_t thread;

    for (int i = 0; i < 3; i++)
        waits[i] = (struct futex_waitv){.uaddr = (uintptr_t)&words[i],
                                        .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG};
    NEED(pthread_create(&thread, NULL, waker, NULL) == 0);
    CHECK_EQ(CALL(futex_waitv, waits, 3, 0, NULL, 0), 2); /* which one */
    pthread_join(thread, NULL);
    CHECK_ERRNO(CALL(futex_waitv, waits, 3, 0, &past, CLOCK_MONOTONIC), ETIMEDOUT);
    waits[1].val = 5;
    CHECK_ERRNO(CALL(futex_waitv, waits, 3, 0, NULL, 0), EAGAIN);
    CHECK_ERRNO(CALL(futex_waitv, waits, 0, 0, NULL, 0), EINVAL);
    CHECK_ERRNO(CALL(futex_waitv, waits, 129, 0, NULL, 0), EINVAL);
    CHECK_ERRNO(CALL(futex_waitv, waits, 3, 1, NULL, 0), EINVAL);
    waits[2].flags = 0; /* all are looked at before a word is */
    CHECK_ERRNO(CALL(futex_waitv, waits, 3, 0, NULL, 0), EINVAL);
    waits[2].flags = waits[0].flags;
    waits[2].uaddr++;
    CHECK_ERRNO(CALL(futex_waitv, waits, 3, 0, NULL, 0), EINVAL);
    waits[2].uaddr--;
    CHECK_ERRNO(CALL(futex_waitv, BAD, 1, 0, NULL, 0), EFAULT);
    CHECK_ERRNO(CALL(futex_waitv, waits, 1, 0, &past, CLOCK_BOOTTIME), EINVAL);
    waits[0].__reserved = 1;
    CHECK_ERRNO(CALL(futex_waitv, waits, 1, 0, NULL, 0), EINVAL);
}

int main(void)
{
    promise("futex_waitv: results and errors", results);
    return check_end();
}
