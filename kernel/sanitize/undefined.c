/* What the compiler calls where behaviour is undefined (gcc -fsanitize=undefined): every one of
 * them gets a description that starts with the place in the source; then the panic. */
#include "core/log.h"
#include "core/panic.h"
#include "lib/string.h"

struct source_place {
    const char *file;
    uint32_t line, column;
};

struct type {
    uint16_t kind, info; /* info: bit 0 signed, above it the logarithm of the bits */
    char name[];
};

struct place_only {
    struct source_place place;
};

struct typed {
    struct source_place place;
    const struct type *type, *second;
};

struct mismatch {
    struct source_place place;
    const struct type *type;
    uint8_t log_alignment, access;
};

#define HANDLER(name, ...)                                                                         \
    void __ubsan_handle_##name(__VA_ARGS__);                                                       \
    void __ubsan_handle_##name(__VA_ARGS__)

static __noreturn __printf(2, 3) void report(const struct source_place *place, const char *fmt, ...)
{
    static char text[160];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    panic("undefined: %s:%u:%u: %s", place->file, place->line, place->column, text);
}

HANDLER(type_mismatch_v1, const struct mismatch *m, uintptr_t p)
{
    uintptr_t alignment = 1ul << m->log_alignment;
    report(&m->place, "%s %#lx for an object of type %s",
           !p              ? "null pointer"
           : p % alignment ? "misaligned address"
                           : "too little room at",
           p, m->type->name);
}

HANDLER(out_of_bounds, const struct typed *t, uint64_t index)
{
    report(&t->place, "index %ld outside %s", (int64_t)index, t->type->name);
}

HANDLER(shift_out_of_bounds, const struct typed *t, uint64_t left, uint64_t right)
{
    report(&t->place, "%s %#lx shifted by %ld", t->type->name, left, (int64_t)right);
}

HANDLER(divrem_overflow, const struct typed *t, uint64_t left, uint64_t right)
{
    report(&t->place, "%s %ld divided by %ld", t->type->name, (int64_t)left, (int64_t)right);
}

HANDLER(load_invalid_value, const struct typed *t, uint64_t value)
{
    report(&t->place, "%s holds %#lx", t->type->name, value);
}

HANDLER(pointer_overflow, const struct place_only *p, uintptr_t base, uintptr_t result)
{
    report(&p->place, "address %#lx plus an offset is %#lx", base, result);
}

HANDLER(vla_bound_not_positive, const struct typed *t, uint64_t bound)
{
    report(&t->place, "array of %ld elements", (int64_t)bound);
}

HANDLER(builtin_unreachable, const struct place_only *p)
{
    report(&p->place, "what cannot be reached is");
}

HANDLER(missing_return, const struct place_only *p)
{
    report(&p->place, "a function without its value returned");
}

HANDLER(nonnull_arg, const struct place_only *p)
{
    report(&p->place, "null pointer argument");
}

HANDLER(invalid_builtin, const struct place_only *p)
{
    report(&p->place, "zero for a count of bits");
}

#define OVERFLOWS(op)                                                                              \
    HANDLER(op##_overflow, const struct typed *t, uint64_t left, uint64_t right)                   \
    {                                                                                              \
        report(&t->place, "%s overflows (" #op "): %ld, %ld", t->type->name, (int64_t)left,        \
               (int64_t)right);                                                                    \
    }
OVERFLOWS(add)
OVERFLOWS(sub)
OVERFLOWS(mul)

HANDLER(negate_overflow, const struct typed *t, uint64_t value)
{
    report(&t->place, "%s negated: %ld", t->type->name, (int64_t)value);
}
