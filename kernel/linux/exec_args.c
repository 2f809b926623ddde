/* linux/exec_args.c: arguments and environment on their way from one program to the next. */
#include "lib/string.h"
#include "linux/exec.h"
#include "mm/heap.h"
#include "mm/karea.h"

enum { STRING_MAX = 131072, HEAP_MAX = 1 << 21, FIRST_SIZE = 4096 };
enum { TOTAL_MIN = 128 << 10, TOTAL_MAX = 6 << 20 };

void exec_args_init(struct exec_args *args, const struct process *process)
{
    uint64_t quarter = process->limits[LIMIT_STACK][0] / 4;

    *args = (struct exec_args){};
    args->limit = MAX((uint64_t)TOTAL_MIN, MIN(quarter, (uint64_t)TOTAL_MAX));
}

static void *block_alloc(size_t size)
{
    return size <= HEAP_MAX ? kmalloc(size) : karea_alloc(size >> PAGE_SHIFT);
}

static void block_free(void *block, size_t size)
{
    if (size <= HEAP_MAX)
        kfree(block);
    else
        karea_free(block, size >> PAGE_SHIFT);
}

void exec_args_free(struct exec_args *args)
{
    if (args->strings)
        block_free(args->strings, args->size);
    args->strings = NULL;
}

/* Room for n more bytes. */
static int reserve(struct exec_args *args, size_t n)
{
    size_t size = args->size ? args->size : FIRST_SIZE;
    char *bigger;

    if (args->len + n <= args->size)
        return 0;
    while (size < args->len + n)
        size *= 2;
    bigger = block_alloc(size);
    if (!bigger)
        return -ENOMEM;
    if (args->strings) {
        memcpy(bigger, args->strings, args->len);
        block_free(args->strings, args->size);
    }
    args->strings = bigger;
    args->size = size;
    return 0;
}

/* A string of n bytes with its NUL stands at the end. */
static int took(struct exec_args *args, size_t n)
{
    if (args->len == 0)
        args->first_len = n;
    args->len += n;
    if (args->len + (args->argc + args->envc + 1) * sizeof(uintptr_t) > args->limit)
        return -E2BIG;
    return 0;
}

int exec_args_add(struct exec_args *args, const char *string)
{
    size_t n = strlen(string) + 1;
    int error = n > STRING_MAX ? -E2BIG : reserve(args, n);

    if (error)
        return error;
    memcpy(args->strings + args->len, string, n);
    return took(args, n);
}

int exec_args_add_user(struct exec_args *args, uintptr_t string)
{
    size_t room = 256;

    for (;;) {
        int error = reserve(args, room);
        ssize_t len;

        if (error)
            return error;
        room = MIN(args->size - args->len, (size_t)STRING_MAX);
        len = user_read_string(args->strings + args->len, string, room);
        if (len >= 0)
            return took(args, (size_t)len + 1);
        if (len != -ENAMETOOLONG)
            return (int)len;
        if (room == STRING_MAX || args->len + room > args->limit)
            return -E2BIG;
        room *= 2;
    }
}
