/* Threads that write and read at random places of a disk or file, each in a part of its own, and
 * check what they read: the same bytes are there afterwards whoever ran it, so a run on a disk in
 * the machine can be compared with one on a copy.
 *
 *   diskwork FILE SEED THREADS OPERATIONS UNIT [direct]
 *
 * UNIT: places and lengths are multiples of it; direct: O_DIRECT. Ends with 0, or says what is
 * wrong. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST = 300000, THREADS = 16 };

static int fd;
static unsigned operations, unit;
static uint64_t part;

struct worker {
    pthread_t thread;
    uint64_t seed, start;
    uint8_t *mirror, *buffer; /* what its part must hold */
};

static uint64_t rnd(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void fail(const char *what, uint64_t at)
{
    fprintf(stderr, "diskwork: %s at %llu: %s\n", what, (unsigned long long)at, strerror(errno));
    exit(1);
}

static void read_and_compare(struct worker *w, uint64_t at, size_t n)
{
    if (pread(fd, w->buffer, n, (off_t)(w->start + at)) != (ssize_t)n)
        fail("read", w->start + at);
    if (memcmp(w->buffer, w->mirror + at, n)) {
        errno = 0;
        fail("other bytes", w->start + at);
    }
}

static void *work(void *arg)
{
    struct worker *w = arg;
    for (unsigned i = 0; i < operations; i++) {
        size_t most = rnd(&w->seed) % 8 ? MOST / 20 : MOST;
        size_t n = rnd(&w->seed) % most / unit * unit + unit;
        uint64_t at = rnd(&w->seed) % (part - n) / unit * unit;
        if (rnd(&w->seed) % 2) {
            read_and_compare(w, at, n);
            continue;
        }
        uint64_t word = rnd(&w->seed);
        for (size_t j = 0; j < n; j++)
            w->buffer[j] = (uint8_t)(word >> j % 8 * 8) ^ (uint8_t)(j >> 9);
        memcpy(w->mirror + at, w->buffer, n);
        if (pwrite(fd, w->buffer, n, (off_t)(w->start + at)) != (ssize_t)n)
            fail("write", w->start + at);
        if (rnd(&w->seed) % 16 == 0 && fdatasync(fd))
            fail("flush", 0);
    }
    for (uint64_t at = 0; at < part; at += MOST / unit * unit)
        read_and_compare(w, at, part - at < MOST ? part - at : MOST / unit * unit);
    return NULL;
}

static void *memory(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        fail("memory", n);
    return p;
}

int main(int argc, char **argv)
{
    static struct worker workers[THREADS];
    unsigned threads = argc > 5 ? (unsigned)atoi(argv[3]) : 0;
    if (!threads || threads > THREADS)
        return 2;
    operations = (unsigned)atoi(argv[4]);
    unit = (unsigned)atoi(argv[5]);
    fd = open(argv[1], O_RDWR | (argc > 6 ? O_DIRECT : 0));
    if (fd < 0)
        fail(argv[1], 0);
    off_t size = lseek(fd, 0, SEEK_END);
    part = (uint64_t)size / threads / 4096 * 4096;
    for (unsigned i = 0; i < threads; i++) {
        struct worker *w = &workers[i];
        w->seed = (uint64_t)atoi(argv[2]) * 1000 + i + 1;
        w->start = i * part;
        w->mirror = memory(part);
        w->buffer = memory(MOST + unit);
        for (uint64_t at = 0; at < part; at += 4096) /* not compared: whatever is there */
            if (pread(fd, memcpy(w->buffer, "", 1), 4096, (off_t)(w->start + at)) != 4096)
                fail("first read", at);
            else
                memcpy(w->mirror + at, w->buffer, 4096);
    }
    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
            fail("thread", i);
    for (unsigned i = 0; i < threads; i++)
        pthread_join(workers[i].thread, NULL);
    if (fsync(fd))
        fail("flush", 0);
    return 0;
}
