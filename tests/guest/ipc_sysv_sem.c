// System V semaphores: values, atomic groups of operations, waits (man 2 semget, semop, semctl).
#include "check.h"
#include "own_ipc.h"

#include <pthread.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/sem.h>

union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
    struct seminfo *info;
};

static int fresh(int n)
{
    int id = semget(IPC_PRIVATE, n, 0600);
    CHECK(id >= 0);
    return id;
}

static int op(int id, int number, int change, int flags)
{
    struct sembuf buf = {(unsigned short)number, (short)change, (short)flags};
    return semop(id, &buf, 1);
}

static int value(int id, int number)
{
    return semctl(id, number, GETVAL);
}

static void gone(int id)
{
    CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
}

static void getting(void)
{
    key_t key = 0x05a00000 + getpid();
    CHECK_ERRNO(semget(key, 1, 0), ENOENT);
    CHECK_ERRNO(semget(IPC_PRIVATE, 0, 0600), EINVAL);
    CHECK_ERRNO(semget(IPC_PRIVATE, -1, 0600), EINVAL);
    CHECK_ERRNO(semget(IPC_PRIVATE, 1 << 20, 0600), EINVAL);
    int id = semget(key, 3, IPC_CREAT | IPC_EXCL | 0620);
    NEED(id >= 0);
    CHECK_EQ(semget(key, 0, 0), id);
    CHECK_EQ(semget(key, 3, IPC_CREAT | 0600), id);
    CHECK_ERRNO(semget(key, 4, 0), EINVAL);
    CHECK_ERRNO(semget(key, 3, IPC_CREAT | IPC_EXCL), EEXIST);
    struct semid_ds ds;
    CHECK_EQ(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}), 0);
    CHECK_EQ(ds.sem_nsems, 3);
    CHECK_EQ(ds.sem_perm.mode, 0620);
    CHECK_EQ(ds.sem_otime, 0);
    CHECK(ds.sem_ctime > 0);
    gone(id);
    CHECK_ERRNO(semctl(id, 0, IPC_RMID), EINVAL);
    CHECK_ERRNO(op(id, 0, 1, 0), EINVAL);
}

static void values(void)
{
    int id = fresh(4);
    unsigned short all[4] = {1, 2, 3, 32767};
    CHECK_EQ(semctl(id, 0, SETALL, (union semun){.array = all}), 0);
    memset(all, 0, sizeof(all));
    CHECK_EQ(semctl(id, 0, GETALL, (union semun){.array = all}), 0);
    CHECK(all[0] == 1 && all[1] == 2 && all[2] == 3 && all[3] == 32767);
    all[1] = 32768;
    CHECK_ERRNO(semctl(id, 0, SETALL, (union semun){.array = all}), ERANGE);
    CHECK_EQ(value(id, 1), 2);
    CHECK_EQ(semctl(id, 1, SETVAL, (union semun){.val = 9}), 0);
    CHECK_EQ(value(id, 1), 9);
    CHECK_EQ(semctl(id, 1, GETPID), getpid());
    CHECK_ERRNO(semctl(id, 1, SETVAL, (union semun){.val = -1}), ERANGE);
    CHECK_ERRNO(semctl(id, 4, SETVAL, (union semun){.val = 1}), EINVAL);
    CHECK_ERRNO(semctl(id, 4, GETVAL), EINVAL);
    CHECK_ERRNO(op(id, 3, 1, 0), ERANGE);
    CHECK_ERRNO(op(id, 4, 1, 0), EFBIG);
    CHECK_ERRNO(semctl(id, 0, 77), EINVAL);
    CHECK_ERRNO(semctl(id, 0, GETALL, (union semun){.array = (void *)8}), EFAULT);
    gone(id);
}

