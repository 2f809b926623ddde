// sources: host/[!m]*.c
// flags: -D_GNU_SOURCE -Ihost
/* What the command reads of its own arguments and of small foreign texts: sizes and times,
 * dependency fields, #! lines, superblocks, paths and links inside a root. */
#include "debian.h"
#include "image.h"
#include "options.h"
#include "program.h"
#include "root.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int failures;

static void check(bool good, const char *what)
{
    printf("%sok - %s\n", good ? "" : "not ", what);
    failures += !good;
}

static void sizes(void)
{
    check(parse_size("256M") == 256ull << 20 && parse_size("1g") == 1ull << 30 &&
              parse_size("512K") == 512 << 10 && parse_size("64") == 64 << 20 &&
              parse_size("1.5GiB") == 3ull << 29 && parse_size("2T") == 2ull << 40,
          "sizes");
    check(!parse_size("") && !parse_size("M") && !parse_size("-1M") && !parse_size("1X") &&
              !parse_size("1MM") && !parse_size("0") && !parse_size("99999999999999999999T"),
          "what is no size");
    check(parse_seconds("5") == 5000 && parse_seconds("0.5") == 500 &&
              parse_seconds("2m") == 120000 && parse_seconds("1h") == 3600000 &&
              parse_seconds("0.0001") == 1,
          "times");
    check(!parse_seconds("") && !parse_seconds("x") && !parse_seconds("-1") &&
              !parse_seconds("1d") && !parse_seconds("1ss") && !parse_seconds("1e3"),
          "what is no time");
}

static void dependencies(void)
{
    static const char field[] =
        "libc6 (>= 2.34), python3:any (>= 3~) <!nocheck> | python3-all [amd64 i386],\n libx1,"
        " , foo|bar (<< 1";
    static const char wanted[] = "libc6 python3 |python3-all libx1 foo |bar ";
    const char *cursor = field;
    char name[128], got[256] = "";
    bool alternative;

    while (depends_next(&cursor, name, &alternative)) {
        strcat(got, alternative ? "|" : "");
        strcat(got, name);
        strcat(got, " ");
    }
    check(!strcmp(got, wanted), "a dependency field");
}

static bool line_is(const char *text, const char *interpreter, const char *argument)
{
    char got_interpreter[PATH_MAX], got_argument[PATH_MAX];

    return script_line(text, strlen(text), got_interpreter, got_argument) &&
           !strcmp(got_interpreter, interpreter) && !strcmp(got_argument, argument);
}

static void scripts(void)
{
    char unused[PATH_MAX];

    check(line_is("#!/bin/sh\nx", "/bin/sh", "") &&
              line_is("#! \t/bin/sh  -e -u \r\n", "/bin/sh", "-e -u") &&
              line_is("#!/usr/bin/env perl", "/usr/bin/env", "perl"),
          "#! lines");
    check(!script_line("#!", 2, unused, unused) && !script_line("#! \n/x", 6, unused, unused) &&
              !script_line("#", 1, unused, unused),
          "what is no #! line");
}

static void superblocks(void)
{
    uint8_t *block = calloc(1, 4096);
    bool good = true;

    check(image_fault(block, 100, 100) && image_fault(block, 4096, 4096), "no superblock");
    memcpy(block + 1024, "\xe2\xe1\xf5\xe0", 4);
    block[1024 + 12] = 12;
    block[1024 + 36] = 1;
    check(!image_fault(block, 4096, 4096), "a plain superblock");
    block[1024 + 36] = 2;
    check(image_fault(block, 4096, 4096) != NULL, "more blocks than the file has");
    for (int i = 0; i < 20000; i++) {
        block[1024 + i % 128] = (uint8_t)rand();
        good &= !image_fault(block, 4096, 4096) || true;
    }
    check(good, "random superblocks do no harm");
    free(block);
}

static bool joined(const char *base, const char *path, const char *wanted)
{
    char out[PATH_MAX];

    return path_join(out, base, path) && !strcmp(out, wanted);
}

static void paths(void)
{
    char *huge = calloc(1, 3 * PATH_MAX);
    char out[PATH_MAX];

    check(joined("/a", "b", "/a/b") && joined("/a", "/b", "/b") && joined("/", "..", "/") &&
              joined("/a/b", "../.././c//d/", "/c/d") && joined("/a", "", "/a"),
          "paths are joined");
    memset(huge, 'x', 3 * PATH_MAX - 1);
    check(!path_join(out, "/", huge), "a path too long is refused");
    for (int i = 0; i < 3 * PATH_MAX - 1; i += 2)
        huge[i] = '/';
    check(!path_join(out, "/", huge), "so is one of many parts");
    free(huge);
}

/* Links in a folder that stands for the root. */
static void roots(void)
{
    char folder[] = "/tmp/host_parse_test.XXXXXX", real[PATH_MAX];
    struct stat st;
    struct root root = {.folder = mkdtemp(folder)};

    if (!root.folder || chdir(folder) || mkdir("etc", 0755) || symlink("/etc/../etc", "link") ||
        symlink("../../../../etc", "etc/up") || symlink("loop", "loop"))
        abort();
    fclose(fopen("etc/file", "w"));
    check(!root_stat(&root, "/link/file", real, &st) && !strcmp(real, "/etc/file"),
          "an absolute link stays inside the root");
    check(!root_stat(&root, "/etc/up/file", real, &st) && !strcmp(real, "/etc/file"),
          "so does one that climbs");
    check(root_stat(&root, "/loop", real, &st) == -ELOOP, "a loop ends");
    check(root_stat(&root, "/etc/file/x", real, &st) == -ENOTDIR, "below a file is nothing");
    check(root_stat(&root, "/etc/passwd", real, &st) == -ENOENT, "the host's files are not there");
    check(!root_stat(&root, "/", real, &st) && !strcmp(real, "/"), "the root itself");
    if (unlink("etc/file") || unlink("etc/up") || unlink("link") || unlink("loop") ||
        rmdir("etc") || chdir("/") || rmdir(folder))
        abort();
}

int main(void)
{
    sizes();
    dependencies();
    scripts();
    superblocks();
    paths();
    roots();
    return failures != 0;
}
