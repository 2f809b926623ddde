/* man 2 futex */
#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>

static uint32_t word, other;

static void *waiter(void *result)
{
    *(long *)result = CALL(futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL) ? -errno : 0;
    return NULL;
}

static void wakes(void)
{
    pthread_t thread;
    long result = 99;

    NEED(pthread_create(&thread, NULL, waiter, &result) == 0);
    while (CALL(futex, &word, FUTEX_WAKE_PRIVATE, 1) == 0)
        sleep_ms(1);
    pthread_join(thread, NULL);
    CHECK_EQ(result, 0);
    CHECK_EQ(CALL(futex, &word, FUTEX_WAKE_PRIVATE, 1), 0); /* nobody is left */
}

static void requeues(void)
{
    pthread_t thread;
    long result = 99;

    NEED(pthread_create(&thread, NULL, waiter, &result) == 0);
    while (CALL(futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 0, 1, &other, 0) == 0)
        sleep_ms(1);
    CHECK_EQ(CALL(futex, &word, FUTEX_WAKE_PRIVATE, 1), 0);
    CHECK_EQ(CALL(futex, &other, FUTEX_WAKE_PRIVATE, 1), 1);
    pthread_join(thread, NULL);
    CHECK_EQ(result, 0);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 0, 1, &other, 7), EAGAIN);
}

static void errors(void)
{
    struct timespec soon = {0, 1000000}, wrong = {0, 1000000000}, past = {1, 0};

    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAIT_PRIVATE, 1, NULL), EAGAIN);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAIT_PRIVATE, 0, &soon), ETIMEDOUT);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAIT_PRIVATE, 0, &wrong), EINVAL);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAIT_PRIVATE, 0, BAD), EFAULT);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, &past, 0, 1), ETIMEDOUT);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, 0, 0), EINVAL);
    CHECK_ERRNO(CALL(futex, &word, FUTEX_WAKE_BITSET_PRIVATE, 1, NULL, 0, 0), EINVAL);
    CHECK_ERRNO(CALL(futex, (char *)&word + 1, FUTEX_WAIT_PRIVATE, 0, NULL), EINVAL);
    CHECK_ERRNO(CALL(futex, BAD, FUTEX_WAIT_PRIVATE, 0, NULL), EFAULT);
    CHECK_ERRNO(CALL(futex, &word, 99, 0, NULL), ENOSYS);
    CHECK_EQ(CALL(futex, &word, FUTEX_WAKE_OP_PRIVATE, 1, 1, &other,
                  FUTEX_OP(FUTEX_OP_SET, 5, FUTEX_OP_CMP_EQ, 0)),
             0);
    CHECK_EQ(other, 5);
}

int main(void)
{
    promise("futex wakes", wakes);
    promise("futex requeues", requeues);
    promise("futex: errors", errors);
    return check_end();
}
