// cpus: 2
// The cache of names can be emptied (man 5 proc), while others walk it, and names are found again.
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

static atomic_bool stop;

static int put(const char *text)
{
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
    if (fd < 0)
        return errno;
    int err = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : errno;
    close(fd);
    return err;
}

static void *walk(void *arg)
{
    long *bad = arg;
    while (!atomic_load(&stop)) {
        struct stat st;
        if (stat("/proc/self/status", &st) < 0 || stat("d/e/f/g", &st) < 0 ||
            stat("d/e/f/missing", &st) == 0)
            ++*bad;
    }
    return NULL;
}

/* Lines of /proc/slabinfo for `name`: objects in use; -1: there is none. */
static long in_use(const char *name)
{
    char line[512], key[64];
    long used = -1, n;
    FILE *f = fopen("/proc/slabinfo", "r");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "%63s %ld", key, &n) == 2 && !strcmp(key, name))
            used = n;
    if (f)
        fclose(f);
    return used;
}

static void values(void)
{
    if (put("2") != 0)
        SKIP("not allowed here");
    CHECK_EQ(put("0"), EINVAL);
    CHECK_EQ(put("99"), EINVAL);
    CHECK_EQ(put("x"), EINVAL);
    CHECK_EQ(put("1"), 0);
}

static void names_go(void)
{
    char name[64];
    struct stat st;
    if (put("2") != 0 || in_use("dentry") < 0)
        SKIP("not allowed here");
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof(name), "d/e/f/no%d", i);
        stat(name, &st);
    }
    long before = in_use("dentry");
    put("2");
    if (inside_osprey()) /* Linux keeps what belongs to others, and counts what waits for readers */
        CHECK(in_use("dentry") <= before - 2000);
    CHECK(stat("d/e/f/g", &st) == 0);
}

static void walks_go_on(void)
{
    pthread_t thread[2];
    long bad[2] = {0};
    if (put("2") != 0)
        SKIP("not allowed here");
    for (int i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, walk, &bad[i]);
    for (int i = 0; i < 100; i++)
        put("3");
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    CHECK_EQ(bad[0] + bad[1], 0);
}

static void tidy(void)
{
    CHECK(unlink("d/e/f/g") == 0 && rmdir("d/e/f") == 0 && rmdir("d/e") == 0 && rmdir("d") == 0);
}

int main(void)
{
    char dir[] = "/tmp/drop.XXXXXX";
    if (!mkdtemp(dir) || chdir(dir) || mkdir("d", 0755) || mkdir("d/e", 0755) ||
        mkdir("d/e/f", 0755) || close(open("d/e/f/g", O_CREAT | O_WRONLY, 0644)))
        return 1;
    promise("only the values 1 to 4 are taken", values);
    promise("unused names are freed", names_go);
    promise("walks go on while names are dropped", walks_go_on);
    promise("the tree is as it was", tidy);
    if (chdir("/") || rmdir(dir))
        return 1;
    return check_end();
}
