/* man 2 unshare */
#include "abi.h"
#include <pthread.h>
#include <sys/mount.h>

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

static void *asks(void *error)
{
    int flags[] = {CLONE_SIGHAND, CLONE_VM, CLONE_THREAD};

    for (int i = 0; i < 3; i++)
        ((int *)error)[i] = CALL(unshare, flags[i]) == 0 ? 0 : errno;
    return NULL;
}

/* Whoever shares memory with another process cannot leave it. */
static void sharing_processes(void)
{
    static volatile int shared[3] = {-1, -1, -1}, own[3] = {-1, -1, -1};

    asks((int *)own);
    CHECK(own[0] == 0 && own[1] == 0 && own[2] == 0);
    pid_t pid = vfork();
    if (pid == 0) {
        asks((int *)shared);
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0);
    CHECK_EQ(shared[0], 0);
    CHECK_EQ(shared[1], EINVAL);
    CHECK_EQ(shared[2], 0);
}

static void needs_a_right(void)
{
    become_nobody();
    CHECK_ERRNO(CALL(unshare, 0x4000000 /* CLONE_NEWUTS */), EPERM);
    CHECK_ERRNO(CALL(clone, 0x8000000 /* CLONE_NEWIPC */ | 17), EPERM);
}

/* --- mount namespaces --- */

