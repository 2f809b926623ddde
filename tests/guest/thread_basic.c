// cpus: 1 4
// libc: glibc musl
/* Threads: creation, end, thread-local storage, synchronisation through pthreads. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/syscall.h>

static _Thread_local int tls_value = 41;
static _Thread_local char tls_large[5000];

static void *add_one(void *arg)
{
    tls_value++;
    tls_large[4999] = 1;
    return (char *)arg + tls_value;
}

static void create_join_1000(void)
{
    for (long i = 0; i < 1000; i++) {
        pthread_t thread;
        void *result;

        NEED(pthread_create(&thread, NULL, add_one, (void *)i) == 0);
        NEED(pthread_join(thread, &result) == 0);
        NEED((long)result == i + 42);
    }
    CHECK_EQ(tls_value, 41);
}

static pthread_barrier_t all_here;

static void *wait_for_all(void *arg)
{
    pthread_barrier_wait(&all_here);
    return arg;
}

static unsigned threads_of_loadavg(void)
{
    FILE *f = fopen("/proc/loadavg", "r");
    unsigned n = 0;

    if (!f || fscanf(f, "%*f %*f %*f %*u/%u", &n) != 1)
        n = 0;
    if (f)
        fclose(f);
    return n;
}

static void alive_at_once(void)
{
    enum { N = 300 };
    pthread_t threads[N];
    pthread_attr_t attr;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 64 * 1024);
    pthread_barrier_init(&all_here, NULL, N + 1);
    for (long i = 0; i < N; i++)
        NEED(pthread_create(&threads[i], &attr, wait_for_all, (void *)i) == 0);
    CHECK(threads_of_loadavg() > N);
    pthread_barrier_wait(&all_here);
    for (long i = 0; i < N; i++) {
        void *result;

        CHECK_EQ(pthread_join(threads[i], &result), 0);
        CHECK_EQ((long)result, i);
    }
    pthread_barrier_destroy(&all_here);
    pthread_attr_destroy(&attr);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long counter;

static void *count_up(void *arg)
{
    for (int i = 0; i < 20000; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    return arg;
}

static void mutual_exclusion(void)
{
    pthread_t threads[8];

    counter = 0;
    for (int i = 0; i < 8; i++)
        NEED(pthread_create(&threads[i], NULL, count_up, NULL) == 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(counter, 160000);
}

static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static int turn;

static void *ping_pong(void *arg)
{
    int me = (int)(long)arg;

    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&mutex);
        while (turn != me)
            pthread_cond_wait(&turned, &mutex);
        turn = !me;
        pthread_cond_signal(&turned);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void condition_ping_pong(void)
{
    pthread_t one, two;

    turn = 0;
    NEED(pthread_create(&one, NULL, ping_pong, (void *)0L) == 0);
    NEED(pthread_create(&two, NULL, ping_pong, (void *)1L) == 0);
    pthread_join(one, NULL);
    pthread_join(two, NULL);
    CHECK_EQ(turn, 0);
}

static void condition_times_out(void)
{
    struct timespec until;
    int64_t start = now_ns();

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 30 * MS;
    if (until.tv_nsec >= 1000 * MS) {
        until.tv_nsec -= 1000 * MS;
        until.tv_sec++;
    }
    pthread_mutex_lock(&mutex);
    CHECK_EQ(pthread_cond_timedwait(&turned, &mutex, &until), ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
    CHECK(now_ns() - start >= 29 * MS);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static int pair[2];

static void *read_pairs(void *arg)
{
    long torn = 0;

    for (int i = 0; i < 3000; i++) {
        pthread_rwlock_rdlock(&rwlock);
        torn += pair[0] != pair[1];
        pthread_rwlock_unlock(&rwlock);
    }
    return (char *)arg + torn;
}

static void *write_pairs(void *arg)
{
    for (int i = 0; i < 3000; i++) {
        pthread_rwlock_wrlock(&rwlock);
        pair[0]++;
        pair[1]++;
        pthread_rwlock_unlock(&rwlock);
    }
    return arg;
}

static void readers_and_writers(void)
{
    pthread_t threads[6];
    void *torn;

    for (int i = 0; i < 6; i++)
        NEED(pthread_create(&threads[i], NULL, i < 2 ? write_pairs : read_pairs, NULL) == 0);
    for (int i = 0; i < 6; i++) {
        pthread_join(threads[i], &torn);
        CHECK(torn == NULL);
    }
    CHECK_EQ(pair[0], 6000);
}

static sem_t semaphore;
static atomic_int posted;

static void *poster(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        atomic_fetch_add(&posted, 1);
        sem_post(&semaphore);
    }
    return arg;
}

static void semaphores(void)
{
    pthread_t threads[3];

    sem_init(&semaphore, 0, 0);
    for (int i = 0; i < 3; i++)
        NEED(pthread_create(&threads[i], NULL, poster, NULL) == 0);
    for (int i = 0; i < 3000; i++)
        CHECK_EQ(sem_wait(&semaphore), 0);
    CHECK_EQ(atomic_load(&posted), 3000);
    CHECK_ERRNO(sem_trywait(&semaphore), EAGAIN);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

static void robust_and_recursive(void)
{
    pthread_mutexattr_t attr;
    pthread_mutex_t recursive;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&recursive, &attr);
    CHECK_EQ(pthread_mutex_lock(&recursive), 0);
    CHECK_EQ(pthread_mutex_lock(&recursive), 0);
    CHECK_EQ(pthread_mutex_unlock(&recursive), 0);
    CHECK_EQ(pthread_mutex_unlock(&recursive), 0);
    CHECK_EQ(pthread_mutex_unlock(&recursive), EPERM);
}

static pthread_mutex_t robust;

static void *die_with_lock(void *arg)
{
    pthread_mutex_lock(&robust);
    return arg;
}

static void owner_died(void)
{
    pthread_mutexattr_t attr;
    pthread_t thread;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&robust, &attr);
    NEED(pthread_create(&thread, NULL, die_with_lock, NULL) == 0);
    pthread_join(thread, NULL);
    CHECK_EQ(pthread_mutex_lock(&robust), EOWNERDEAD);
    CHECK_EQ(pthread_mutex_consistent(&robust), 0);
    CHECK_EQ(pthread_mutex_unlock(&robust), 0);
}

static void *get_tid(void *arg)
{
    *(long *)arg = syscall(SYS_gettid);
    CHECK_EQ(getpid(), syscall(SYS_getpid));
    return NULL;
}

static void ids(void)
{
    long tids[10];
    pthread_t threads[10];

    CHECK_EQ(syscall(SYS_gettid), getpid());
    for (int i = 0; i < 10; i++)
        NEED(pthread_create(&threads[i], NULL, get_tid, &tids[i]) == 0);
    for (int i = 0; i < 10; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 10; i++) {
        CHECK(tids[i] > 0 && tids[i] != getpid());
        for (int j = 0; j < i; j++)
            CHECK(tids[i] != tids[j]);
    }
}

static void *sleep_long(void *arg)
{
    int old;

    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    sleep(100);
    return arg;
}

static void cancellation(void)
{
    pthread_t thread;
    void *result;

    NEED(pthread_create(&thread, NULL, sleep_long, NULL) == 0);
    sleep_ms(5);
    CHECK_EQ(pthread_cancel(thread), 0);
    CHECK_EQ(pthread_join(thread, &result), 0);
    CHECK(result == PTHREAD_CANCELED);
}

static pthread_key_t key;
static atomic_int destroyed;

static void destroy_value(void *value)
{
    atomic_fetch_add(&destroyed, (int)(long)value);
}

static void *set_value(void *arg)
{
    pthread_setspecific(key, arg);
    return NULL;
}

static void specific_data(void)
{
    pthread_t threads[5];

    NEED(pthread_key_create(&key, destroy_value) == 0);
    for (long i = 0; i < 5; i++)
        NEED(pthread_create(&threads[i], NULL, set_value, (void *)(i + 1)) == 0);
    for (int i = 0; i < 5; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(atomic_load(&destroyed), 15);
}

static atomic_int detached_done;

static void *finish_detached(void *arg)
{
    atomic_fetch_add(&detached_done, 1);
    return arg;
}

static void detached(void)
{
    pthread_attr_t attr;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < 100; i++) {
        pthread_t thread;

        NEED(pthread_create(&thread, &attr, finish_detached, NULL) == 0);
    }
    for (int i = 0; i < 30000 && atomic_load(&detached_done) < 100; i++)
        sleep_ms(1);
    CHECK_EQ(atomic_load(&detached_done), 100);
}

int main(void)
{
    promise("1000 threads one after another, each with its own TLS", create_join_1000);
    promise("300 threads at once meet at a barrier", alive_at_once);
    promise("a mutex excludes", mutual_exclusion);
    promise("two threads hand a turn to each other by a condition", condition_ping_pong);
    promise("a timed wait on a condition ends in time", condition_times_out);
    promise("a read-write lock keeps pairs whole", readers_and_writers);
    promise("semaphores count", semaphores);
    promise("a recursive mutex counts", robust_and_recursive);
    promise("a robust mutex tells that its owner died", owner_died);
    promise("thread ids differ, the process id is shared", ids);
    promise("a sleeping thread can be cancelled", cancellation);
    promise("thread-specific data is destroyed at the end", specific_data);
    promise("100 detached threads end", detached);
    return check_end();
}
