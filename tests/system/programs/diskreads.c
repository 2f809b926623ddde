/* diskreads DEVICE THREADS READS: threads that each read 512 bytes READS times, past the page
 * cache, so that requests are made while the device is busy with others. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SECTOR = 512, BLOCK = 4096, THREADS_MAX = 64 };

static int disk;
static long reads;
static uint64_t blocks;

static void *reader(void *arg)
{
    uint64_t x = (uintptr_t)arg * 0x9e3779b97f4a7c15;
    void *sector = aligned_alloc(BLOCK, BLOCK);

    for (long i = 0; i < reads; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        if (pread(disk, sector, SECTOR, x % blocks * BLOCK) != SECTOR) {
            perror("diskreads: pread");
            _exit(1);
        }
    }
    free(sector);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS_MAX];
    int n = argc > 3 ? atoi(argv[2]) : 0;

    if (n < 1 || n > THREADS_MAX || (disk = open(argv[1], O_RDONLY | O_DIRECT)) < 0)
        return 2;
    reads = atol(argv[3]);
    blocks = (uint64_t)lseek(disk, 0, SEEK_END) / BLOCK;
    for (int i = 0; i < n; i++)
        if (pthread_create(&threads[i], NULL, reader, (void *)(uintptr_t)(i + 1)))
            return 3;
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    printf("read %ld\n", n * reads);
}
