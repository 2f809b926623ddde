// cpus: 2
// memory: 256M
// timeout: 180
/* Threads that change mappings at the same time: each must see its own memory and nobody else's. */
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

enum { PAGE = 4096, THREADS = 4, ROUNDS = 200, REGIONS = 12, SHARED = 64 };

static char *common;
static int file;
static atomic_bool stop;

struct region {
    unsigned char *at;
    size_t size;
    unsigned char fill;
};

static unsigned draw(unsigned long *state, unsigned n)
{
    *state = *state * 6364136223846793005ul + 1442695040888963407ul;
    return (*state >> 33) % n;
}

static void fill(struct region *r, size_t from)
{
    for (size_t i = from; i < r->size; i += PAGE) {
        NEED(r->at[i] == 0);
        r->at[i] = r->fill;
    }
}

static void verify(const struct region *r, size_t size)
{
    for (size_t i = 0; i < size; i += PAGE)
        NEED(r->at[i] == r->fill);
}

static void map_region(struct region *r, unsigned long *state)
{
    r->size = (1 + draw(state, draw(state, 16) ? 40 : 1200)) * (size_t)PAGE;
    r->fill = 1 + draw(state, 255);
    r->at = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(r->at != MAP_FAILED);
    fill(r, 0);
}

static void change_region(struct region *r, unsigned long *state)
{
    size_t old = r->size;

    verify(r, r->size);
    switch (draw(state, 4)) {
    case 0:
        NEED(munmap(r->at, r->size) == 0);
        r->at = NULL;
        break;
    case 1:
        r->size = (1 + draw(state, 60)) * (size_t)PAGE;
        r->at = mremap(r->at, old, r->size, MREMAP_MAYMOVE);
        NEED(r->at != MAP_FAILED);
        verify(r, r->size < old ? r->size : old);
        fill(r, old);
        break;
    case 2:
        NEED(mprotect(r->at, r->size, PROT_READ) == 0);
        verify(r, r->size);
        NEED(mprotect(r->at, r->size, PROT_READ | PROT_WRITE) == 0);
        break;
    case 3:
        NEED(madvise(r->at, r->size, MADV_DONTNEED) == 0);
        fill(r, 0);
        break;
    }
}

static void count_in_file(void)
{
    int *at = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

    NEED(at != MAP_FAILED);
    for (int i = 0; i < 8; i++)
        __atomic_fetch_add(at + i * (PAGE / 4), 1, __ATOMIC_SEQ_CST);
    NEED(munmap(at, 8 * PAGE) == 0);
}

static void *work(void *arg)
{
    unsigned long id = (unsigned long)arg, state = id * 7919 + 12345;
    struct region regions[REGIONS] = {0};

    for (int i = 0; i < ROUNDS; i++) {
        struct region *r = &regions[draw(&state, REGIONS)];
        unsigned long *word;

        if (r->at)
            change_region(r, &state);
        else
            map_region(r, &state);
        count_in_file();
        word = (unsigned long *)(common + draw(&state, SHARED) * PAGE) + 8 * id;
        unsigned long before = *word;
        *word = before + 1;
        CHECK(*word == before + 1);
    }
    for (int i = 0; i < REGIONS; i++)
        if (regions[i].at)
            munmap(regions[i].at, regions[i].size);
    return NULL;
}

/* Meanwhile rights of the common pages change, and a file that is mapped becomes shorter. */
static void *disturb(void *arg)
{
    unsigned long state = 99;
    int fd = memfd_create("shrinks", 0);

    (void)arg;
    while (!stop) {
        char *at = common + draw(&state, SHARED) * PAGE;
        mprotect(at, PAGE, PROT_READ | PROT_WRITE | (draw(&state, 2) ? PROT_EXEC : 0));
        CHECK(ftruncate(fd, 32 * PAGE) == 0);
        at = mmap(NULL, 32 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        CHECK(at != MAP_FAILED);
        for (int i = 0; i < 32; i++)
            at[i * PAGE] = 1;
        CHECK(ftruncate(fd, draw(&state, 32) * (off_t)PAGE) == 0);
        munmap(at, 32 * PAGE);
    }
    close(fd);
    return NULL;
}

static void all_at_once(void)
{
    pthread_t threads[THREADS], other;
    int *counts;

    file = memfd_create("counts", 0);
    NEED(file >= 0 && ftruncate(file, 8 * PAGE) == 0);
    common = mmap(NULL, SHARED * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(common != MAP_FAILED);
    NEED(pthread_create(&other, NULL, disturb, NULL) == 0);
    for (long i = 0; i < THREADS; i++)
        NEED(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    stop = true;
    pthread_join(other, NULL);
    counts = mmap(NULL, 8 * PAGE, PROT_READ, MAP_SHARED, file, 0);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(counts[i * (PAGE / 4)], THREADS * ROUNDS);
}

int main(void)
{
    promise("threads map, unmap, move and protect side by side", all_at_once);
    return check_end();
}
