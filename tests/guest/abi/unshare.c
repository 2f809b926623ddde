/* man 2 unshare */
#include "abi.h"
#include <pthread.h>

static void *thread(void *fd)
{
    CHECK_EQ(CALL(unshare, CLONE_FILES | CLONE_FS), 0);
    close((int)(long)fd);
    umask(0777);
    return NULL;
}

static void results(void)
{
    pthread_t id;
    long fd = open("/", O_RDONLY);

    umask(022);
    NEED(pthread_create(&id, NULL, thread, (void *)fd) == 0);
    pthread_join(id, NULL);
    CHECK_EQ(fcntl(fd, F_GETFD), 0); /* ours is ours */
    CHECK_EQ(umask(022), 022);
    CHECK_EQ(CALL(unshare, 0), 0);
    CHECK_ERRNO(CALL(unshare, CLONE_VFORK), EINVAL);
    CHECK_ERRNO(CALL(unshare, 1), EINVAL);
}

int main(void)
{
    promise_apart("unshare: results and errors", results);
    return check_end();
}
