/* man 2 prctl: PR_SET_VMA, PR_SET_MM, PR_GET_AUXV, speculation, PR_SCHED_CORE. */
#include "check.h"
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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
    promise("PR_GET_AUXV", auxiliary);
    promise("speculation control answers", speculation);
    return check_end();
}
