// sources: host/core.c host/say.c
// flags: -D_GNU_SOURCE -Ihost
/* What comes through the port osprey.core: whole cores become files, in whatever pieces their bytes
 * arrive; broken ones leave nothing; 3,000 mutants of a stream harm nobody (the sanitizers watch).
 */
#include "core.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failures;

static void check(bool good, const char *what)
{
    printf("%sok - %s\n", good ? "" : "not ", what);
    failures += !good;
}

static const char whole[] = "core 1 11 prog\ndata 5\nabcdeskip 8192\ndata 1\nzskip 3\nend\n";

/* Hand over the bytes in pieces; what core_take() said last. */
static bool feed(struct core *core, const char *bytes, size_t size, size_t piece)
{
    bool good = true;

    for (size_t at = 0; at < size && good; at += piece)
        good = core_take(core, bytes + at, size - at < piece ? size - at : piece);
    return good;
}

static bool run(const char *bytes, size_t piece)
{
    struct core *core = core_open("core");
    bool good = feed(core, bytes, strlen(bytes), piece);

    core_close(core, 0);
    return good;
}

static long size_of(const char *name)
{
    struct stat st;

    return stat(name, &st) ? -1 : (long)st.st_size;
}

/* Remove all files of the folder; how many there were. */
static int sweep(void)
{
    DIR *dir = opendir(".");
    int n = 0;

    for (struct dirent *d; (d = readdir(dir));)
        n += !unlink(d->d_name);
    closedir(dir);
    return n;
}

static void bytes_and_holes(void)
{
    for (size_t piece = 1; piece < sizeof whole; piece += 7) {
        char bytes[9000] = "";
        FILE *file;

        check(run(whole, piece), "a whole core is taken");
        file = fopen("core", "rb");
        check(file && fread(bytes, 1, sizeof bytes, file) == 5 + 8192 + 1 + 3, "with its size");
        check(!memcmp(bytes, "abcde", 6) && bytes[5 + 8192] == 'z', "and its bytes");
        if (file)
            fclose(file);
        check(sweep() == 1, "and nothing beside it");
    }
}

static void several(void)
{
    check(run("core 7 6 child\ndata 1\n7end\ncore 8 6 child\ndata 2\n88end\n", 5), "two children");
    check(size_of("core") == 1 && size_of("core.8") == 2, "the first is in FILE");
    sweep();
    check(run("core 7 6 child\ndata 1\n7end\ncore 1 6 prog\ndata 3\n111end\n", 9), "and process 1");
    check(size_of("core") == 3 && size_of("core.7") == 1, "which goes to FILE, the other aside");
    sweep();
}

static void broken(void)
{
    static const char *const bad[] = {
        "data 3\nabc",
        "core 1 11 x\nrubbish\n",
        "core 1 11 x\ndata -1\n",
        "core 1 11 x\ndata 99999999999999999999\n",
        "core 1 11 x\nskip 281474976710657\n",
        "core 1 11 x\ncore 1 11 x\n",
        "core x\n",
        "core -1 11 x\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check(!run(bad[i], 4) && sweep() == 0, bad[i]);
    check(run("core 1 11 x\ndata 10\nabc", 4) && sweep() == 0, "cut off: nothing is left");
    check(run("core 1 11 x\ndata 3\nabcfailed 28\n", 4) && sweep() == 0, "failed: nothing is left");
    check(run("", 1) && sweep() == 0, "no core, no file");
    check(run(whole, 100) && run("", 1) && size_of("core") > 0, "no core: an older file stays");
    sweep();
}

static void mutants(void)
{
    srand(2);
    for (int i = 0; i < 3000; i++) {
        char bytes[sizeof whole];
        struct core *core = core_open("core");

        memcpy(bytes, whole, sizeof whole);
        for (int n = rand() % 4; n >= 0; n--)
            bytes[(size_t)rand() % (sizeof whole - 1)] = (char)rand();
        feed(core, bytes, (size_t)rand() % sizeof whole, (size_t)rand() % 30 + 1);
        core_close(core, 0);
    }
    sweep();
    check(true, "mutants");
}

int main(void)
{
    char folder[] = "/tmp/host_core.XXXXXX";

    if (!mkdtemp(folder) || chdir(folder) || !freopen("/dev/null", "w", stderr))
        return 1;
    bytes_and_holes();
    several();
    broken();
    mutants();
    return failures > 0 || rmdir(folder);
}
