/* man 2 msgctl */
#include "../own_ipc.h"
#include "abi.h"
#include <sys/msg.h>

static void results(void)
{
    long message[2] = {1, 0};
    int id = msgget(IPC_PRIVATE, 0600);
    struct msqid_ds ds;
    struct msginfo info;

    NEED(id >= 0 && msgsnd(id, message, 5, 0) == 0);
    CHECK(CALL(msgctl, id, IPC_STAT, &ds) == 0 && ds.msg_qnum == 1 && ds.msg_lspid == getpid());
    ds.msg_qbytes = 1000;
    CHECK_EQ(CALL(msgctl, id, IPC_SET, &ds), 0);
    CHECK(CALL(msgctl, id, IPC_STAT, &ds) == 0 && ds.msg_qbytes == 1000);
    CHECK(CALL(msgctl, 0, IPC_INFO, &info) >= 0 && info.msgmax == 8192);
    CHECK_EQ(info.msgmap, info.msgmnb);
    CHECK(CALL(msgctl, 0, MSG_INFO, &info) >= 0 && info.msgpool >= 1);
    CHECK_ERRNO(CALL(msgctl, id, 99, &ds), EINVAL);
    CHECK_ERRNO(CALL(msgctl, id, IPC_STAT, BAD), EFAULT);
    CHECK_EQ(CALL(msgctl, id, IPC_RMID, NULL), 0);
    CHECK_ERRNO(CALL(msgctl, id, IPC_STAT, &ds), EINVAL);
}

int main(void)
{
    own_ipc();
    promise("msgctl: results and errors", results);
    return check_end();
}
