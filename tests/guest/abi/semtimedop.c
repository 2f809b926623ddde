/* man 2 semtimedop */
#include "../own_ipc.h"
#include "abi.h"
#include <sys/sem.h>

static void results(void)
{
    int id = semget(IPC_PRIVATE, 1, 0600);
    struct sembuf down = {0, -1, 0};
    struct timespec soon = {0, 1000000}, wrong = {0, 1000000000};

    NEED(id >= 0);
    CHECK_ERRNO(CALL(semtimedop, id, &down, 1, &soon), EAGAIN);
    CHECK_ERRNO(CALL(semtimedop, id, &down, 1, &wrong), EINVAL);
    CHECK_ERRNO(CALL(semtimedop, id, &down, 1, BAD), EFAULT);
    CHECK_ERRNO(CALL(semtimedop, id, BAD, 1, &wrong), EFAULT);
    CHECK_ERRNO(CALL(semtimedop, id, BAD, 501, &wrong), E2BIG);
    CHECK_ERRNO(CALL(semtimedop, -1, BAD, 501, &wrong), E2BIG);
    pid_t pid = start();
    if (pid == 0) {
        long err = CALL(semtimedop, id, &down, 1, NULL);
        _exit(err == -1 && errno == EIDRM ? 0 : 1);
    }
    CHECK(comes_to(pid, 'S'));
    CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
    CHECK_EQ(end_of(pid), 0);
}

int main(void)
{
    own_ipc();
    promise("semtimedop: results and errors", results);
    return check_end();
}
