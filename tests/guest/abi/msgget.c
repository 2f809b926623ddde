/* man 2 msgget */
#include "../own_ipc.h"
#include "abi.h"
#include <sys/msg.h>

static void results(void)
{
    key_t key = 0x359000 + getpid();
    int id = CALL(msgget, key, IPC_CREAT | IPC_EXCL | 0600);

    NEED(id >= 0);
    CHECK_ERRNO(CALL(msgget, key, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
    CHECK_EQ(CALL(msgget, key, 0600), id);
    CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
    CHECK_ERRNO(CALL(msgget, key, 0600), ENOENT);
}

int main(void)
{
    own_ipc();
    promise("msgget: results and errors", results);
    return check_end();
}
