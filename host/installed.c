#include "installed.h"

#include "root.h"
#include "say.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *installed(const char *name)
{
    static const char *const folders[] = {"..", "../lib/osprey"};
    char self[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);

    self[size < 0 ? 0 : size] = 0;
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = 0;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[PATH_MAX], *place = formatted("%s/%s", folders[i], name);
        bool there = path_join(path, self, place) && !access(path, R_OK);
        free(place);
        if (there)
            return copy(path);
    }
    die(STATUS_FAILED, "%s is missing: build it with make", name);
}
