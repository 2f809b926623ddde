/* net/proc_sysctl.h: kinds of files below /proc/sys/net: numbers within bounds, and those that only
 * tell. */
#pragma once

#include "fs/pseudo.h"

/* A number that may be written. */
struct sysctl_number {
    int *value;
    int64_t least, most;
};
int sysctl_show_number(struct text *text, const struct pseudo *self); /* arg: sysctl_number */
int sysctl_store_number(const struct pseudo *self, const char *text, size_t len);
int sysctl_show_constant(struct text *text, const struct pseudo *self); /* arg: the number */
int sysctl_show_text(struct text *text, const struct pseudo *self);     /* arg: the text */
/* Up to n numbers with blanks between; how many there are, or -EINVAL. */
int sysctl_parse(const char *text, size_t len, int64_t *numbers, unsigned n);

#define SYSCTL(n, variable, low, high)                                                             \
    {                                                                                              \
        .name = (n), .mode = S_IFREG | 0644, .show = sysctl_show_number,                           \
        .store = sysctl_store_number, .arg = (uintptr_t) & (struct sysctl_number)                  \
        {                                                                                          \
            (int *)&(variable), (low), (high)                                                      \
        }                                                                                          \
    }
#define SYSCTL_CONSTANT(n, v)                                                                      \
    {                                                                                              \
        .name = (n), .mode = S_IFREG | 0444, .show = sysctl_show_constant, .arg = (uint64_t)(v)    \
    }
#define SYSCTL_TEXT(n, s)                                                                          \
    {                                                                                              \
        .name = (n), .mode = S_IFREG | 0444, .show = sysctl_show_text, .arg = (uintptr_t)(s)       \
    }
#define SYSCTL_FILE(n, show_fn, store_fn, a)                                                       \
    {                                                                                              \
        .name = (n), .mode = S_IFREG | 0644, .show = (show_fn), .store = (store_fn),               \
        .arg = (uint64_t)(a)                                                                       \
    }
#define SYSCTL_FOLDER(n, t)                                                                        \
    {                                                                                              \
        .name = (n), .mode = S_IFDIR | 0555, .table = (t), .ntable = ARRAY_SIZE(t)                 \
    }

extern const struct pseudo_entry sysctl_ipv4_conf, sysctl_ipv6_conf; /* proc_sysctl_conf.c */
