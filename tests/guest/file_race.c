// cpus: 1 4
// timeout: 120
/* One file system under many hands: names made, renamed, linked and removed at once. */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

enum { NTHREADS = 4 };

static atomic_int wrong;

static void run_threads(void *(*fn)(void *))
{
    pthread_t threads[NTHREADS];

    atomic_store(&wrong, 0);
    for (long i = 0; i < NTHREADS; i++)
        NEED(pthread_create(&threads[i], NULL, fn, (void *)i) == 0);
    for (int i = 0; i < NTHREADS; i++)
        pthread_join(threads[i], NULL);
}

static void *make_and_remove(void *arg)
{
    char name[32], other[32];

    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "t%ld-%d", (long)arg, i % 10);
        snprintf(other, sizeof other, "u%ld-%d", (long)arg, i % 10);
        int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

        if (fd < 0 || write(fd, name, 4) != 4 || rename(name, other) != 0 ||
            link(other, name) != 0 || unlink(other) != 0 || unlink(name) != 0)
            atomic_fetch_add(&wrong, 1);
        close(fd);
    }
    return NULL;
}

static void names_of_each(void)
{
    run_threads(make_and_remove);
    CHECK_EQ(atomic_load(&wrong), 0);
    DIR *dir = opendir(".");
    int n = 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    CHECK_EQ(n, 2);
}

static atomic_int winners;

static void *same_name(void *arg)
{
    (void)arg;
    for (int i = 0; i < 300; i++) {
        char name[32];

        snprintf(name, sizeof name, "race-%d", i);
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (fd >= 0) {
            atomic_fetch_add(&winners, 1);
            close(fd);
        } else if (errno != EEXIST) {
            atomic_fetch_add(&wrong, 1);
        }
    }
    return NULL;
}

static void one_winner(void)
{
    run_threads(same_name);
    CHECK_EQ(atomic_load(&wrong), 0);
    CHECK_EQ(atomic_load(&winners), 300);
}

static void *rename_over(void *arg)
{
    char mine[32];

    snprintf(mine, sizeof mine, "mine%ld", (long)arg);
    for (int i = 0; i < 200; i++) {
        struct stat st;

        close(open(mine, O_WRONLY | O_CREAT, 0600));
        if (rename(mine, "goal") != 0 || stat("goal", &st) != 0)
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

/* A name that is replaced by rename is there at every moment. */
static void replaced_name_is_always_there(void)
{
    run_threads(rename_over);
    CHECK_EQ(atomic_load(&wrong), 0);
}

static void *cross_rename(void *arg)
{
    long me = (long)arg;

    for (int i = 0; i < 300; i++) {
        char from[32], to[32];

        snprintf(from, sizeof from, "d%ld/x%d", (me + i) % 2, i % 3);
        snprintf(to, sizeof to, "d%ld/x%d", (me + i + 1) % 2, i % 3);
        if (rename(from, to) != 0 && errno != ENOENT)
            atomic_fetch_add(&wrong, 1);
        snprintf(from, sizeof from, "d%ld/s", me % 2);
        snprintf(to, sizeof to, "d%ld/s", (me + 1) % 2);
        if (rename(from, to) != 0 && errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST)
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

/* Renames in both directions between two folders must not lock each other up. */
static void crossing_renames(void)
{
    mkdir("d0", 0700);
    mkdir("d1", 0700);
    mkdir("d0/s", 0700);
    for (int i = 0; i < 3; i++) {
        char name[32];

        snprintf(name, sizeof name, "d0/x%d", i);
        close(open(name, O_WRONLY | O_CREAT, 0600));
    }
    run_threads(cross_rename);
    CHECK_EQ(atomic_load(&wrong), 0);
}

static void *shared_descriptor(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2000; i++) {
        int fd = open("/dev/null", O_RDWR), copy = dup(fd);

        if (fd < 0 || copy < 0 || fd == copy || write(copy, "x", 1) != 1 || close(fd) != 0 ||
            close(copy) != 0)
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

static void descriptors_are_not_mixed_up(void)
{
    run_threads(shared_descriptor);
    CHECK_EQ(atomic_load(&wrong), 0);
}

static int counter_fd;

static void *write_records(void *arg)
{
    char record[16];

    memset(record, 'a' + (int)(long)arg, sizeof record);
    for (int i = 0; i < 500; i++)
        if (write(counter_fd, record, sizeof record) != sizeof record)
            atomic_fetch_add(&wrong, 1);
    return NULL;
}

/* Writes through one open file advance its position atomically (man 2 write, since 3.14). */
static void shared_position(void)
{
    struct stat st;
    char record[16];

    counter_fd = open("records", O_RDWR | O_CREAT, 0600);
    run_threads(write_records);
    CHECK_EQ(fstat(counter_fd, &st), 0);
    CHECK_EQ(st.st_size, NTHREADS * 500 * 16);
    for (int i = 0; i < NTHREADS * 500; i++) {
        NEED(pread(counter_fd, record, 16, i * 16) == 16);
        for (int j = 1; j < 16; j++)
            NEED(record[j] == record[0]);
    }
    close(counter_fd);
}

int main(void)
{
    enter_fresh_dir();
    promise("names of four threads come and go", names_of_each);
    promise("O_EXCL has one winner", one_winner);
    promise("a name replaced by rename is always there", replaced_name_is_always_there);
    promise("crossing renames do not lock up", crossing_renames);
    promise("descriptors are not mixed up", descriptors_are_not_mixed_up);
    promise("writes through one descriptor do not overlap", shared_position);
    return check_end();
}
