/* man 2 prctl: PR_SET_VMA, PR_SET_MM, PR_GET_AUXV, speculation, PR_SCHED_CORE. */
#include "check.h"
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <linux/prctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { PAGE = 4096, VMA = 0x53564d41, AUXV = 0x41555856, SPEC_GET = 52, SPEC_SET = 53 };

static bool in_maps(const void *at, const char *what)
{
    char line[512], start[32];
    bool found = false;
    FILE *f = fopen("/proc/self/maps", "r");

    snprintf(start, sizeof(start), "%08lx-", (unsigned long)at);
    while (f && fgets(line, sizeof(line), f))
        if (!strncmp(line, start, strlen(start)))
            found = strstr(line, what) != NULL;
    if (f)
        fclose(f);
    return found;
}

static void names(void)
{
    char *p = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (prctl(VMA, 0, p + PAGE, PAGE, "my heap") != 0 && errno == EINVAL)
        SKIP("a kernel without CONFIG_ANON_VMA_NAME");
    CHECK(in_maps(p + PAGE, "[anon:my heap]"));
    CHECK(!in_maps(p, "[anon:"));
    CHECK_EQ(prctl(VMA, 0, p, 3 * PAGE, "other"), 0);
    CHECK(in_maps(p, "[anon:other]"));
    CHECK_EQ(prctl(VMA, 0, p, 3 * PAGE, NULL), 0);
    CHECK(!in_maps(p, "[anon:"));
    CHECK_ERRNO(prctl(VMA, 0, p, PAGE, "a[b]"), EINVAL);
    CHECK_ERRNO(prctl(VMA, 0, p, PAGE, "a\nb"), EINVAL);
    CHECK_ERRNO(prctl(VMA, 0, p + 1, PAGE, "a"), EINVAL);
    CHECK_ERRNO(prctl(VMA, 1, p, PAGE, "a"), EINVAL);
    CHECK_ERRNO(prctl(VMA, 0, p, PAGE, (char *)8), EFAULT);
    munmap(p + PAGE, PAGE);
    CHECK_ERRNO(prctl(VMA, 0, p, 3 * PAGE, "hole"), ENOMEM);
}

static void borders(void)
{
    static char args[] = "renamed";
    char text[64] = "";
    FILE *f;

    if (prctl(PR_SET_MM, PR_SET_MM_ARG_START, args, 0, 0) != 0) {
        if (errno == EPERM)
            SKIP("not root");
        /* below the old end only if it lies there: the order counts */
        CHECK_EQ(errno, EINVAL);
        CHECK_EQ(prctl(PR_SET_MM, PR_SET_MM_ARG_END, args + sizeof(args), 0, 0), 0);
        CHECK_EQ(prctl(PR_SET_MM, PR_SET_MM_ARG_START, args, 0, 0), 0);
    } else {
        CHECK_EQ(prctl(PR_SET_MM, PR_SET_MM_ARG_END, args + sizeof(args), 0, 0), 0);
    }
    f = fopen("/proc/self/cmdline", "r");
    CHECK(f && fread(text, 1, sizeof(text) - 1, f) == sizeof(args));
    CHECK(!strcmp(text, "renamed"));
    if (f)
        fclose(f);
    CHECK_ERRNO(prctl(PR_SET_MM, PR_SET_MM_ARG_START, (void *)8, 0, 0), EINVAL);
    CHECK_ERRNO(prctl(PR_SET_MM, 99, args, 0, 0), EINVAL);
    CHECK_ERRNO(prctl(PR_SET_MM, PR_SET_MM_BRK, args, 1, 0), EINVAL);
    CHECK_ERRNO(prctl(PR_SET_MM, PR_SET_MM_END_CODE, (void *)PAGE, 0, 0), EINVAL);
}

/* Words 26 and on of /proc/self/stat (man 5 proc). */
static void read_map(struct prctl_mm_map *map)
{
    unsigned long v[53] = {};
    char text[2048] = "", *p, *save = NULL;
    FILE *f = fopen("/proc/self/stat", "r");
    int n = 3;

    if (!f || !fread(text, 1, sizeof(text) - 1, f))
        printf("# no /proc/self/stat\n");
    if (f)
        fclose(f);
    for (p = strtok_r(strrchr(text, ')') + 1, " ", &save); p && n < 53;
         p = strtok_r(NULL, " ", &save))
        v[n++] = strtoul(p, NULL, 10);
    *map = (struct prctl_mm_map){.start_code = v[26],
                                 .end_code = v[27],
                                 .start_stack = v[28],
                                 .start_data = v[45],
                                 .end_data = v[46],
                                 .start_brk = v[47],
                                 .brk = (unsigned long)sbrk(0),
                                 .arg_start = v[48],
                                 .arg_end = v[49],
                                 .env_start = v[50],
                                 .env_end = v[51],
                                 .exe_fd = -1u};
}