static void groups(void)
{
    int id = fresh(2);
    struct sembuf both[2] = {{0, 5, 0}, {1, -1, IPC_NOWAIT}};
    CHECK_ERRNO(semop(id, both, 2), EAGAIN);
    CHECK_EQ(value(id, 0), 0); /* all or none */
    CHECK_EQ(op(id, 1, 1, 0), 0);
    CHECK_EQ(semop(id, both, 2), 0);
    CHECK_EQ(value(id, 0), 5);
    CHECK_EQ(value(id, 1), 0);
    struct sembuf same[3] = {{0, -5, 0}, {0, 0, IPC_NOWAIT}, {0, 7, 0}}; /* one after the other */
    CHECK_EQ(semop(id, same, 3), 0);
    CHECK_EQ(value(id, 0), 7);
    CHECK_ERRNO(op(id, 0, 0, IPC_NOWAIT), EAGAIN);
    CHECK_EQ(op(id, 1, 0, IPC_NOWAIT), 0);
    CHECK_ERRNO(semop(id, both, 0), EINVAL);
    CHECK_ERRNO(semop(id, both, 100000), E2BIG);
    CHECK_ERRNO(semop(id, (void *)8, 1), EFAULT);
    gone(id);
}

static int shared;

struct call {
    struct sembuf ops[3];
    int n, result, error;
};

static void *run_call(void *arg)
{
    struct call *call = arg;
    call->result = semop(shared, call->ops, (size_t)call->n);
    call->error = errno;
    return NULL;
}

static void wait_count(int number, int cmd, int want)
{
    for (int i = 0; i < 30000 && semctl(shared, number, cmd) != want; i++)
        sleep_ms(1);
    CHECK_EQ(semctl(shared, number, cmd), want);
}

static void waiting(void)
{
    pthread_t threads[3];
    struct call calls[3] = {
        {{{0, -2, 0}}, 1, -9, 0}, {{{0, -1, 0}, {1, 1, 0}}, 2, -9, 0}, {{{2, 0, 0}}, 1, -9, 0}};
    shared = fresh(3);
    CHECK_EQ(semctl(shared, 2, SETVAL, (union semun){.val = 2}), 0);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, run_call, &calls[i]);
    wait_count(0, GETNCNT, 2);
    wait_count(2, GETZCNT, 1);
    CHECK_EQ(semctl(shared, 2, GETNCNT), 0);
    CHECK_EQ(op(shared, 0, 1, 0), 0); /* enough for the second only */
    pthread_join(threads[1], NULL);
    CHECK_EQ(calls[1].result, 0);
    CHECK_EQ(value(shared, 1), 1);
    CHECK_EQ(semctl(shared, 0, GETNCNT), 1);
    CHECK_EQ(op(shared, 0, 3, 0), 0);
    pthread_join(threads[0], NULL);
    CHECK_EQ(calls[0].result, 0);
    CHECK_EQ(value(shared, 0), 1);
    CHECK_EQ(op(shared, 2, -1, 0), 0);
    CHECK_EQ(semctl(shared, 2, GETZCNT), 1);
    CHECK_EQ(op(shared, 2, -1, 0), 0);
    pthread_join(threads[2], NULL);
    CHECK_EQ(calls[2].result, 0);
    gone(shared);
}

static void removal(void)
{
    pthread_t thread;
    struct call call = {{{0, -1, 0}}, 1, -9, 0};
    shared = fresh(1);
    pthread_create(&thread, NULL, run_call, &call);
    wait_count(0, GETNCNT, 1);
    gone(shared);
    pthread_join(thread, NULL);
    CHECK_EQ(call.result, -1);
    CHECK_EQ(call.error, EIDRM);
}

static void nothing(int signo __attribute__((unused)))
{
}

static void signals(void)
{
    pthread_t thread;
    struct call call = {{{0, -1, 0}}, 1, -9, 0};
    struct sigaction action = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    shared = fresh(1);
    pthread_create(&thread, NULL, run_call, &call);
    wait_count(0, GETNCNT, 1);
    pthread_kill(thread, SIGUSR1);
    pthread_join(thread, NULL);
    CHECK_EQ(call.result, -1);
    CHECK_EQ(call.error, EINTR);
    CHECK_EQ(semctl(shared, 0, GETNCNT), 0);
    gone(shared);
}

static void timeouts(void)
{
    int id = fresh(1);
    struct sembuf down = {0, -1, 0};
    struct timespec ts = {0, 30 * MS}, bad = {0, 1000000000};
    int64_t start = now_ns();
    CHECK_ERRNO(semtimedop(id, &down, 1, &ts), EAGAIN);
    CHECK(now_ns() - start >= 30 * MS);
    CHECK_ERRNO(semtimedop(id, &down, 1, &bad), EINVAL);
    CHECK_EQ(op(id, 0, 1, 0), 0);
    CHECK_EQ(semtimedop(id, &down, 1, &ts), 0);
    gone(id);
}

