#include "mm/uaccess.h"

#include "arch/x86_64/entry.h"
#include "arch/x86_64/irqflags.h"
#include "core/thread.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/frame.h"

/* mm/copy.S */
size_t copy_fallible(void *dst, const void *src, size_t n);
size_t zero_fallible(void *dst, size_t n);

size_t user_read_partial(void *dst, uintptr_t src, size_t n)
{
    return likely(user_range_ok(src, n)) ? copy_fallible(dst, (const void *)src, n) : n;
}

size_t user_write_partial(uintptr_t dst, const void *src, size_t n)
{
    return likely(user_range_ok(dst, n)) ? copy_fallible((void *)dst, src, n) : n;
}

int user_read(void *dst, uintptr_t src, size_t n)
{
    return likely(!user_read_partial(dst, src, n)) ? 0 : -EFAULT;
}

int user_write(uintptr_t dst, const void *src, size_t n)
{
    return likely(!user_write_partial(dst, src, n)) ? 0 : -EFAULT;
}

int user_zero(uintptr_t dst, size_t n)
{
    return user_range_ok(dst, n) && !zero_fallible((void *)dst, n) ? 0 : -EFAULT;
}

/* --- single values -----------------------------------------------------------------------------
 */

#define LOAD(name, type, instruction)                                                              \
    static inline int name(uintptr_t src, type *value)                                             \
    {                                                                                              \
        type v;                                                                                    \
        asm goto("1: " instruction " (%1), %0\n" FIXUP("1b", "%l[fault]")                          \
                 : "=r"(v)                                                                         \
                 : "r"(src)                                                                        \
                 : "memory"                                                                        \
                 : fault);                                                                         \
        *value = v;                                                                                \
        return 0;                                                                                  \
    fault:                                                                                         \
        return -EFAULT;                                                                            \
    }
#define STORE(name, type, instruction)                                                             \
    static inline int name(uintptr_t dst, type value)                                              \
    {                                                                                              \
        asm goto("1: " instruction " %1, (%0)\n" FIXUP("1b", "%l[fault]")                          \
                 :                                                                                 \
                 : "r"(dst), "r"(value)                                                            \
                 : "memory"                                                                        \
                 : fault);                                                                         \
        return 0;                                                                                  \
    fault:                                                                                         \
        return -EFAULT;                                                                            \
    }
LOAD(load32, uint32_t, "movl")
LOAD(load64, uint64_t, "movq")
LOAD(load8, uint8_t, "movb")
STORE(store32, uint32_t, "movl")
STORE(store64, uint64_t, "movq")
#undef LOAD
#undef STORE

int user_get32(uintptr_t src, uint32_t *value)
{
    return likely(src < USER_END) ? load32(src, value) : -EFAULT;
}

int user_get64(uintptr_t src, uint64_t *value)
{
    return likely(src < USER_END) ? load64(src, value) : -EFAULT;
}

int user_put32(uintptr_t dst, uint32_t value)
{
    return likely(dst < USER_END) ? store32(dst, value) : -EFAULT;
}

int user_put64(uintptr_t dst, uint64_t value)
{
    return likely(dst < USER_END) ? store64(dst, value) : -EFAULT;
}

int user_cmpxchg32(uintptr_t dst, uint32_t *expected, uint32_t desired)
{
    uint32_t seen = *expected;

    if (unlikely(dst >= USER_END))
        return -EFAULT;
    asm goto("1: lock cmpxchgl %2, (%1)\n" FIXUP("1b", "%l[fault]")
             : "+a"(seen)
             : "r"(dst), "r"(desired)
             : "memory", "cc"
             : fault);
    if (seen == *expected)
        return 0;
    *expected = seen;
    return 1;
fault:
    return -EFAULT;
}

/* No fault may be taken here, so the tables are read instead. Interrupts are off: while they are,
 * no flush of this CPU comes to its end, and until then neither tables nor frames are freed. */
