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

static void needs_a_right(void)
{
    become_nobody();
    CHECK_ERRNO(CALL(unshare, 0x4000000 /* CLONE_NEWUTS */), EPERM);
    CHECK_ERRNO(CALL(clone, 0x8000000 /* CLONE_NEWIPC */ | 17), EPERM);
}

int main(void)
{
    promise_apart("unshare: results and errors", results);
    promise_apart("namespaces need CAP_SYS_ADMIN", needs_a_right);
    return check_end();
}
