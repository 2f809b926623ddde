#include "tsc.h"

#include "cache.h"
#include "say.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

/* The counter and the clock at one moment. */
struct moment {
    uint64_t tsc;
    uint64_t ns;
};

enum {
    SHORT_NS = 10 * 1000 * 1000, /* the least time for a measurement: 100 ns of error are 10 ppm */
    BOOT_ID_SIZE = 36,
    AGREE_PPM = 300, /* how far a long and a short measurement may differ */
};

static struct moment start;

static uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The narrowest of a few tries: an interrupt in between would spoil it. */
static struct moment moment_now(void)
{
    struct moment best = {0};
    uint64_t width = UINT64_MAX;

    for (int i = 0; i < 8; i++) {
        uint64_t before = clock_ns(), tsc = __rdtsc(), after = clock_ns();
        if (after - before < width) {
            width = after - before;
            best = (struct moment){tsc, before + width / 2};
        }
    }
    return best;
}

void tsc_start(void)
{
    start = moment_now();
}

static uint64_t khz_between(struct moment from, struct moment to)
{
    if (to.ns <= from.ns || to.tsc <= from.tsc)
        return 0;
    return (uint64_t)((unsigned __int128)(to.tsc - from.tsc) * 1000000 / (to.ns - from.ns));
}

static bool boot_id(char id[BOOT_ID_SIZE + 1])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    bool whole = fd >= 0 && read(fd, id, BOOT_ID_SIZE) == BOOT_ID_SIZE;

    if (fd >= 0)
        close(fd);
    id[BOOT_ID_SIZE] = 0;
    return whole;
}

/* The moment noted by an earlier command since the same boot. */
static bool read_note(const char *path, const char *id, struct moment *noted)
{
    char line[128] = "", noted_id[BOOT_ID_SIZE + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    ssize_t size = read(fd, line, sizeof line - 1);
    close(fd);
    return size > 0 &&
           sscanf(line, "%36s %" SCNu64 " %" SCNu64, noted_id, &noted->tsc, &noted->ns) == 3 &&
           !strcmp(noted_id, id);
}

static void write_note(const char *path, const char *id, struct moment now)
{
    char *temporary = formatted("%s.%d", path, getpid());
    FILE *file = fopen(temporary, "we");

    if (file) {
        fprintf(file, "%s %" PRIu64 " %" PRIu64 "\n", id, now.tsc, now.ns);
        if (fclose(file) || rename(temporary, path))
            unlink(temporary);
    }
    free(temporary);
}

static bool agree(uint64_t a, uint64_t b)
{
    uint64_t apart = a > b ? a - b : b - a;

    return apart <= a / 1000000 * AGREE_PPM + 1;
}

static struct moment at_least_short(void)
{
    struct moment now = moment_now();

    if (now.ns - start.ns < SHORT_NS) {
        uint64_t left = SHORT_NS - (now.ns - start.ns);
        struct timespec wait = {.tv_nsec = (long)left};
        nanosleep(&wait, NULL);
        now = moment_now();
    }
    return now;
}

uint64_t tsc_khz(void)
{
    char *path = formatted("%s/tsc", cache_folder()), id[BOOT_ID_SIZE + 1];
    struct moment noted, now = moment_now();
    uint64_t khz = 0;

    if (boot_id(id) && read_note(path, id, &noted) && now.ns > noted.ns + SHORT_NS) {
        /* The short time is only a check: the host may have slept in between. */
        uint64_t rough = khz_between(start, now);
        khz = khz_between(noted, now);
        uint64_t slack = now.ns > start.ns ? 200 * 1000000 / (now.ns - start.ns) : 0;
        if (!agree(rough, khz) &&
            !(rough && slack > AGREE_PPM && khz / 100 * 99 < rough && rough < khz / 100 * 101))
            khz = 0;
    }
    if (!khz) {
        now = at_least_short();
        khz = khz_between(start, now);
        write_note(path, id, start);
    }
    free(path);
    return khz;
}
