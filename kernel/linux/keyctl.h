/* linux/keyctl.h: how a call about keys runs: its arguments are read, then it does its work with
 * keys_lock held, again after each key that it has to wait for, then its answer is written. */
#pragma once

#include "linux/syscall.h"

enum { KEY_NAME_MAX = 4096, KEY_TYPE_MAX = 32, KEY_PAYLOAD_MAX = (1 << 20) - 1 };

struct keys_call {
    uint64_t a[4];           /* what follows the operation */
    char type[KEY_TYPE_MAX]; /* "": not given */
    char *name, *data;       /* kmalloc, freed at the end */
    size_t len;              /* of data */
    char *out;               /* the answer for a[1], which has room for a[2] bytes; kmalloc */
    size_t out_len;
};
typedef int64_t keys_call_fn(struct keys_call *call);

/* Run it and free what it has. fn NULL: give this error. */
int64_t keys_run(struct keys_call *call, keys_call_fn *fn, int error);
int keys_read_type(uintptr_t from,
                   char type[KEY_TYPE_MAX]); /* -EFAULT, -EINVAL, -EPERM (reserved) */
/* At most `most` bytes with NUL, else -EINVAL; -EFAULT, -ENOMEM. */
int keys_read_text(uintptr_t from, size_t most, char **text);
