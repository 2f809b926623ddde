/* man 2 msgrcv */
#include "../own_ipc.h"
#include "abi.h"
#include <sys/msg.h>

static struct {
    long type;
    char text[16];
} message;

static int id;

static void put(long type, const char *text)
{
    message.type = type;
    strcpy(message.text, text);
    CHECK_EQ(msgsnd(id, &message, strlen(text), 0), 0);
}

/* What comes: its length, its type in message. */
static long get(size_t size, long type, int flags)
{
    memset(&message, 0, sizeof message);
    return CALL(msgrcv, id, &message, size, type, flags | IPC_NOWAIT);
}

static void results(void)
{
    NEED((id = msgget(IPC_PRIVATE, 0600)) >= 0);
    put(3, "three");
    put(1, "one");
    put(2, "two");
    put(3, "drei");
    CHECK(get(16, 2, 0) == 3 && strcmp(message.text, "two") == 0);
    CHECK(get(16, -2, 0) == 3 && message.type == 1); /* the lowest up to 2 */
    CHECK_ERRNO(get(16, 1, 0), ENOMSG);
    CHECK(get(2, 0, MSG_NOERROR) == 2 && memcmp(message.text, "th", 3) == 0);
    CHECK_ERRNO(get(2, 0, 0), E2BIG);
    CHECK(get(16, 0, MSG_COPY) == 4); /* a look at the first */
    CHECK_ERRNO(get(2, 0, MSG_COPY), E2BIG);
    CHECK_ERRNO(get(2, 0, MSG_COPY | MSG_NOERROR), EINVAL); /* a copy is whole */
    CHECK_ERRNO(CALL(msgrcv, -5, BAD, 16, 0, MSG_COPY | IPC_NOWAIT), EINVAL);
    CHECK_ERRNO(CALL(msgrcv, id, BAD, 16, 99, MSG_COPY | IPC_NOWAIT), EFAULT);
    CHECK(get(16, 3, MSG_EXCEPT) == -1 && errno == ENOMSG);
    CHECK(get(16, 0, 0) == 4 && message.type == 3);
    CHECK_ERRNO(get(-1, 0, 0), EINVAL);
    put(1, "x");
    CHECK_ERRNO(CALL(msgrcv, id, BAD, 16, 0, 0), EFAULT);
    CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
    CHECK_ERRNO(get(16, 0, 0), EINVAL);
}

int main(void)
{
    own_ipc();
    promise("msgrcv: results and errors", results);
    return check_end();
}
