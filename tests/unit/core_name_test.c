// sources: kernel/linux/core_name.c
// flags: -Ikernel
/* core_pattern: what each specifier stands for, that no name leads into another folder, how `|` is
 * split, and that no pattern writes beyond its buffer (the sanitizers watch). */
#include "linux/core_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static const struct core_names names = {
    .pid = 12,
    .tid = 34,
    .signo = 11,
    .dumpable = 1,
    .cpu = 3,
    .uid = 1000,
    .gid = 100,
    .time = 1700000000,
    .limit = ~0ull,
    .host = "box",
    .comm = "a/b",
    .exe = "/usr/bin/x y",
};

static void expect(const char *pattern, const struct core_names *n, int words, const char *want,
                   size_t size)
{
    char out[200];
    bool pipe;
    int got = core_name(pattern, n, &pipe, out, sizeof out);
    bool good = got == words && pipe == (*pattern == '|') && (got <= 0 || !memcmp(out, want, size));

    printf("%sok - %s\n", good ? "" : "not ", pattern);
    if (!good && got > 0)
        printf("# %d words: %s\n", got, out);
    failures += !good;
}
#define EXPECT(pattern, words, want) expect(pattern, &names, words, want, sizeof(want))

static void mutants(void)
{
    static const char bytes[] = "|% pPiIugdstchefECx/.\t";
    bool good = true;

    srand(1);
    for (int i = 0; i < 20000; i++) {
        char pattern[CORE_PATTERN_MAX], *out;
        size_t n = (size_t)rand() % sizeof pattern, size = (size_t)rand() % 60 + 1;
        bool pipe;
        int words;

        for (size_t j = 0; j < n; j++)
            pattern[j] = bytes[(size_t)rand() % (sizeof bytes - 1)];
        pattern[n < sizeof pattern ? n : n - 1] = 0;
        out = malloc(size);
        words = core_name(pattern, &names, &pipe, out, size);
        /* As many words as it says must lie in the buffer. */
        for (size_t at = 0; words > 0; words--) {
            size_t len = strnlen(out + at, size - at);
            good &= at + len < size;
            at += len + 1;
        }
        free(out);
    }
    printf("%sok - random patterns stay within their buffer\n", good ? "" : "not ");
    failures += !good;
}

int main(void)
{
    struct core_names with_pid = names, dots = names;

    EXPECT("core", 1, "core");
    EXPECT("core.%p", 1, "core.12");
    EXPECT("%P-%i-%I-%u-%g-%d-%s-%t-%C", 1, "12-34-34-1000-100-1-11-1700000000-3");
    EXPECT("%c", 1, "18446744073709551615");
    EXPECT("/tmp/%e.%h", 1, "/tmp/a!b.box");
    EXPECT("%E", 1, "!usr!bin!x y");
    EXPECT("%f", 1, "x y");
    EXPECT("100%%", 1, "100%");
    EXPECT("a%zb%", 1, "ab");
    EXPECT("", 0, "");
    EXPECT("|/bin/save %p %E", 3, "/bin/save\00012\0!usr!bin!x y");
    EXPECT("|/bin/save   %s\t%t", 3, "/bin/save\00011\0001700000000");
    EXPECT("|", 0, "");
    with_pid.uses_pid = true;
    expect("core", &with_pid, 1, "core.12", 8);
    expect("core-%p", &with_pid, 1, "core-12", 8);
    expect("|/bin/x", &with_pid, 1, "/bin/x", 7);
    dots.comm = "..";
    dots.exe = NULL;
    expect("%e", &dots, 1, "!.", 3);
    expect("%f", &dots, 1, "!.", 3);
    mutants();
    return failures > 0;
}
