/* man 2 shmdt */
#include "../own_ipc.h"
#include "abi.h"
#include <sys/shm.h>

static void results(void)
{
    int id = shmget(IPC_PRIVATE, 8192, 0600);
    char *at = shmat(id, NULL, 0);
    struct shmid_ds ds;

    NEED(id >= 0 && at != (void *)-1);
    CHECK_ERRNO(CALL(shmdt, at + 4096), EINVAL);
    CHECK_ERRNO(CALL(shmdt, at + 1), EINVAL);
    CHECK_EQ(CALL(shmdt, at), 0);
    CHECK(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_nattch == 0);
    CHECK_ERRNO(CALL(shmdt, at), EINVAL);
    CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
}

/* The rest of an attachment goes by the address at which it began. */
static void pieces(void)
{
    int id = shmget(IPC_PRIVATE, 3 * 4096, 0600);
    char *at = shmat(id, NULL, 0);
    struct shmid_ds ds;

    NEED(id >= 0 && at != (void *)-1);
    CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
    CHECK_EQ(munmap(at, 4096), 0);
    CHECK_EQ(CALL(shmdt, at), 0);
    CHECK_ERRNO(shmctl(id, IPC_STAT, &ds), EINVAL);
}

static long attached(int id)
{
    struct shmid_ds ds;
    return shmctl(id, IPC_STAT, &ds) == 0 ? (long)ds.shm_nattch : -1;
}

/* Each piece counts, and goes on counting when it is like its neighbours again. */
static void counts(void)
{
    enum { PAGE = 4096 };
    int id = shmget(IPC_PRIVATE, 6 * PAGE, 0600);
    char *at = shmat(id, NULL, 0);

    NEED(id >= 0 && at != (void *)-1);
    CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
    CHECK_EQ(attached(id), 1);
    CHECK_EQ(mprotect(at, 2 * PAGE, PROT_READ), 0);
    CHECK_EQ(attached(id), 2);
    CHECK_EQ(mprotect(at + 2 * PAGE, PAGE, PROT_READ), 0);              /* the border moves up */
    CHECK_EQ(mprotect(at + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE), 0); /* and down */
    CHECK_EQ(attached(id), 2);
    CHECK_EQ(mprotect(at, 2 * PAGE, PROT_READ | PROT_WRITE), 0);
    CHECK_EQ(attached(id), 2);
    CHECK_EQ(mprotect(at + 3 * PAGE, PAGE, PROT_READ), 0);
    CHECK_EQ(attached(id), 4);
    CHECK_EQ(mprotect(at + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
    CHECK_EQ(attached(id), 4);
    CHECK_EQ(madvise(at + 4 * PAGE, PAGE, MADV_RANDOM), 0);
    CHECK_EQ(madvise(at + 4 * PAGE, PAGE, MADV_NORMAL), 0);
    CHECK_EQ(attached(id), 5);
    CHECK_EQ(CALL(shmdt, at), 0);
    CHECK_EQ(attached(id), -1);
}

/* Where the segment's bytes end counts, not where its last page does. */
static void at_the_end(void)
{
    int id = shmget(IPC_PRIVATE, 1, 0600);

    NEED(id >= 0);
    CHECK_ERRNO(CALL(shmat, id, -4096, 0), ENOMEM);
    CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
}

int main(void)
{
    own_ipc();
    promise_apart("shmdt: results and errors", results);
    promise_apart("shmdt: pieces", pieces);
    promise("shmdt: pieces are counted", counts);
    promise("shmat: the last page of all", at_the_end);
    return check_end();
}
