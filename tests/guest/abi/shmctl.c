/* man 2 shmctl */
#include "../own_ipc.h"
#include "abi.h"
#include <sys/shm.h>

static void results(void)
{
    int id = shmget(IPC_PRIVATE, 4096, 0600);
    struct shmid_ds ds;
    struct shminfo info;
    struct shm_info used;

    NEED(id >= 0 && CALL(shmctl, id, IPC_STAT, &ds) == 0);
    ds.shm_perm.mode = 0640;
    ds.shm_perm.uid = 5;
    CHECK_EQ(CALL(shmctl, id, IPC_SET, &ds), 0);
    CHECK(CALL(shmctl, id, IPC_STAT, &ds) == 0 && (ds.shm_perm.mode & 0777) == 0640);
    CHECK_EQ(ds.shm_perm.uid, 5);
    CHECK(CALL(shmctl, 0, IPC_INFO, &info) >= 0 && info.shmmin == 1);
    CHECK(CALL(shmctl, 0, SHM_INFO, &used) >= 0 && used.used_ids >= 1);
    CHECK_EQ(CALL(shmctl, id, SHM_LOCK, NULL), 0);
    CHECK_EQ(CALL(shmctl, id, SHM_UNLOCK, NULL), 0);
    CHECK_ERRNO(CALL(shmctl, id, IPC_STAT, BAD), EFAULT);
    CHECK_ERRNO(CALL(shmctl, id, 99, &ds), EINVAL);
    CHECK_EQ(CALL(shmctl, id, IPC_RMID, NULL), 0);
    CHECK_ERRNO(CALL(shmctl, id, IPC_STAT, &ds), EINVAL);
    CHECK_ERRNO(CALL(shmctl, id, IPC_RMID, NULL), EINVAL);
}

static void permission(void)
{
    int id = shmget(IPC_PRIVATE, 4096, 0600);
    struct shmid_ds ds;
    pid_t pid = start();

    if (pid == 0) {
        become_nobody();
        CHECK_ERRNO(CALL(shmctl, id, IPC_STAT, &ds), EACCES);
        CHECK_ERRNO(CALL(shmctl, id, IPC_RMID, NULL), EPERM);
        fflush(stdout);
        _exit(check_failed_here != 0);
    }
    CHECK_EQ(end_of(pid), 0);
    shmctl(id, IPC_RMID, NULL);
}

int main(void)
{
    own_ipc();
    promise("shmctl: results and errors", results);
    promise("shmctl: permissions", permission);
    return check_end();
}