static void mounts_are_apart(void)
{
    char before[64] = "", now[64] = "";
    pid_t pid;

    NEED(mkdir("here", 0755) == 0 && mkdir("other", 0755) == 0 && chdir("here") == 0);
    CHECK(readlink("/proc/self/ns/mnt", before, sizeof(before) - 1) > 0);
    CHECK_EQ(CALL(unshare, CLONE_NEWNS), 0);
    CHECK(readlink("/proc/self/ns/mnt", now, sizeof(now) - 1) > 0 && strcmp(before, now) != 0);
    NEED(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    pid = fork();
    if (pid == 0) { /* a tree of its own again */
        NEED(unshare(CLONE_NEWNS) == 0);
        NEED(mount("none", "../other", "tmpfs", 0, NULL) == 0);
        CHECK(creat("../other/file", 0644) >= 0);
        _exit(atomic_load(&check_failed_here) > 0);
    }
    CHECK_EQ(end_of(pid), 0);
    CHECK_ERRNO(access("../other/file", F_OK), ENOENT);
    CHECK_ERRNO(umount("../other"), EINVAL);
}

static bool listed(const char *file, const char *name)
{
    char line[4096];
    bool found = false;
    FILE *mounts = fopen(file, "r");

    while (mounts && fgets(line, sizeof(line), mounts))
        found |= strstr(line, name) != NULL;
    if (mounts)
        fclose(mounts);
    return found;
}

/* What is shared stays shared between copies; a slave takes and does not give. */
static void peers_stay_peers(void)
{
    int go[2], done[2];
    char byte, child_mounts[64];
    pid_t pid;

    NEED(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    NEED(mkdir("shared", 0755) == 0 && mount("none", "shared", "tmpfs", 0, NULL) == 0);
    NEED(mount("none", "shared", NULL, MS_SHARED, NULL) == 0);
    NEED(mkdir("shared/a", 0755) == 0 && mkdir("shared/b", 0755) == 0);
    NEED(pipe(go) == 0 && pipe(done) == 0);
    pid = (pid_t)CALL(clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        CHECK_EQ(mount("from_child", "shared/a", "tmpfs", 0, NULL), 0);
        CHECK_EQ(mount("none", "shared", NULL, MS_SLAVE, NULL), 0);
        CHECK_EQ(mount("slaves", "shared/b", "tmpfs", 0, NULL), 0);
        CHECK(write(done[1], "", 1) == 1 && read(go[0], &byte, 1) == 1);
        _exit(atomic_load(&check_failed_here) > 0);
    }
    CHECK_EQ(read(done[0], &byte, 1), 1);
    CHECK(listed("/proc/self/mounts", "from_child"));
    CHECK(!listed("/proc/self/mounts", "slaves"));
    snprintf(child_mounts, sizeof(child_mounts), "/proc/%d/mounts", pid);
    CHECK(listed(child_mounts, "slaves"));
    CHECK_EQ(write(go[1], "", 1), 1);
    CHECK_EQ(end_of(pid), 0);
    CHECK_EQ(umount("shared/a"), 0);
}

/* A file of it keeps the tree; the last one's end takes all mounts away. */
static void lives_as_a_file(void)
{
    int own = open("/proc/self/ns/mnt", O_RDONLY), other = -1;
    struct stat a, b;
    char path[64];
    pid_t pid;
    int go[2], done[2];
    char byte;

    NEED(own >= 0 && mkdir("place", 0755) == 0 && pipe(go) == 0 && pipe(done) == 0);
    pid = fork();
    if (pid == 0) {
        NEED(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
        NEED(mount("none", "place", "tmpfs", 0, NULL) == 0 && creat("place/in", 0600) >= 0);
        CHECK(write(done[1], "", 1) == 1 && read(go[0], &byte, 1) == 1);
        _exit(0);
    }
    CHECK_EQ(read(done[0], &byte, 1), 1);
    snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
    other = open(path, O_RDONLY);
    NEED(other >= 0);
    CHECK_EQ(write(go[1], "", 1), 1);
    CHECK_EQ(end_of(pid), 0);
    CHECK(fstat(own, &a) == 0 && fstat(other, &b) == 0 && a.st_ino != b.st_ino);
    CHECK(a.st_dev == b.st_dev);
    CHECK(getcwd(path, sizeof(path)) != NULL);
    CHECK_ERRNO(CALL(setns, other, CLONE_NEWUTS), EINVAL);
    CHECK_EQ(CALL(setns, other, CLONE_NEWNS), 0);
    CHECK(chdir(path) == 0 && access("place/in", F_OK) == 0);
    CHECK_EQ(CALL(setns, own, 0), 0);
    CHECK(chdir(path) == 0);
    CHECK_ERRNO(access("place/in", F_OK), ENOENT);
    close(other);
    CHECK_EQ(rmdir("place"), 0);
}

/* A name may go where nothing is mounted on it; what is mounted on it elsewhere goes with it. */
static void names_go(void)
{
    int go[2], done[2];
    char byte;
    pid_t pid;

    NEED(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    NEED(mkdir("gone", 0755) == 0 && mkdir("moved", 0755) == 0 && mkdir("over", 0755) == 0);
    NEED(pipe(go) == 0 && pipe(done) == 0);
    pid = fork();
    if (pid == 0) {
        NEED(unshare(CLONE_NEWNS) == 0);
        NEED(mount("one", "gone", "tmpfs", 0, NULL) == 0);
        NEED(mount("two", "over", "tmpfs", 0, NULL) == 0);
        NEED(mount("three", "moved", "tmpfs", 0, NULL) == 0 && mkdir("moved/in", 0755) == 0);
        CHECK_ERRNO(rmdir("gone"), EBUSY);
        CHECK_ERRNO(rename("moved", "elsewhere"), EBUSY);
        CHECK(write(done[1], "", 1) == 1 && read(go[0], &byte, 1) == 1);
        CHECK_ERRNO(access("gone", F_OK), ENOENT);
        CHECK(!listed("/proc/self/mounts", "one ") && !listed("/proc/self/mounts", "two "));
        CHECK_EQ(access("over/in", F_OK), 0); /* it has taken its mount along */
        CHECK_EQ(umount("over"), 0);
        _exit(atomic_load(&check_failed_here) > 0);
    }
    CHECK_EQ(read(done[0], &byte, 1), 1);
    CHECK_EQ(rmdir("gone"), 0);
    CHECK_EQ(rename("moved", "over"), 0);
    CHECK_EQ(write(go[1], "", 1), 1);
    CHECK_EQ(end_of(pid), 0);
}

static void pivots_in_its_own(void)
{
    char cwd[256];

    NEED(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    NEED(mkdir("new", 0755) == 0 && mount("none", "new", "tmpfs", 0, NULL) == 0);
    NEED(mkdir("new/old", 0755) == 0 && mkdir("new/only_here", 0755) == 0 && chdir("new") == 0);
    CHECK_EQ(CALL(pivot_root, ".", "old"), 0);
    CHECK(chdir("/") == 0 && getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/"));
    CHECK_EQ(access("/only_here", F_OK), 0);
    CHECK_EQ(access("/old/proc/self", F_OK), 0);
    CHECK_EQ(umount2("/old", MNT_DETACH), 0);
    CHECK_EQ(rmdir("/old"), 0);
}

static void needs_admin(void)
{
    become_nobody();
    CHECK_ERRNO(CALL(unshare, CLONE_NEWNS), EPERM);
    CHECK_ERRNO(CALL(clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0), EPERM);
    CHECK_ERRNO(CALL(clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0), EINVAL);
}

int main(void)
{
    enter_fresh_dir();

    promise_apart("unshare: results and errors", results);
    promise_apart("unshare: memory shared by processes", sharing_processes);
    promise_apart("namespaces need CAP_SYS_ADMIN", needs_a_right);
    promise_apart("unshare: a mount namespace of its own", mounts_are_apart);
    promise_apart("unshare: shared mounts of two namespaces", peers_stay_peers);
    promise_apart("setns: a mount namespace as a file", lives_as_a_file);
    promise_apart("unshare: names that others mount on", names_go);
    promise_apart("pivot_root in a namespace", pivots_in_its_own);
    promise_apart("mount namespaces need CAP_SYS_ADMIN", needs_admin);
    return check_end();
}
