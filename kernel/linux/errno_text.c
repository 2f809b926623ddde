/* linux/errno_text.c: words for error numbers, as people know them from a shell. */
#include "lib/errno.h"
#include "linux/start.h"
#include "lib/types.h"

static const char *const texts[] = {
    [EPERM] = "Operation not permitted",
    [ENOENT] = "No such file or directory",
    [EIO] = "Input/output error",
    [ENXIO] = "No such device or address",
    [E2BIG] = "Argument list too long",
    [ENOEXEC] = "not an executable for x86-64 Linux (Exec format error)",
    [EAGAIN] = "Resource temporarily unavailable",
    [ENOMEM] = "Cannot allocate memory",
    [EACCES] = "Permission denied",
    [EFAULT] = "Bad address in the file (Exec format error)",
    [EEXIST] = "its segments overlap (Exec format error)",
    [ENODEV] = "No such device",
    [ENOTDIR] = "Not a directory",
    [EISDIR] = "Is a directory",
    [EINVAL] = "Invalid argument",
    [EMFILE] = "Too many open files",
    [ETXTBSY] = "Text file busy",
    [ENAMETOOLONG] = "File name too long",
    [ELOOP] = "Too many levels of symbolic links",
    [80] = "the interpreter is not an executable for x86-64 Linux",
};

const char *errno_text(int error)
{
    unsigned number = error < 0 ? (unsigned)-error : (unsigned)error;

    if (number == 0)
        return "";
    return number < ARRAY_SIZE(texts) && texts[number] ? texts[number] : "unexpected error";
}
