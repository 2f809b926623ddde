// sources: kernel/lib/cmdline.c
// flags: -Ikernel
/* The kernel's command line: words, quotes, escapes; and 10,000 mutants that must not harm. */
#include "lib/cmdline.h"
#include "lib/errno.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void check(int ok, const char *what)
{
    printf("%s - %s\n", ok ? "ok" : "not ok", what);
    failures += !ok;
}

/* Split into a block of exactly len + 1 bytes, so that the sanitizer sees any byte beyond. */
static int split(const char *text, size_t len, char **out, unsigned *program)
{
    char *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    *out = malloc(len + 1);
    int n = cmdline_split(copy, len, *out, len + 1, program);
    free(copy);
    return n;
}

static void check_words(const char *text, int count, unsigned program, const char *words,
                        size_t size, const char *what)
{
    char *out;
    unsigned p = 99;
    int n = split(text, strlen(text), &out, &p);
    check(n == count && (n < 0 || (p == program && !memcmp(out, words, size))), what);
    free(out);
}

static void mutants(void)
{
    static const char seed[] = "env=A=\"b c\" cwd=/ tsc_khz=1 -- \"a\\x41\\n\" \"\" x\\ \"q\\\"";
    srand(7);
    int bad = 0;
    for (int i = 0; i < 10000; i++) {
        char text[sizeof(seed)];
        memcpy(text, seed, sizeof(seed));
        size_t len = rand() % sizeof(seed);
        for (int k = rand() % 8; k > 0; k--)
            text[rand() % sizeof(seed)] = rand() % 3 ? "\"\\x -n0\t"[rand() % 8] : rand();
        char *out;
        unsigned program = 0;
        int n = split(text, len, &out, &program);
        const char *end = out + len + 1, *word = out;
        if (n > (int)len || (n >= 0 && program > (unsigned)n))
            bad++;
        for (int w = 0; w < n; w++) {
            const char *zero = memchr(word, 0, end - word);
            if (!zero) {
                bad++;
                break;
            }
            word = zero + 1;
        }
        free(out);
    }
    check(bad == 0, "10,000 mutants give words that end, or an error");
}

int main(void)
{
    check_words("a b=c", 2, 2, "a\0b=c", 6, "words are parted by blanks");
    check_words("  a\t\n", 1, 1, "a", 2, "blanks around words do not count");
    check_words("", 0, 0, "", 0, "an empty line has no words");
    check_words("x -- p 1", 3, 1,
                "x\0p\0"
                "1",
                6, "the program stands behind --");
    check_words("-- p -- q", 3, 0, "p\0--\0q", 7, "only the first -- parts");
    check_words("\"--\" a", 2, 2, "--\0a", 5, "a quoted -- is a word");
    check_words("e=\"a b\"c \"\"", 2, 2, "e=a bc\0", 8, "quotes keep blanks; an empty word");
    check_words("\"\\\"\\\\\\n\\t\\x7f\\xC3\"", 1, 1, "\"\\\n\t\x7f\xc3", 7, "escapes");
    check_words("\"a", -EINVAL, 0, "", 0, "an open quote is refused");
    check_words("\"\\q\"", -EINVAL, 0, "", 0, "an unknown escape is refused");
    check_words("\"\\x00\"", -EINVAL, 0, "", 0, "an escaped NUL is refused");
    check_words("\"\\x1", -EINVAL, 0, "", 0, "an escape cut short is refused");
    char small[2];
    unsigned program;
    check(cmdline_split("abc", 3, small, 2, &program) == -E2BIG, "too small a place is told");
    char place[] = "a \"b c\" -- \"\\x41\" d";
    int n = cmdline_split(place, sizeof(place) - 1, place, sizeof(place), &program);
    check(n == 4 && program == 2 && !memcmp(place, "a\0b c\0A\0d", 10),
          "a line is split in its own place");
    mutants();
    return failures != 0;
}
