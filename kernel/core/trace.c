#include "core/trace.h"

#include "core/boot.h"
#include "lib/string.h"

extern struct trace_point __trace_points_start[], __trace_points_end[];

/* Is name one of the words of the list "a,b,c"? "all" stands for every name. */
static bool listed(const char *list, const char *name)
{
    size_t len = strlen(name);

    for (const char *word = list; word; word = strchr(word, ',')) {
        word += *word == ',';
        if (!strncmp(word, name, len) && (word[len] == ',' || !word[len]))
            return true;
        if (!strncmp(word, "all", 3) && (word[3] == ',' || !word[3]))
            return true;
    }
    return false;
}

/* A name may stand for points in several places. */
static __cold int enable_points(void)
{
    const char *list = boot_param("trace");

    if (!list)
        return 0;
    for (struct trace_point *point = __trace_points_start; point < __trace_points_end; point++)
        point->enabled = listed(list, point->name);
    return 0;
}
BOOT_STEP(PHASE_MEMORY, "trace points", enable_points);
