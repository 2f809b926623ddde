/* fs/mapped.c: mappings hold the open file that they were made from: for its name. */
#include "core/boot.h"
#include "fs/vfs.h"

static void get(void *file)
{
    file_get(file);
}

static void put(void *file)
{
    file_put(file);
}

static int start(void)
{
    mapping_file_get_hook = get;
    mapping_file_put_hook = put;
    return 0;
}
BOOT_STEP(PHASE_BUS, "mapped files", start);
