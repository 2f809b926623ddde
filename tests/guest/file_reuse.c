// cpus: 2
/* Files that one processor opens and another closes do not take memory for ever. */
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

enum { TIMES = 300, FILES = 50 };

static pthread_barrier_t barrier;
static int fds[FILES];

static void stay_on(unsigned cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set); /* where the host has but one, it is that */
}

static void *close_all(void *arg __attribute__((unused)))
{
    stay_on(1);
    for (int i = 0; i < TIMES; i++) {
        pthread_barrier_wait(&barrier);
        for (int j = 0; j < FILES; j++)
            close(fds[j]);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

static long slab_kib(void)
{
    char line[128];
    long kib = 0;
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
    if (fd >= 0) {
        if (write(fd, "2", 1) != 1) /* which waits for what is freed late */
            printf("# drop_caches: errno %d\n", errno);
        close(fd);
    }
    FILE *f = fopen("/proc/meminfo", "r");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "Slab: %ld", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib;
}

static void files_come_back(void)
{
    pthread_t thread;
    NEED(pthread_barrier_init(&barrier, NULL, 2) == 0);
    NEED(pthread_create(&thread, NULL, close_all, NULL) == 0);
    stay_on(0);
    long before = slab_kib();
    for (int i = 0; i < TIMES; i++) {
        for (int j = 0; j < FILES; j++)
            CHECK((fds[j] = open("/dev/null", O_RDONLY)) >= 0);
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
    }
    pthread_join(thread, NULL);
    if (inside_osprey())                   /* Linux's own counts much else */
        CHECK(slab_kib() - before < 1024); /* 15,000 files are 2.8 MiB */
}

int main(void)
{
    promise("what another processor closes is used again", files_come_back);
    return check_end();
}
