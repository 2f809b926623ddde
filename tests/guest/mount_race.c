// cpus: 2 4
// timeout: 900
/* A name goes while something is mounted on it: one of the two is refused (man 2 rmdir: EBUSY, man
 * 2 mount: ENOENT), and no mount is left on a name that is gone. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TIMES = 4000 };

static void *make_and_remove(void *arg __attribute__((unused)))
{
    for (int i = 0; i < TIMES; i++) {
        mkdir("folder", 0700);
        rmdir("folder");
        close(open("file", O_CREAT | O_WRONLY, 0600));
        unlink("file");
        close(open("other", O_CREAT | O_WRONLY, 0600));
        rename("other", "file"); /* takes the name from a file that is there, or a mount's place */
    }
    return NULL;
}

static void *mount_and_unmount(void *arg __attribute__((unused)))
{
    for (int i = 0; i < TIMES; i++) {
        if (mount("none", "folder", "tmpfs", 0, NULL) == 0)
            umount2("folder", MNT_DETACH);
        if (mount("source", "file", NULL, MS_BIND, NULL) == 0)
            umount2("file", MNT_DETACH);
    }
    return NULL;
}

static void *rename_others(void *arg __attribute__((unused)))
{
    close(open("this", O_CREAT | O_WRONLY, 0600));
    for (int i = 0; i < TIMES; i++) {
        CHECK_EQ(rename("this", "that"), 0);
        CHECK_EQ(rename("that", "this"), 0);
    }
    return NULL;
}

/* Whoever removes a name waits for its file. */
static void *change(void *arg __attribute__((unused)))
{
    for (int i = 0; i < TIMES; i++) {
        chmod("folder", 0711);
        CHECK(truncate("file", i % 2) == 0 || errno == ENOENT);
        chmod("file", 0644);
    }
    return NULL;
}

static int mounts_on_nothing(void)
{
    char line[4096];
    int n = 0;
    FILE *mounts = fopen("/proc/self/mounts", "r");
    while (fgets(line, sizeof(line), mounts))
        if (strstr(line, "deleted"))
            n++, printf("# %s", line);
    fclose(mounts);
    return n;
}

static void mounts_and(void *(*others[2])(void *))
{
    pthread_t threads[3];
    if (geteuid() != 0 ||
        (!inside_osprey() &&
         (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)))
        SKIP("mounting is not allowed here");
    NEED(mkdir("tried", 0700) == 0 || errno == EEXIST);
    if (mount("none", "tried", "tmpfs", 0, NULL) != 0)
        SKIP("mounting is not allowed here");
    NEED(umount("tried") == 0);
    close(open("source", O_CREAT | O_WRONLY, 0600));
    NEED(pthread_create(&threads[0], NULL, mount_and_unmount, NULL) == 0);
    for (int i = 0; i < 2; i++)
        NEED(pthread_create(&threads[1 + i], NULL, others[i], NULL) == 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(mounts_on_nothing(), 0);
    CHECK(rmdir("folder") == 0 || errno == ENOENT);
    CHECK(unlink("file") == 0 || errno == ENOENT);
}

static void mounts_and_names(void)
{
    mounts_and((void *(*[])(void *)){make_and_remove, change});
}

static void mounts_and_renames(void)
{
    NEED(mkdir("folder", 0700) == 0);
    close(open("file", O_CREAT | O_WRONLY, 0600));
    mounts_and((void *(*[])(void *)){rename_others, change});
}

int main(void)
{
    enter_fresh_dir();
    promise("no mount on a name that is removed", mounts_and_names);
    promise("names elsewhere change while something is mounted", mounts_and_renames);
    return check_end();
}
