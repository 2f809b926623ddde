/* man 2 semctl */
#include "../own_ipc.h"
#include "abi.h"
#include <sys/sem.h>

static void results(void)
{
    int id = semget(IPC_PRIVATE, 3, 0600);
    unsigned short values[3] = {5, 6, 7}, got[3];
    struct semid_ds ds;
    struct sembuf op = {1, 1, 0};

    NEED(id >= 0);
    CHECK_EQ(CALL(semctl, id, 0, SETALL, values), 0);
    CHECK_EQ(CALL(semctl, id, 1, SETVAL, 9), 0);
    CHECK(CALL(semctl, id, 0, GETALL, got) == 0 && got[0] == 5 && got[1] == 9 && got[2] == 7);
    CHECK_EQ(CALL(semctl, id, 2, GETVAL), 7);
    NEED(semop(id, &op, 1) == 0);
    CHECK_EQ(CALL(semctl, id, 1, GETPID), getpid());
    CHECK(CALL(semctl, id, 0, GETNCNT) == 0 && CALL(semctl, id, 0, GETZCNT) == 0);
    CHECK(CALL(semctl, id, 0, IPC_STAT, &ds) == 0 && ds.sem_nsems == 3);
    CHECK_ERRNO(CALL(semctl, id, 3, GETVAL), EINVAL);
    CHECK_ERRNO(CALL(semctl, id, 0, SETVAL, 32768), ERANGE);
    CHECK_ERRNO(CALL(semctl, id, 0, SETVAL, -1), ERANGE);
    CHECK_ERRNO(CALL(semctl, id, 0, 99), EINVAL);
    CHECK_ERRNO(CALL(semctl, id, 0, GETALL, BAD), EFAULT);
    CHECK_EQ(CALL(semctl, id, 0, IPC_RMID), 0);
    CHECK_ERRNO(CALL(semctl, id, 0, GETVAL), EINVAL);
}

static void errors_of_others(void)
{
    if (geteuid() != 0)
        SKIP("not root");
    int id = semget(IPC_PRIVATE, 3, 0600);
    NEED(id >= 0);
    pid_t pid = start();
    if (pid == 0) { /* how a number is looked at before the right to it */
        become_nobody();
        CHECK_ERRNO(CALL(semctl, id, 3, SETVAL, 1), EINVAL);
        CHECK_ERRNO(CALL(semctl, id, 2, SETVAL, 1), EACCES);
        CHECK_ERRNO(CALL(semctl, id, 3, GETVAL), EACCES);
        CHECK_ERRNO(CALL(semctl, id, 3, SETVAL, -1), ERANGE);
        fflush(stdout);
        _exit(atomic_load(&check_failed_here) ? 1 : 0);
    }
    CHECK_EQ(end_of(pid), 0);
    CHECK_EQ(CALL(semctl, id, 0, IPC_RMID), 0);
}

/* The end of a process that asked for undoing is an operation, even if it was refused. */
static void undo_of_nothing(void)
{
    int id = semget(IPC_PRIVATE, 1, 0600);
    struct sembuf beyond = {7, 1, SEM_UNDO};
    struct semid_ds ds;

    NEED(id >= 0);
    pid_t pid = start();
    if (pid == 0)
        _exit(semop(id, &beyond, 1) == -1 && errno == EFBIG ? 0 : 1);
    CHECK_EQ(end_of(pid), 0);
    CHECK(semctl(id, 0, IPC_STAT, &ds) == 0 && ds.sem_otime != 0);
    CHECK_EQ(CALL(semctl, id, 0, IPC_RMID), 0);
}

int main(void)
{
    own_ipc();
    promise("semctl: results and errors", results);
    promise("semctl: SETVAL by others", errors_of_others);
    promise("semctl: undo of nothing", undo_of_nothing);
    return check_end();
}
