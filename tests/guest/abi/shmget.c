/* man 2 shmget */
#include "../own_ipc.h"
#include "abi.h"
#include <sys/shm.h>

static void results(void)
{
    key_t key = 0x05b1e7 + getpid();
    int id = CALL(shmget, key, 5000, IPC_CREAT | IPC_EXCL | 0600), private;
    struct shmid_ds ds;

    NEED(id >= 0);
    CHECK_ERRNO(CALL(shmget, key, 5000, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
    CHECK_EQ(CALL(shmget, key, 0, 0), id);
    CHECK_ERRNO(CALL(shmget, key, 5001, 0), EINVAL); /* it is not that large */
    CHECK(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_segsz == 5000 &&
          (ds.shm_perm.mode & 0777) == 0600);
    CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
    CHECK_ERRNO(CALL(shmget, key, 0, 0), ENOENT);
    CHECK_ERRNO(CALL(shmget, IPC_PRIVATE, 0, IPC_CREAT), EINVAL);
    CHECK((private = CALL(shmget, IPC_PRIVATE, 1, 0600)) >= 0 && private != id);
    CHECK_EQ(shmctl(private, IPC_RMID, NULL), 0);
}

int main(void)
{
    own_ipc();
    promise("shmget: results and errors", results);
    return check_end();
}
