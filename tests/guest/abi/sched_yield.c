/* man 2 sched_yield: two threads on one CPU alternate by yielding. */
// cpus: 1
#include "check.h"
#include <pthread.h>
#include <sched.h>

static atomic_int turns[2];
static atomic_bool stop;

static void *yield(void *arg)
{
    while (!atomic_load(&stop)) {
        atomic_fetch_add(&turns[(long)arg], 1);
        sched_yield();
    }
    return NULL;
}

static void alternate(void)
{
    pthread_t threads[2];

    for (long i = 0; i < 2; i++)
        NEED(pthread_create(&threads[i], NULL, yield, (void *)i) == 0);
    while (atomic_load(&turns[0]) <= 10 || atomic_load(&turns[1]) <= 10)
        sleep_ms(10);
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    promise("sched_yield lets the other run", alternate);
    return check_end();
}
