#include "file.h"

#include "say.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void put_file(const char *folder, const char *name, const char *from, const char *text)
{
    char *path = formatted("%s/%s", folder, name);
    static char buffer[1 << 20];
    FILE *to = fopen(path, "we"), *source = from ? fopen(from, "re") : NULL;
    size_t n;

    if (!to || (from && !source))
        die(STATUS_FAILED, "%s: %s", to ? from : path, strerror(errno));
    if (text)
        fputs(text, to);
    while (source && (n = fread(buffer, 1, sizeof buffer, source)) > 0)
        fwrite(buffer, 1, n, to);
    if (source)
        fclose(source);
    if (ferror(to) || fclose(to))
        die(STATUS_FAILED, "%s: %s", path, strerror(errno));
    free(path);
}

struct text get_file(const char *path)
{
    struct text text = {0};
    char buffer[1 << 16];
    FILE *file = fopen(path, "re");
    struct stat st;
    size_t n;

    if (!file || fstat(fileno(file), &st))
        die(STATUS_FAILED, "%s: %s", path, strerror(errno));
    while ((n = fread(buffer, 1, sizeof buffer, file)) > 0)
        text_add(&text, buffer, n);
    if (ferror(file))
        die(STATUS_FAILED, "%s: %s", path, strerror(errno));
    fclose(file);
    text_add(&text, "", 0);
    return text;
}

void replace_file(const char *path, const struct text *text)
{
    char *fresh = formatted("%s.new.%d", path, getpid());
    struct stat st;
    FILE *file;

    scratch(fresh);
    file = stat(path, &st) ? NULL : fopen(fresh, "we");
    if (!file || fchmod(fileno(file), st.st_mode & 07777) ||
        fwrite(text->data, 1, text->size, file) != text->size || fclose(file) ||
        rename(fresh, path))
        die(STATUS_FAILED, "%s: %s", path, strerror(errno));
    scratch_keep(fresh);
    free(fresh);
}

static char *volatile scratches[8];

void scratch_remove(void)
{
    struct stat st;

    for (size_t i = sizeof scratches / sizeof *scratches; i-- > 0;) { /* a folder after its files */
        if (!scratches[i] || lstat(scratches[i], &st))
            continue;
        if (S_ISDIR(st.st_mode))
            rmdir(scratches[i]);
        else if (S_ISREG(st.st_mode))
            unlink(scratches[i]);
    }
}

static void on_signal(int number)
{
    scratch_remove();
    signal(number, SIG_DFL);
    raise(number);
}

void scratch(const char *path)
{
    static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
    static bool called;
    struct sigaction action = {.sa_handler = on_signal}, old;
    size_t i = 0;

    while (i < sizeof scratches / sizeof *scratches - 1 && scratches[i])
        i++;
    scratches[i] = copy(path);
    for (i = 0; i < sizeof ending / sizeof *ending; i++)
        if (!sigaction(ending[i], NULL, &old) && old.sa_handler == SIG_DFL)
            sigaction(ending[i], &action, NULL);
    if (!called)
        atexit(scratch_remove);
    called = true;
}

void scratch_keep(const char *path)
{
    for (size_t i = 0; i < sizeof scratches / sizeof *scratches; i++)
        if (scratches[i] && !strcmp(scratches[i], path))
            scratches[i] = NULL;
}
