/* man 2 semctl */
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

int main(void)
{
    promise("semctl: results and errors", results);
    return check_end();
}
