/* linux/procfs_args.c: what lies in a process's memory: cmdline, environ, auxv of /proc/PID. */
#include "lib/string.h"
#include "linux/procfs.h"
#include "mm/frame.h"

/* Where PR_SET_MM says that they are may be more than any exec would take. */
enum { SHOWN_MAX = 6 << 20 };

static void show_range(struct text *text, struct address_space *space, uintptr_t start,
                       uintptr_t end)
{
    if (end > start && end - start > SHOWN_MAX)
        end = start + SHOWN_MAX;
    while (start < end) {
        size_t n = MIN((size_t)(end - start), PAGE_SIZE - (start & ~PAGE_MASK));
        paddr_t frame;

        if (address_space_pin(space, start, false, &frame) < 0)
            break;
        text_put(text, (const char *)phys_to_virt(frame) + (start & ~PAGE_MASK), n);
        frame_put(frame);
        start += n;
    }
}

static char last_byte(struct address_space *space, uintptr_t end)
{
    paddr_t frame;
    char byte = 0;

    if (address_space_pin(space, end - 1, false, &frame) == 0) {
        byte = ((const char *)phys_to_virt(frame))[(end - 1) & ~PAGE_MASK];
        frame_put(frame);
    }
    return byte;
}

/* argv; a program that writes beyond it (setproctitle) is shown up to the next NUL. */
static int show_cmdline(struct text *text, const struct pseudo *self)
{
    struct address_space *space = subject_space(self);

    if (!space)
        return 0;
    show_range(text, space, space->arg_start, space->arg_end);
    if (space->arg_end > space->arg_start && last_byte(space, space->arg_end))
        show_range(text, space, space->arg_end, space->env_end);
    address_space_put(space);
    return 0;
}

static int show_environ(struct text *text, const struct pseudo *self)
{
    struct address_space *space = subject_space(self);

    if (!space)
        return 0;
    show_range(text, space, space->env_start, space->env_end);
    address_space_put(space);
    return 0;
}

static int show_auxv(struct text *text, const struct pseudo *self)
{
    struct subject s;
    int error = subject_get(self, &s);

    if (error)
        return error;
    text_put(text, (const char *)s.process->auxv, s.process->auxv_words * sizeof(uint64_t));
    subject_put(&s);
    return 0;
}

static const struct pseudo_entry files[] = {
    PSEUDO_FILE("cmdline", show_cmdline),
    PROC_GUARDED("environ", 0400, show_environ),
    PROC_GUARDED("auxv", 0400, show_auxv),
};
PROC_PID_FILES(files, PROC_PROCESS | PROC_THREAD);
