// sources: host/quote.c host/text.c host/say.c host/sha256.c kernel/lib/cmdline.c
// flags: -D_GNU_SOURCE -Ihost -Ikernel
/* Words written for the kernel's command line come back from the kernel's own parser; words
 * written for a shell come back from sh; the containers and the hash that the command uses. */
#include "quote.h"
#include "sha256.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* kernel/lib/cmdline.h, whose header wants the kernel's own types. */
int cmdline_split(const char *text, size_t len, char *out, size_t size, unsigned *program);

static int failures;

static void check(bool good, const char *what)
{
    printf("%sok - %s\n", good ? "" : "not ", what);
    failures += !good;
}

static const char *const samples[] = {
    "",
    "plain",
    "--",
    "two words",
    " leading and trailing ",
    "\"quoted\"",
    "back\\slash\\",
    "line\nbreak\ttab",
    "a=b c=d",
    "env=X=\"y\"",
    "\x01\x7f\x80\xff",
    "\\x41",
    "'single'",
    "$(x) `y` ${z} * ? [a] ~ # ; & | < >",
    "import ssl,sqlite3; print(1)",
    "\xc3\xa9",
};
enum { SAMPLES = sizeof samples / sizeof *samples };

/* Write words before and after "--" and compare what the kernel's parser makes of them. */
static bool round_trip(const struct words *before, const struct words *after)
{
    struct text line = {0}, rest = {0};
    unsigned program;
    bool same = true;

    for (size_t i = 0; i < before->count; i++)
        quote_kernel(&line, before->item[i]);
    for (size_t i = 0; i < after->count; i++)
        quote_kernel(&rest, after->item[i]);
    text_format(&line, " -- %s", rest.size ? rest.data : "");
    char *out = malloc(line.size + 1), *at = out;
    int count = cmdline_split(line.data, line.size, out, line.size + 1, &program);
    same = count == (int)(before->count + after->count) && program == before->count;
    for (int i = 0; same && i < count; i++, at += strlen(at) + 1) {
        size_t n = (size_t)i;
        same = !strcmp(at, n < before->count ? before->item[n] : after->item[n - before->count]);
    }
    if (!same)
        printf("# %s\n", line.data);
    free(out);
    text_free(&line);
    text_free(&rest);
    return same;
}

static void kernel_samples(void)
{
    struct words none = {0}, all = {0};

    for (size_t i = 0; i < SAMPLES; i++) {
        struct words one = {0};
        words_add(&one, samples[i]);
        if (strcmp(samples[i], "--"))
            check(round_trip(&one, &one), "a word comes back from the kernel's parser");
        else
            check(round_trip(&none, &one), "-- as an argument comes back");
        words_free(&one);
        words_add(&all, samples[i]);
    }
    check(round_trip(&none, &all), "many arguments come back");
    words_free(&all);
}

static void random_words(void)
{
    bool good = true;

    srand(1);
    for (int round = 0; good && round < 20000; round++) {
        struct words before = {0}, after = {0};
        for (int n = rand() % 8; n; n--) {
            char word[20];
            int size = rand() % 19;
            for (int i = 0; i < size; i++)
                word[i] = (char)(rand() % 3 ? " \"\\nxt-=\n\t"[rand() % 10] : 1 + rand() % 255);
            word[size] = 0;
            bool is_break = !strcmp(word, "--");
            words_add(n % 2 || is_break ? &after : &before, word);
        }
        good = round_trip(&before, &after);
        words_free(&before);
        words_free(&after);
    }
    check(good, "20,000 lines of random words come back");
}

static void shell_samples(void)
{
    struct text line = {0}, wanted = {0}, got = {0};
    char bytes[4096];
    size_t size;

    for (size_t i = 0; i < SAMPLES; i++) {
        quote_shell(&line, samples[i]);
        text_format(&wanted, "%s%c", samples[i], 3);
    }
    struct text command = {0};
    text_format(&command, "printf '%%s\\003' %s", line.data);
    FILE *shell = popen(command.data, "r");
    while (shell && (size = fread(bytes, 1, sizeof bytes, shell)))
        text_add(&got, bytes, size);
    check(shell && !pclose(shell) && got.size == wanted.size &&
              !memcmp(got.data, wanted.data, got.size),
          "words come back from a shell");
    text_free(&line);
    text_free(&wanted);
    text_free(&got);
    text_free(&command);
}

static void maps(void)
{
    struct words keys = {0};
    struct map map = {0};
    bool good = map_get(&map, "x") == -1;

    for (int i = 0; i < 10000; i++)
        words_addf(&keys, "key %d", i);
    for (long i = 0; i < 10000; i++)
        map_put(&map, keys.item[i], i);
    map_put(&map, keys.item[7], 70);
    for (long i = 0; i < 10000; i++)
        good &= map_get(&map, keys.item[i]) == (i == 7 ? 70 : i);
    check(good && map_get(&map, "key 10000") == -1, "a map of 10,000 keys");
    map_free(&map);
    words_free(&keys);
}

/* FIPS 180-4's examples, first 128 bits. */
static void hashes(void)
{
    struct sha256 sha;
    char name[33];

    sha256_start(&sha);
    sha256_add(&sha, "abc", 3);
    sha256_name(&sha, name);
    check(!strcmp(name, "ba7816bf8f01cfea414140de5dae2223"), "SHA-256 of abc");
    sha256_start(&sha);
    for (int i = 0; i < 1000000; i++)
        sha256_add(&sha, "a", 1);
    sha256_name(&sha, name);
    check(!strcmp(name, "cdc76e5c9914fb9281a1c7e284d73e67"), "SHA-256 of a million a");
}

int main(void)
{
    kernel_samples();
    random_words();
    shell_samples();
    maps();
    hashes();
    return failures != 0;
}
