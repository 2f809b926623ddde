/* man 2 semget */
#include "../own_ipc.h"
#include "abi.h"
#include <sys/sem.h>

static void results(void)
{
    key_t key = 0x5e3a00 + getpid();
    int id = CALL(semget, key, 3, IPC_CREAT | IPC_EXCL | 0600);

    NEED(id >= 0);
    CHECK_ERRNO(CALL(semget, key, 3, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
    CHECK_EQ(CALL(semget, key, 0, 0), id);
    CHECK_EQ(CALL(semget, key, 2, 0), id);
    CHECK_ERRNO(CALL(semget, key, 4, 0), EINVAL);
    CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
    CHECK_ERRNO(CALL(semget, key, 3, 0), ENOENT);
    CHECK_ERRNO(CALL(semget, IPC_PRIVATE, 0, 0600), EINVAL);
    CHECK_ERRNO(CALL(semget, IPC_PRIVATE, -1, 0600), EINVAL);
    CHECK_ERRNO(CALL(semget, IPC_PRIVATE, 1 << 20, 0600), EINVAL);
}

int main(void)
{
    own_ipc();
    promise("semget: results and errors", results);
    return check_end();
}