static void undoing(void)
{
    int id = fresh(1);
    CHECK_EQ(op(id, 0, 5, SEM_UNDO), 0);
    CHECK_EQ(op(id, 0, -3, SEM_UNDO), 0);
    CHECK_EQ(value(id, 0), 2);
    CHECK_EQ(semctl(id, 0, SETVAL, (union semun){.val = 1}), 0); /* forgets what is to be undone */
    CHECK_EQ(op(id, 0, 32766, SEM_UNDO), 0);
    CHECK_EQ(op(id, 0, -32767, 0), 0);
    CHECK_ERRNO(op(id, 0, 3, SEM_UNDO), ERANGE); /* the adjustment would not fit */
    CHECK_EQ(value(id, 0), 0);
    gone(id);
}

static void information(void)
{
    int id = fresh(7);
    struct seminfo info;
    struct semid_ds ds;
    bool found = false;
    int last = semctl(0, 0, IPC_INFO, (union semun){.info = &info});
    CHECK(last >= 0);
    CHECK_EQ(info.semvmx, 32767);
    CHECK(info.semmsl > 0 && info.semopm > 0 && info.semmni > 0);
    CHECK_EQ(semctl(0, 0, SEM_INFO, (union semun){.info = &info}), last);
    CHECK(info.semusz >= 1 && info.semaem >= 7);
    for (int i = 0; i <= last; i++)
        found |= semctl(i, 0, SEM_STAT, (union semun){.buf = &ds}) == id && ds.sem_nsems == 7;
    CHECK(found);
    found = false;
    char line[256];
    FILE *file = fopen("/proc/sysvipc/sem", "r");
    NEED(file);
    while (fgets(line, sizeof(line), file)) {
        int key, number, mode, n;
        found |= sscanf(line, "%d %d %d %d", &key, &number, &mode, &n) == 4 && number == id &&
                 mode == 600 && n == 7;
    }
    CHECK(found);
    fclose(file);
    gone(id);
}

static void *ping(void *arg)
{
    for (int i = 0; i < 2000; i++) {
        struct sembuf give[2] = {{0, -1, 0}, {1, 1, 0}}, take = {2, -1, 0};
        if (semop(shared, give, 2) < 0 || semop(shared, &take, 1) < 0)
            return (void *)1;
        *(int *)arg += 1;
        struct sembuf back = {0, 1, 0}, next = {2, 1, 0};
        if (semop(shared, &back, 1) < 0 || semop(shared, &next, 1) < 0)
            return (void *)1;
    }
    return NULL;
}

static void stress(void)
{
    pthread_t threads[4];
    int counter = 0;
    void *failed;
    shared = fresh(3);
    CHECK_EQ(semctl(shared, 0, SETVAL, (union semun){.val = 2}), 0);
    CHECK_EQ(semctl(shared, 2, SETVAL, (union semun){.val = 1}), 0);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, ping, &counter);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &failed);
        CHECK(!failed);
    }
    CHECK_EQ(counter, 8000);
    CHECK_EQ(value(shared, 0), 2);
    CHECK_EQ(value(shared, 1), 8000);
    CHECK_EQ(value(shared, 2), 1);
    gone(shared);
}

int main(void)
{
    own_ipc();
    promise("a key gives one set, made when asked, refused when too small", getting);
    promise("values are set and read, and kept in their range", values);
    promise("operations take effect all or none, in order", groups);
    promise("waits end when their operations are possible, and are counted", waiting);
    promise("removing a set ends its waits with EIDRM", removal);
    promise("a signal ends a wait, whatever SA_RESTART says", signals);
    promise("semtimedop gives up in time", timeouts);
    promise("SEM_UNDO keeps its adjustment in range; SETVAL clears it", undoing);
    promise("IPC_INFO, SEM_INFO, SEM_STAT and /proc/sysvipc/sem tell of it", information);
    promise("four threads exclude each other by it", stress);
    return check_end();
}
