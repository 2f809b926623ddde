/* man 2 shmat */
#include "../own_ipc.h"
#include "abi.h"
#include <sys/shm.h>

static void results(void)
{
    int id = shmget(IPC_PRIVATE, 4096, 0600);
    char *a = (void *)CALL(shmat, id, NULL, 0), *b = (void *)CALL(shmat, id, NULL, SHM_RDONLY);
    struct shmid_ds ds;

    NEED(id >= 0 && a != (void *)-1 && b != (void *)-1 && a != b);
    strcpy(a, "shared");
    CHECK_EQ(strcmp(b, "shared"), 0);
    CHECK(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_nattch == 2 && ds.shm_lpid == getpid());
    CHECK_ERRNO(read(open("/dev/zero", O_RDONLY), b, 1), EFAULT); /* for reading only */
    char *c = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_ERRNO(CALL(shmat, id, c, 0), EINVAL); /* taken */
    CHECK_ERRNO(CALL(shmat, id, c + 1, 0), EINVAL);
    CHECK_EQ(CALL(shmat, id, c + 1, SHM_RND | SHM_REMAP), (long)c);
    CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
    CHECK_EQ(strcmp(c, "shared"), 0);
    CHECK_ERRNO(CALL(shmat, 0x7ffffff, NULL, 0), EINVAL);
    CHECK_ERRNO(CALL(shmat, -1, NULL, 0), EINVAL);
}

int main(void)
{
    own_ipc();
    promise_apart("shmat: results and errors", results);
    return check_end();
}
