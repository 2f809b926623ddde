/* man 2 semop */
#include "../own_ipc.h"
#include "abi.h"
#include <sys/sem.h>

static void results(void)
{
    int id = semget(IPC_PRIVATE, 2, 0600);
    struct sembuf up = {0, 2, 0}, down = {0, -1, IPC_NOWAIT}, zero = {0, 0, IPC_NOWAIT};
    struct sembuf both[2] = {{0, -1, IPC_NOWAIT}, {1, -1, IPC_NOWAIT}}, beyond = {2, 1, 0};

    NEED(id >= 0);
    CHECK_ERRNO(CALL(semop, id, &down, 1), EAGAIN);
    CHECK_EQ(CALL(semop, id, &zero, 1), 0);
    CHECK_EQ(CALL(semop, id, &up, 1), 0);
    CHECK_ERRNO(CALL(semop, id, &zero, 1), EAGAIN);
    CHECK_ERRNO(CALL(semop, id, both, 2), EAGAIN);
    CHECK_EQ(semctl(id, 0, GETVAL), 2); /* all or nothing */
    CHECK_EQ(CALL(semop, id, &down, 1), 0);
    CHECK_EQ(semctl(id, 0, GETVAL), 1);
    CHECK_ERRNO(CALL(semop, id, &beyond, 1), EFBIG);
    CHECK_ERRNO(CALL(semop, id, &up, 0), EINVAL);
    CHECK_ERRNO(CALL(semop, id, &up, 100000), E2BIG);
    CHECK_ERRNO(CALL(semop, id, BAD, 1), EFAULT);
    up.sem_op = 32767;
    CHECK_ERRNO(CALL(semop, id, &up, 1), ERANGE);
    CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
    CHECK_ERRNO(CALL(semop, id, &down, 1), EINVAL);
}

int main(void)
{
    own_ipc();
    promise("semop: results and errors", results);
    return check_end();
}