static void all_borders(void)
{
    static char args[] = "all at once";
    struct prctl_mm_map map, seen;
    unsigned size = 0;

    if (prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0) != 0 && errno == EINVAL)
        SKIP("a kernel without CONFIG_CHECKPOINT_RESTORE");
    CHECK_EQ(size, sizeof(map));
    read_map(&map);
    map.arg_start = (unsigned long)args;
    map.arg_end = map.arg_start + sizeof(args);
    CHECK_EQ(prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0), 0);
    read_map(&seen);
    CHECK(seen.arg_start == map.arg_start && seen.arg_end == map.arg_end);
    CHECK(seen.start_code == map.start_code && seen.env_end == map.env_end);
    CHECK_ERRNO(prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map) - 1, 0), EINVAL);
    CHECK_ERRNO(prctl(PR_SET_MM, PR_SET_MM_MAP, 8, sizeof(map), 0), EFAULT);
    map.auxv_size = 16;
    CHECK_ERRNO(prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0), EINVAL);
    map.auxv_size = 0;
    map.end_code = map.start_code;
    CHECK_ERRNO(prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0), EINVAL);
    map.end_code = -1ul;
    CHECK_ERRNO(prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0), EINVAL);
    read_map(&map);
    map.exe_fd = 999;
    CHECK(prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0) == -1 &&
          (errno == EBADF || errno == EPERM));
}

/* Put a copy in the place of each mapping of the executable. */
static void leave_executable(void)
{
    struct {
        char *start;
        size_t size;
        int prot;
    } all[16];
    char line[512], perms[8], exe[256] = "";
    unsigned long start, end;
    int n = 0;
    FILE *f = fopen("/proc/self/maps", "r");

    if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) <= 0 || !f)
        return;
    while (n < 16 && fgets(line, sizeof(line), f))
        if (strstr(line, exe) && sscanf(line, "%lx-%lx %7s", &start, &end, perms) == 3) {
            all[n].start = (char *)start;
            all[n].size = end - start;
            all[n++].prot = (perms[0] == 'r' ? PROT_READ : 0) | (perms[1] == 'w' ? PROT_WRITE : 0) |
                            (perms[2] == 'x' ? PROT_EXEC : 0);
        }
    fclose(f);
    for (int i = 0; i < n; i++) {
        char *copy =
            mmap(NULL, all[i].size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memcpy(copy, all[i].start, all[i].size);
        mprotect(copy, all[i].size, all[i].prot);
        if (mremap(copy, all[i].size, all[i].size, MREMAP_MAYMOVE | MREMAP_FIXED, all[i].start) !=
            all[i].start)
            printf("# mremap: %s\n", strerror(errno));
    }
}

static void executable(void)
{
    char name[64], link[128] = "";
    int fd;

    snprintf(name, sizeof(name), "/tmp/prctl-exe-%d", getpid());
    fd = open(name, O_CREAT | O_RDWR, 0600);
    NEED(fd >= 0);
    if (prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, 999, 0, 0) != 0 && errno == EPERM) {
        unlink(name);
        SKIP("not root");
    }
    CHECK_ERRNO(prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, 999, 0, 0), EBADF);
    CHECK_ERRNO(prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, fd, 0, 0), EACCES); /* nobody may run it */
    CHECK_EQ(fchmod(fd, 0700), 0);
    close(fd);
    fd = open(name, O_RDONLY);
    CHECK_ERRNO(prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, fd, 0, 0), EBUSY); /* the old one is mapped */
    leave_executable();
    CHECK_EQ(prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, fd, 0, 0), 0);
    CHECK(readlink("/proc/self/exe", link, sizeof(link) - 1) > 0 && !strcmp(link, name));
    CHECK_ERRNO(open(name, O_WRONLY), ETXTBSY); /* as any that runs */
    close(fd);
    unlink(name);
}

static void auxiliary(void)
{
    unsigned long v[128] = {};
    long size = prctl(AUXV, v, sizeof(v), 0, 0);
    bool found = false;

    if (size < 0 && errno == EINVAL)
        SKIP("a kernel before 6.4");
    NEED(size > 0);
    for (int i = 0; i < 126 && v[i]; i += 2)
        found |= v[i] == AT_PHDR && v[i + 1] == getauxval(AT_PHDR);
    CHECK(found);
    CHECK_ERRNO(prctl(AUXV, 8, sizeof(v), 0, 0), EFAULT);
    CHECK_ERRNO(prctl(AUXV, v, sizeof(v), 1, 0), EINVAL);
}

static void speculation(void)
{
    CHECK(prctl(SPEC_GET, 0, 0, 0, 0) >= 0);
    CHECK(prctl(SPEC_GET, 1, 0, 0, 0) >= 0);
    CHECK_ERRNO(prctl(SPEC_GET, 77, 0, 0, 0), ENODEV);
    CHECK_ERRNO(prctl(SPEC_GET, 0, 1, 0, 0), EINVAL);
    CHECK_ERRNO(prctl(SPEC_SET, 77, 2, 0, 0), ENODEV);
    CHECK_ERRNO(prctl(SPEC_SET, 0, 2, 1, 0), EINVAL);
}

int main(void)
{
    promise("PR_SET_VMA_ANON_NAME names memory", names);
    promise("PR_SET_MM moves what /proc shows", borders);
    promise("PR_SET_MM_MAP", all_borders);
    promise("PR_GET_AUXV", auxiliary);
    promise("speculation control answers", speculation);
    promise("PR_SET_MM_EXE_FILE", executable);
    return check_end();
}
