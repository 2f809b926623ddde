/* A bad access: what, where, whose; then the panic. */
#include "arch/x86_64/memory_map.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/symbols.h"
#include "core/thread.h"
#include "sanitize/shadow.h"

enum { AROUND = 16 };

static const struct {
    uint8_t mark;
    const char *what;
} kinds[] = {
    {SANITIZE_ALLOCA_LEFT, "below an array on the stack"},
    {SANITIZE_ALLOCA_RIGHT, "behind an array on the stack"},
    {SANITIZE_STACK_LEFT, "below the variables on the stack"},
    {SANITIZE_STACK_MIDDLE, "between variables on the stack"},
    {SANITIZE_STACK_RIGHT, "behind the variables on the stack"},
    {SANITIZE_SCOPE, "a variable out of its scope"},
    {SANITIZE_GLOBAL, "behind a global variable"},
    {SANITIZE_HEAP_REDZONE, "outside an object of the heap"},
    {SANITIZE_HEAP_FREE, "a freed object of the heap"},
    {SANITIZE_KAREA_FREE, "a freed range of the kernel area"},
    {SANITIZE_FRAME_FREE, "a free frame"},
};

static const char *kind_of(uintptr_t bad)
{
    switch (shadow_where(bad)) {
    case SHADOW_PROGRAM:
        return bad < PAGE_SIZE ? "a null pointer" : "program memory outside mm/uaccess";
    case SHADOW_WILD:
        return "no memory at all";
    default:
        break;
    }
    int8_t mark = *shadow_of(bad);
    if (mark > 0) /* the end of the last 8 bytes: the next byte says of what */
        mark = shadow_of(bad)[1];
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
        if (kinds[i].mark == (uint8_t)mark)
            return kinds[i].what;
    return mark ? "an unknown mark" : "the end of an object";
}

void trace_take(struct trace *trace)
{
    uintptr_t rbp = (uintptr_t)__builtin_frame_address(0), top = this_cpu()->kstack_top;
    unsigned n = 0;

    *trace = (struct trace){};
    while (n < TRACE_DEPTH && top - rbp < KSTACK_SIZE && top - rbp >= 16 && rbp % 8 == 0) {
        const uintptr_t *frame = (const uintptr_t *)rbp;
        if ((int64_t)frame[1] >= 0 || frame[0] <= rbp)
            break;
        trace->pc[n++] = frame[1];
        rbp = frame[0];
    }
}

static void print_address(uintptr_t addr)
{
    char name[SYMBOL_NAME] = "?";
    size_t offset = 0;

    symbol_at(addr, name, &offset, NULL);
    log_at(LOG_PANIC, "  %016lx %s+%#zx", addr, name, offset);
}

void trace_print(const char *what, const struct trace *trace)
{
    if (!trace->pc[0])
        return;
    log_at(LOG_PANIC, "%s:", what);
    for (unsigned i = 0; i < TRACE_DEPTH && trace->pc[i]; i++)
        print_address((uintptr_t)(int64_t)(int32_t)trace->pc[i]);
}

static void print_shadow(uintptr_t bad)
{
    const uint8_t *s = (const uint8_t *)ALIGN_DOWN((uintptr_t)shadow_of(bad), (uintptr_t)AROUND);
    log_at(LOG_PANIC,
           "shadow of %016lx: %02x %02x %02x %02x %02x %02x %02x %02x "
           "%02x %02x %02x %02x %02x %02x %02x %02x",
           ((uintptr_t)s - SHADOW_OFFSET) << 3, s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7],
           s[8], s[9], s[10], s[11], s[12], s[13], s[14], s[15]);
}

void sanitize_report(uintptr_t addr, size_t size, bool write, uintptr_t bad, uintptr_t caller)
{
    log_in_panic = true; /* no checks from here on */
    char name[SYMBOL_NAME] = "?";
    const char *kind = kind_of(bad);
    size_t offset = 0;

    symbol_at(caller, name, &offset, NULL);
    log_at(LOG_PANIC, "sanitizer: %s of %zu bytes at %016lx in %s+%#zx: %s",
           write ? "write" : "read", size, addr, name, offset, kind);
    if (bad != addr)
        log_at(LOG_PANIC, "the first bad byte is %016lx, number %zu", bad, bad - addr);
    if (shadow_where(bad) == SHADOW_THERE) {
        print_shadow(bad);
        sanitize_describe_heap(bad);
    }
    panic("sanitizer: %s of %zu bytes at %016lx: %s", write ? "write" : "read", size, addr, kind);
}
