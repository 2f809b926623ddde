/* finish.c: what the top of the tree connects between layers that do not know each other. */
#include "arch/x86_64/paging.h"
#include "core/boot.h"
#include "core/log.h"
#include "core/panic.h"
#include "drivers/power.h"
#include "fs/vfs.h"
#include "lib/string.h"
#include "linux/start.h"
#include "main.h"
#include "mm/heap.h"

/* The default command line inside the image (docs/host-guest.md). */
static int read_image_command_line(void)
{
    static const char name[] = "/.osprey/cmdline";
    struct file *file;
    struct path path;
    int err = vfs_lookup(NULL, name, LOOKUP_FOLLOW, &path);
    if (err)
        return err == -ENOENT ? 0 : err;
    err = file_open_path(&path, O_RDONLY, &file);
    path_put(&path);
    if (err)
        return err;
    size_t size = MIN(file->inode->size, (uint64_t)BOOT_CMDLINE_MAX);
    char *text = kmalloc(size + 1);
    ssize_t n = text ? file_read_kernel(file, text, size, 0) : -ENOMEM;
    if (n >= 0)
        err = boot_params_prepend(text, n);
    if (n < 0 || err)
        log_err("%s: unreadable (error %d)", name, n < 0 ? (int)-n : -err);
    kfree(text);
    file_put(file);
    return 0;
}
BOOT_STEP(PHASE_PROGRAM, "image's command line", read_image_command_line);

/* The last thing before the program's first instruction. */
static void program_starts(void)
{
    boot_param("debug_exit"); /* asked for later */
    boot_param("panic");
    boot_param("report");
    bool chart = boot_param("bootchart");
    boot_params_report_unused();
    paging_lockdown();
    boot_mark("program starts");
    if (chart)
        boot_chart_print();
}

static __noreturn void end_after_panic(void)
{
    const char *policy = boot_param("panic");
    if (!boot_param("debug_exit")) /* by which the host learns it as well */
        pvpanic_tell();
    if (policy && !strcmp(policy, "halt"))
        for (;;)
            asm volatile("cli; hlt");
    if (policy && !strcmp(policy, "reboot"))
        machine_reset();
    machine_power_off(POWER_OFF_PANIC);
}

static int connect(void)
{
    program_starting_hook = program_starts;
    panic_end_hook = end_after_panic;
    return 0;
}
BOOT_STEP(PHASE_ARCH, "ends", connect);
