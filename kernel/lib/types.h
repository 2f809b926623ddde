/* lib/types.h: the types, attributes and small macros that every file uses. */
#pragma once

#include <stdalign.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t paddr_t; /* a physical address; 0 means none */
typedef int64_t ssize_t;
typedef int64_t off_t;
typedef int64_t nsec_t; /* nanoseconds: a point of the monotonic clock, or a span */

/* No deadline: waits as long as it takes. */
#define NSEC_FOREVER INT64_MAX

/* Device- and disk-endian fields: read and written through the accessors of lib/endian.h. */
typedef struct {
    uint16_t raw;
} le16_t;
typedef struct {
    uint32_t raw;
} le32_t;
typedef struct {
    uint64_t raw;
} le64_t;

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ul
#define PAGE_MASK  (~(PAGE_SIZE - 1))
#define HUGE_SHIFT 21
#define HUGE_SIZE  (1ul << HUGE_SHIFT)

#define ARRAY_SIZE(a)    (sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a)   (((x) + ((typeof(x))(a)-1)) & ~((typeof(x))(a)-1))
#define ALIGN_DOWN(x, a) ((x) & ~((typeof(x))(a)-1))
#define IS_ALIGNED(x, a) (((x) & ((typeof(x))(a)-1)) == 0)
#define MIN(a, b)                                                                                  \
    ({                                                                                             \
        typeof(a) a_ = (a);                                                                        \
        typeof(b) b_ = (b);                                                                        \
        a_ < b_ ? a_ : b_;                                                                         \
    })
#define MAX(a, b)                                                                                  \
    ({                                                                                             \
        typeof(a) a_ = (a);                                                                        \
        typeof(b) b_ = (b);                                                                        \
        a_ > b_ ? a_ : b_;                                                                         \
    })
#define container_of(p, t, m) ((t *)((char *)(p)-offsetof(t, m)))

#define likely(x)      __builtin_expect(!!(x), 1)
#define unlikely(x)    __builtin_expect(!!(x), 0)
#define __packed       __attribute__((packed))
#define __noreturn     __attribute__((noreturn))
#define __printf(f, a) __attribute__((format(printf, f, a)))
#define __must_check   __attribute__((warn_unused_result))
#define __section(s)   __attribute__((section(s)))
#define __used         __attribute__((used))
#define __cold         __attribute__((cold)) /* runs rarely: for size, in a file of HOT, too */
#define __unused       __attribute__((unused))

/* Written during boot only; read-only from boot phase LOCKDOWN on. */
#define __after_boot_readonly     __section(".bss.ro")           /* zero before */
#define __after_boot_readonly_set __section(".data.rel.ro.boot") /* with a value before */
