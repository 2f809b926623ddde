/* Use one thing up without end: exhaust KIND. Prints how it was refused, if it was. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MIB = 1 << 20, MANY = 1 << 20 };
enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

/* Needs no page that is not there yet: memory may be spent. */
static void refused(const char *what, long count)
{
    static char line[100] = "x";

    snprintf(line, sizeof line, "%s: %s after %s\n", what, strerror(errno),
             count > 0 ? "some" : "none");
    if (count >= 0) {
        (void)!write(1, line, strlen(line));
        _exit(3);
    }
}

static void *map(size_t size, int flags)
{
    return mmap(NULL, size, RW, flags, -1, 0);
}

static void touch(void)
{
    for (;;) {
        char *at = map(MIB, ANON);

        if (at == MAP_FAILED)
            refused("mmap", 1);
        memset(at, 1, MIB);
    }
}

static void *touch_in_thread(void *arg)
{
    touch();
    return arg;
}

static void threads_touch(void)
{
    pthread_t thread;

    for (int i = 0; i < 8; i++)
        pthread_create(&thread, NULL, touch_in_thread, NULL);
    pthread_join(thread, NULL);
}

static void *sleep_in_thread(void *arg)
{
    pause();
    return arg;
}

static void threads(void)
{
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 65536);
    for (long n = 0;; n++)
        if ((errno = pthread_create(&thread, &attr, sleep_in_thread, NULL)))
            refused("pthread_create", n);
}

static void populate(void)
{
    for (long n = 0;; n++)
        if (map(16 * MIB, ANON | MAP_POPULATE) == MAP_FAILED)
            refused("mmap", n);
}

static void lock(void)
{
    for (long n = 0;; n++) {
        void *at = map(16 * MIB, ANON);

        if (at == MAP_FAILED || mlock(at, 16 * MIB))
            refused("mlock", n);
    }
}

static void shared(void)
{
    for (;;) {
        char *at = map(MIB, MAP_SHARED | MAP_ANONYMOUS);

        if (at == MAP_FAILED)
            refused("mmap", 1);
        memset(at, 1, MIB);
    }
}

/* A page here and there: mostly page tables. */
static void sparse(size_t step)
{
    for (long n = 0;; n++) {
        char *at = mmap(NULL, 64 * step, RW, ANON | MAP_NORESERVE, -1, 0);

        if (at == MAP_FAILED)
            refused("mmap", n);
        madvise(at, 64 * step, MADV_NOHUGEPAGE);
        for (int i = 0; i < 64; i++)
            at[i * step] = 1;
    }
}

/* The kernel touches the pages. */
static void read_zero(void)
{
    int fd = open("/dev/zero", O_RDONLY);

    for (long n = 0;; n++) {
        void *at = map(MIB, ANON);

        if (at == MAP_FAILED || read(fd, at, MIB) < 0)
            refused("read", n);
    }
}

static void heap(void)
{
    for (long n = 0;; n++) {
        char *at = malloc(1000);

        if (!at)
            refused("malloc", n);
        memset(at, 1, 1000);
    }
}

static void mappings(void)
{
    for (long n = 0;; n++)
        if (mmap(NULL, 4096, n & 1 ? RW : PROT_READ, ANON, -1, 0) == MAP_FAILED)
            refused("mmap", n);
}

static void file(void)
{
    int fd = open("/tmp/full", O_RDWR | O_CREAT, 0600);
    char block[65536] = {0};

    for (long n = 0;; n++)
        if (write(fd, block, sizeof block) < 0)
            refused("write", n);
}

static void mapped_file(void)
{
    int fd = open("/tmp/mapped", O_RDWR | O_CREAT, 0600);
    size_t size = 1ul << 33;
    char *at;

    if (ftruncate(fd, size))
        refused("ftruncate", 0);
    at = mmap(NULL, size, RW, MAP_SHARED, fd, 0);
    for (size_t i = 0; i < size; i += 4096)
        at[i] = 1;
}

static void files(void)
{
    char name[64];

    for (long n = 0;; n++) {
        int fd;

        sprintf(name, "/tmp/file-with-a-name-of-some-length-%ld", n);
        fd = open(name, O_RDWR | O_CREAT, 0600);
        if (fd < 0)
            refused("open", n);
        close(fd);
    }
}

static int pair[2];
static int make_pipe(void)
{
    int err = pipe(pair);

    if (!err && fcntl(pair[1], F_SETFL, O_NONBLOCK) == 0) {
        static char block[65536];
        (void)!write(pair[1], block, sizeof block);
    }
    return err;
}
static int make_sockets(void)
{
    int err = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
    static char block[65536];

    if (!err)
        (void)!send(pair[0], block, sizeof block, MSG_NOSIGNAL);
    return err;
}
static int make_event(void)
{
    return eventfd(0, 0) < 0 ? -1 : 0;
}
static int make_epoll(void)
{
    return epoll_create1(0) < 0 ? -1 : 0;
}

static void descriptors(const char *what, int (*make)(void), rlim_t limit)
{
    struct rlimit many = {limit, limit};

    setrlimit(RLIMIT_NOFILE, &many);
    for (long n = 0;; n++)
        if (make())
            refused(what, n);
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";

    refused("nothing", -1); /* touches what the real one will */

#define KIND(name, call)                                                                           \
    if (!strcmp(kind, name))                                                                       \
    call
    KIND("touch", touch());
    KIND("threads-touch", threads_touch());
    KIND("threads", threads());
    KIND("populate", populate());
    KIND("lock", lock());
    KIND("read", read_zero());
    KIND("heap", heap());
    KIND("shared", shared());
    KIND("sparse-2m", sparse(2 * MIB));
    KIND("sparse-1g", sparse(1024ul * MIB));
    KIND("mappings", mappings());
    KIND("file", file());
    KIND("mapped-file", mapped_file());
    KIND("files", files());
    KIND("pipes", descriptors("pipe", make_pipe, MANY));
    KIND("sockets", descriptors("socketpair", make_sockets, MANY));
    KIND("events", descriptors("eventfd", make_event, MANY));
    KIND("few-events", descriptors("eventfd", make_event, 100));
    KIND("epolls", descriptors("epoll_create", make_epoll, MANY));
    return 1;
}
