#include "core/log.h"

#include "core/spinlock.h"
#include "lib/string.h"

enum { RING = 16384, LINE = 512, PANIC_SPINS = 1000000 };

int log_level = LOG_NOTICE;
bool log_in_panic;
void (*_Atomic log_news_hook)(void);

static char ring[RING];
static size_t written; /* bytes ever put into the ring */
static struct console *consoles;
static struct spinlock lock;

/* In a panic the holder may never give the lock: it is waited for in bounds. */
static bool take_lock(void)
{
    for (unsigned i = 0; i < PANIC_SPINS; i++) {
        if (!atomic_exchange_explicit(&lock.locked, 1, memory_order_acquire))
            return true;
        asm volatile("pause");
    }
    return false;
}

static void ring_put(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ring[written++ % RING] = text[i];
}

void log_at(int level, const char *fmt, ...)
{
    static const char prefix[] = "osprey: ";
    enum { PREFIX = sizeof(prefix) - 1 };
    char line[LINE];
    memcpy(line, prefix, PREFIX);
    va_list ap;
    va_start(ap, fmt);
    size_t n = vsnprintf(line + PREFIX, LINE - PREFIX - 1, fmt, ap) + PREFIX;
    va_end(ap);
    n = MIN(n, (size_t)LINE - 2);
    line[n++] = '\n';

    uint64_t flags = irq_save();
    bool locked = true;
    if (unlikely(log_in_panic))
        locked = take_lock();
    else
        spin_lock(&lock);
    ring_put(line, n);
    if (level < log_level)
        for (struct console *c = consoles; c; c = c->next)
            c->write(line, n);
    if (locked)
        spin_unlock(&lock);
    irq_restore(flags);
    void (*tell)(void) = atomic_load(&log_news_hook);
    if (unlikely(tell != NULL) && !log_in_panic)
        tell();
}

void console_register(struct console *console)
{
    uint64_t flags = spin_lock_irq(&lock);
    console->next = consoles;
    consoles = console;
    spin_unlock_irq(&lock, flags);
}

__cold size_t log_read(char *buf, size_t size)
{
    uint64_t flags = spin_lock_irq(&lock);
    size_t held = MIN(written, (size_t)RING), n = MIN(held, size);
    for (size_t i = 0; i < n; i++)
        buf[i] = ring[(written - n + i) % RING];
    spin_unlock_irq(&lock, flags);
    return n;
}

uint64_t log_position(void)
{
    return __atomic_load_n(&written, __ATOMIC_RELAXED);
}

__cold size_t log_read_from(uint64_t *from, char *buf, size_t size)
{
    uint64_t flags = spin_lock_irq(&lock);
    uint64_t oldest = written > RING ? written - RING : 0, at = MAX(*from, oldest);
    size_t n = MIN((size_t)(written - at), size);

    for (size_t i = 0; i < n; i++)
        buf[i] = ring[(at + i) % RING];
    spin_unlock_irq(&lock, flags);
    *from = at + n;
    return n;
}

void log_drain(void)
{
    for (struct console *c = consoles; c; c = c->next)
        if (c->drain)
            c->drain();
}