int user_get32_nofault(uintptr_t src, uint32_t *value)
{
    struct address_space *space = current->space;
    unsigned level = 1;

    if (!space || src >= USER_END || src % 4)
        return -EFAULT;
    uint64_t flags = irq_save();
    pte_t *entry = paging_walk(space->pml4, src, &level, false);
    pte_t pte = entry ? __atomic_load_n(entry, __ATOMIC_RELAXED) : 0;
    if (pte & PTE_PRESENT) {
        paddr_t mask = (level == 2 ? HUGE_SIZE : PAGE_SIZE) - 1;
        *value = *(volatile uint32_t *)phys_to_virt((pte & PTE_ADDR_MASK & ~mask) | (src & mask));
    }
    irq_restore(flags);
    return pte & PTE_PRESENT ? 0 : -EFAULT;
}

/* --- strings -----------------------------------------------------------------------------------
 */

/* Byte by byte up to a word boundary and at the end; a word never reaches into the next page. */
ssize_t user_read_string(char *dst, uintptr_t src, size_t size)
{
    const uint64_t ones = 0x0101010101010101ul;
    size_t n = 0;

    while (n < size) {
        if (unlikely(src + n >= USER_END))
            return -EFAULT;
        uint64_t word;
        if ((src + n) % 8 == 0 && size - n >= 8) {
            if (load64(src + n, &word))
                return -EFAULT;
            memcpy(dst + n, &word, 8);
            uint64_t zeros = (word - ones) & ~word & ones << 7;
            if (zeros)
                return n + __builtin_ctzl(zeros) / 8;
            n += 8;
            continue;
        }
        uint8_t byte;
        if (load8(src + n, &byte))
            return -EFAULT;
        dst[n] = byte;
        if (!byte)
            return n;
        n++;
    }
    return -ENAMETOOLONG;
}

/* --- transfers ---------------------------------------------------------------------------------
 */

/* How much of n the current segment takes, and where; skips empty segments. 0: the io is used up.
 */
static size_t segment(struct io *io, size_t n, uintptr_t *addr)
{
    while (io->niov && io->offset == io->iov->len) {
        io->iov++;
        io->niov--;
        io->offset = 0;
    }
    if (!io->niov)
        return 0;
    *addr = io->iov->base + io->offset;
    n = MIN(n, io->left);
    return MIN(n, io->iov->len - io->offset);
}

static void consume(struct io *io, size_t n)
{
    io->offset += n;
    io->left -= n;
}

size_t io_put(struct io *io, const void *src, size_t n)
{
    size_t done = 0, part;
    uintptr_t addr;

    while (done < n && (part = segment(io, n - done, &addr))) {
        size_t left = 0;
        if (io->kernel)
            memcpy((void *)addr, (const char *)src + done, part);
        else
            left = user_write_partial(addr, (const char *)src + done, part);
        consume(io, part - left);
        done += part - left;
        if (left)
            break;
    }
    return done;
}

size_t io_get(struct io *io, void *dst, size_t n)
{
    size_t done = 0, part;
    uintptr_t addr;

    while (done < n && (part = segment(io, n - done, &addr))) {
        size_t left = 0;
        if (io->kernel)
            memcpy((char *)dst + done, (const void *)addr, part);
        else
            left = user_read_partial((char *)dst + done, addr, part);
        consume(io, part - left);
        done += part - left;
        if (left)
            break;
    }
    return done;
}

size_t io_zero(struct io *io, size_t n)
{
    size_t done = 0, part;
    uintptr_t addr;

    while (done < n && (part = segment(io, n - done, &addr))) {
        size_t left = 0;
        if (io->kernel)
            memset((void *)addr, 0, part);
        else
            left = user_range_ok(addr, part) ? zero_fallible((void *)addr, part) : part;
        consume(io, part - left);
        done += part - left;
        if (left)
            break;
    }
    return done;
}

void io_skip(struct io *io, size_t n)
{
    size_t part;
    uintptr_t addr;

    while (n && (part = segment(io, n, &addr))) {
        consume(io, part);
        n -= part;
    }
}
