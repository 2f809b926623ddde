/* man 2 msgsnd */
#include "../own_ipc.h"
#include "abi.h"
#include <sys/msg.h>

static void results(void)
{
    struct {
        long type;
        char text[9000];
    } message = {.type = 1};
    int id = msgget(IPC_PRIVATE, 0600);

    NEED(id >= 0);
    CHECK_EQ(CALL(msgsnd, id, &message, 10, 0), 0);
    CHECK_EQ(CALL(msgsnd, id, &message, 0, 0), 0);
    CHECK_ERRNO(CALL(msgsnd, id, &message, 8193, 0), EINVAL); /* msgmax */
    CHECK_ERRNO(CALL(msgsnd, id, &message, -1, 0), EINVAL);
    while (CALL(msgsnd, id, &message, 8000, IPC_NOWAIT) == 0)
        ;
    CHECK_EQ(errno, EAGAIN);
    message.type = 0;
    CHECK_ERRNO(CALL(msgsnd, id, &message, 1, 0), EINVAL);
    CHECK_ERRNO(CALL(msgsnd, id, BAD, 1, 0), EFAULT);
    CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
    message.type = 1;
    CHECK_ERRNO(CALL(msgsnd, id, &message, 1, 0), EINVAL);
}

int main(void)
{
    own_ipc();
    promise("msgsnd: results and errors", results);
    return check_end();
}
