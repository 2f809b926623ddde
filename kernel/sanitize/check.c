/* What the compiler calls (gcc -fsanitize=kernel-address, outline): a check before each access, the
 * shadow of variables that leave their scope, globals at boot. */
#include "arch/x86_64/irqflags.h"
#include "core/boot.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/thread.h"
#include "sanitize/shadow.h"

static inline void check(uintptr_t addr, size_t size, bool write, uintptr_t caller)
{
    enum shadow_where where = shadow_where(addr);
    uintptr_t bad = addr;

    if (where == SHADOW_THERE)
        bad = shadow_find_bad(addr, size);
    else if (where == SHADOW_NOT_YET)
        return;
    if (unlikely(bad && size && !log_in_panic))
        sanitize_report(addr, size, write, bad, caller);
}

#define CALLER ((uintptr_t)__builtin_return_address(0))

#define ACCESS(size)                                                                               \
    void __asan_load##size##_noabort(uintptr_t addr);                                              \
    void __asan_load##size##_noabort(uintptr_t addr)                                               \
    {                                                                                              \
        check(addr, size, false, CALLER);                                                          \
    }                                                                                              \
    void __asan_store##size##_noabort(uintptr_t addr);                                             \
    void __asan_store##size##_noabort(uintptr_t addr)                                              \
    {                                                                                              \
        check(addr, size, true, CALLER);                                                           \
    }
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __asan_loadN_noabort(uintptr_t addr, size_t size);
void __asan_loadN_noabort(uintptr_t addr, size_t size)
{
    check(addr, size, false, CALLER);
}

void __asan_storeN_noabort(uintptr_t addr, size_t size);
void __asan_storeN_noabort(uintptr_t addr, size_t size)
{
    check(addr, size, true, CALLER);
}

void sanitize_check(const void *p, size_t n, bool write)
{
    check((uintptr_t)p, n, write, CALLER);
}

/* --- stacks ------------------------------------------------------------------------------------
 */

/* The frames between here and the stack's top are left without their ends being run. */
void __asan_handle_no_return(void);
void __asan_handle_no_return(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0), top = this_cpu()->kstack_top;
    if (top - here < KSTACK_SIZE)
        sanitize_unpoison((void *)ALIGN_DOWN(here, 8ul), top - ALIGN_DOWN(here, 8ul));
}

void __asan_poison_stack_memory(const void *p, size_t n);
void __asan_poison_stack_memory(const void *p, size_t n)
{
    sanitize_poison(p, n, SANITIZE_SCOPE);
}

void __asan_unpoison_stack_memory(const void *p, size_t n);
void __asan_unpoison_stack_memory(const void *p, size_t n)
{
    sanitize_unpoison(p, n);
}

enum { ALLOCA_ALIGN = 32 };

void __asan_alloca_poison(uintptr_t addr, size_t n);
void __asan_alloca_poison(uintptr_t addr, size_t n)
{
    uintptr_t end = ALIGN_UP(addr + n, (uintptr_t)8);
    sanitize_poison((void *)(addr - ALLOCA_ALIGN), ALLOCA_ALIGN, SANITIZE_ALLOCA_LEFT);
    sanitize_unpoison((void *)addr, n);
    sanitize_poison((void *)end, ALIGN_UP(end, (uintptr_t)ALLOCA_ALIGN) + ALLOCA_ALIGN - end,
                    SANITIZE_ALLOCA_RIGHT);
}

void __asan_allocas_unpoison(uintptr_t top, uintptr_t bottom);
void __asan_allocas_unpoison(uintptr_t top, uintptr_t bottom)
{
    if (top && top < bottom)
        sanitize_unpoison((void *)top, bottom - top);
}

/* --- globals -----------------------------------------------------------------------------------
 */

/* gcc's description of a variable: asan_globals in gcc/asan.c, ABI version 8. */
struct global {
    uintptr_t start;
    size_t size, size_with_redzone;
    const char *name, *module;
    size_t dynamic_init;
    const void *location;
    uintptr_t odr;
};

void __asan_register_globals(const struct global *globals, size_t n);
void __asan_register_globals(const struct global *globals, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t used = ALIGN_UP(globals[i].size, (size_t)8);
        sanitize_unpoison((void *)globals[i].start, globals[i].size);
        sanitize_poison((void *)(globals[i].start + used), globals[i].size_with_redzone - used,
                        SANITIZE_GLOBAL);
    }
}

void __asan_unregister_globals(const struct global *globals, size_t n);
void __asan_unregister_globals(const struct global *globals, size_t n)
{
}

extern void (*const __constructors_start[])(void), (*const __constructors_end[])(void);

static int register_all(void)
{
    for (void (*const *fn)(void) = __constructors_start; fn < __constructors_end; fn++)
        (*fn)();
    log_info("sanitizer: addresses and undefined behaviour");
    return 0;
}
BOOT_STEP(PHASE_ARCH, "sanitizer", register_all);
