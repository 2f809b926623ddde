// sources: host/calls.c host/text.c host/say.c
// flags: -D_GNU_SOURCE -Ihost
/* Which programs, files, folders and libraries the texts of scripts and makefiles name; texts
 * with bytes changed at random. */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void check(bool good, const char *what)
{
    printf("%sok - %s\n", good ? "" : "not ", what);
    failures += !good;
}

static bool has(const struct words *words, const char *word)
{
    for (size_t i = 0; i < words->count; i++)
        if (!strcmp(words->item[i], word))
            return true;
    return false;
}

/* Whether the list has the words in `wanted`, parted by spaces, and no word in `unwanted`. */
static bool list_is(const struct words *words, const char *wanted, const char *unwanted)
{
    char *all = strdup(wanted), *none = strdup(unwanted), *save;
    bool good = true;

    for (char *word = strtok_r(all, " ", &save); word; word = strtok_r(NULL, " ", &save))
        good &= has(words, word);
    for (char *word = strtok_r(none, " ", &save); word; word = strtok_r(NULL, " ", &save))
        good &= !has(words, word);
    free(all);
    free(none);
    return good;
}

static struct calls scan(enum grammar grammar, const char *text)
{
    struct calls calls = {0};

    calls_scan(&calls, grammar, text, strlen(text));
    return calls;
}

static const char *const scripts[] = {
    "sh -c make -j2 && ./prog arg.txt | sort -r; ls",
    "if a; then X=1 b \"$(c d)\" `e`; fi # f g\nh \\\n i\nwhile j <k >l; do m; done",
    "find . | xargs -P4 -n 2 cat x | env A=bc d; timeout 5 e; sh -ec 'f -lg'; gcc -lm -o o o.c",
    "cd there && make; git -C tree log; git clone /from to; make -Cdir",
};

static void shells(void)
{
    struct calls calls = scan(GRAMMAR_SHELL, scripts[0]);
    check(list_is(&calls.programs, "sh make ./prog sort ls", "-j2 arg.txt -r") &&
              list_is(&calls.files, "arg.txt", "make") && calls.makes_here && !calls.moved,
          "a command's line");
    calls_free(&calls);
    calls = scan(GRAMMAR_SHELL, scripts[1]);
    check(list_is(&calls.programs, "a 1 b c e h j m", "if then d f g i do done") &&
              list_is(&calls.files, "d i k l", "f g"),
          "a shell's words, substitutions, comments");
    calls_free(&calls);
    calls = scan(GRAMMAR_SHELL, scripts[2]);
    check(list_is(&calls.programs, "find xargs cat env bc d timeout e sh f gcc", "-P4 2 5 x") &&
              list_is(&calls.libraries, "g m", "o") && list_is(&calls.files, "o o.c x", ""),
          "programs that start programs");
    calls_free(&calls);
    calls = scan(GRAMMAR_SHELL, scripts[3]);
    check(list_is(&calls.folders, "there tree /from to dir", "log clone") && calls.moved &&
              !calls.makes_here && !calls.git_here,
          "folders of cd, make and git");
    calls_free(&calls);
    calls = scan(GRAMMAR_SHELL, "git status");
    check(calls.git_here, "git in the working folder");
    calls_free(&calls);
}

static const char makefile[] = "CC = clang\nCFLAGS := -O2\nLDLIBS += -lz \\\n -lcrypto\n"
                               "V = $(shell pkg-config --libs foo)\nall: x y # z\n\t@-$(CC) -o x\n"
                               "\tpython3 gen.py | tee out\n";

static void makefiles(void)
{
    struct calls calls = scan(GRAMMAR_MAKE, makefile);

    check(list_is(&calls.programs, "clang pkg-config python3 tee CC", "x y z V") &&
              list_is(&calls.libraries, "z crypto", "") && list_is(&calls.files, "gen.py", "z"),
          "a makefile");
    calls_free(&calls);
}

static const char python[] = "import subprocess\nsubprocess.run(['seq', '3'])\n"
                             "os.system(\"sort a | uniq\")\nx = {'k': \"don't\"}\n";

static void languages(void)
{
    struct calls calls = scan(GRAMMAR_STRINGS, python);
    check(calls.starts && list_is(&calls.programs, "seq sort uniq", "import a subprocess"),
          "strings of a program that starts others");
    calls_free(&calls);
    calls = scan(GRAMMAR_STRINGS, "print('seq', 'sort')");
    check(!calls.starts && !calls.programs.count, "strings of a program that starts none");
    calls_free(&calls);
}

static bool terminated(const struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        if (!words->item[i][0] || strlen(words->item[i]) > 255)
            return false;
    return true;
}

/* Whatever the bytes: words that are none too long, and no more than the limit. */
static void mutants(void)
{
    static const char bytes[] = "\n\t \\'\"`$(){};|&<>=#-lC\0a\xff";
    char text[sizeof makefile + sizeof python];
    bool good = true;

    srand(1);
    for (int i = 0; i < 30000; i++) {
        size_t size = (size_t)rand() % (sizeof makefile - 1) + 1;
        memcpy(text, i & 1 ? makefile : python, i & 1 ? size : sizeof python);
        size = i & 1 ? size : sizeof python;
        for (int n = rand() % 20; n-- > 0;)
            text[(size_t)rand() % size] = bytes[(size_t)rand() % (sizeof bytes - 1)];
        char *exact = malloc(size); /* so that a byte behind the end is found */
        memcpy(exact, text, size);
        struct calls calls = {0};
        calls_scan(&calls, (enum grammar)(i % 3), exact, size);
        good &= terminated(&calls.programs) && terminated(&calls.files);
        calls_free(&calls);
        free(exact);
    }
    check(good, "texts with changed bytes");
}

static void bounds(void)
{
    struct text text = {0};

    for (int i = 0; i < 300; i++)
        text_char(&text, 'x');
    for (int i = 0; i < 20000; i++)
        text_format(&text, ";c%d f%d", i, i);
    struct calls calls = {0};
    calls_scan(&calls, GRAMMAR_SHELL, text.data, text.size);
    check(calls.programs.count + calls.files.count == 10000 && has(&calls.programs, "c0"),
          "long words and many of them");
    calls_free(&calls);
    text_free(&text);
}

int main(void)
{
    shells();
    makefiles();
    languages();
    mutants();
    bounds();
    return failures != 0;
}
