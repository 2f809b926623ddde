#include "file.h"

#include "say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
