#include "shim/vfs.h"

#include "core/clock.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/rcu.h"
#include "fs/pipe.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/hugetlb.h"

void *malloc(size_t n);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t n);
void *aligned_alloc(size_t align, size_t n);
void free(void *p);
void abort(void) __attribute__((noreturn));
long syscall(long nr, ...);

long shim_frames, shim_blocks;
struct cpu *cpus[CPUS_MAX];
unsigned ncpus = 1;
int log_level;
static struct cpu cpu0;
static struct thread thread0;

enum { SYS_ARCH_PRCTL = 158, ARCH_SET_GS = 0x1001 };

void shim_start(void)
{
    cpu0.self = &cpu0;
    cpu0.running = &thread0;
    cpus[0] = &cpu0;
    NEED(syscall(SYS_ARCH_PRCTL, ARCH_SET_GS, &cpu0) == 0);
}

void panic(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("not ok - panic: ");
    vprintf(fmt, ap);
    printf("\n");
    abort();
}

void log_at(int level, const char *fmt, ...)
{
    (void)level, (void)fmt;
}

/* --- heap: short allocations are honest malloc's, so that ASan sees every byte */

void *kmalloc(size_t size)
{
    shim_blocks++;
    return malloc(size);
}
void *kzalloc(size_t size)
{
    shim_blocks++;
    return calloc(1, size);
}
void *kcalloc(size_t n, size_t size)
{
    shim_blocks++;
    return calloc(n, size);
}
void *krealloc(void *p, size_t size)
{
    shim_blocks += !p;
    return realloc(p, size);
}
void kfree(void *p)
{
    shim_blocks -= p != NULL;
    free(p);
}
char *kstrdup(const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(kmalloc(n), s, n);
}
void *kcache_alloc(struct kcache *cache)
{
    return kzalloc(cache->size);
}
void kcache_free(struct kcache *cache, void *object)
{
    (void)cache;
    kfree(object);
}

/* --- frames: a page, and the count of references in another behind it */

static unsigned *refs_of(paddr_t frame)
{
    return (unsigned *)(frame + PAGE_SIZE);
}
paddr_t frame_alloc(unsigned order, unsigned flags)
{
    char *p = aligned_alloc(PAGE_SIZE, 2 * PAGE_SIZE);
    NEED(order == 0);
    memset(p, flags & FRAME_ZERO ? 0 : 0xa5, PAGE_SIZE);
    *refs_of((paddr_t)p) = 1;
    shim_frames++;
    return (paddr_t)p;
}
unsigned frame_reclaim(void)
{
    return 0;
}
void frame_get(paddr_t frame)
{
    ++*refs_of(frame);
}
void frame_put(paddr_t frame)
{
    if (--*refs_of(frame) == 0) {
        shim_frames--;
        free((void *)frame);
    }
}
void frame_free(paddr_t frame, unsigned order)
{
    (void)order;
    frame_put(frame);
}
void frame_get_stats(struct frame_stats *stats)
{
    *stats = (struct frame_stats){.total = 8192, .free = 4096};
}

/* --- locks */

void mutex_lock(struct mutex *mutex)
{
    NEED(mutex->count == 0);
    mutex->count = 1;
}
void mutex_unlock(struct mutex *mutex)
{
    NEED(mutex->count == 1);
    mutex->count = 0;
}
void read_lock(struct rwlock *lock)
{
    NEED(lock->readers >= 0);
    lock->readers++;
}
void read_unlock(struct rwlock *lock)
{
    NEED(lock->readers-- > 0);
}
void write_lock(struct rwlock *lock)
{
    NEED(lock->readers == 0);
    lock->readers = -1;
}
void write_unlock(struct rwlock *lock)
{
    NEED(lock->readers == -1);
    lock->readers = 0;
}

/* --- RCU: callbacks run when nobody can be reading */

static struct rcu_head *waiting;

void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *))
{
    head->fn = fn;
    head->next = waiting;
    waiting = head;
}
void shim_quiescent(void)
{
    while (waiting) {
        struct rcu_head *head = waiting;
        waiting = head->next;
        head->fn(head);
    }
}

void rcu_barrier(void)
{
    shim_quiescent();
}

/* --- what else the file system calls */

nsec_t clock_monotonic(void)
{
    static nsec_t now;
    return now += 1000;
}

nsec_t clock_realtime(void)
{
    static nsec_t now = 1000000000000000000;
    return now += 1000;
}
unsigned waitqueue_wake(struct waitqueue *queue, unsigned count, unsigned events)
{
    (void)queue, (void)count, (void)events;
    return 0;
}
void wait_prepare(struct waitqueue *queue, struct waiter *waiter, unsigned flags)
{
    (void)queue, (void)waiter, (void)flags;
    NEED(!"nothing waits here");
}
int wait_sleep(unsigned flags, nsec_t deadline)
{
    (void)flags, (void)deadline;
    return -EINTR;
}
void wait_finish(struct waitqueue *queue, struct waiter *waiter)
{
    (void)queue, (void)waiter;
}
void mem_object_init(struct mem_object *object, const struct mem_object_ops *ops)
{
    object->ops = ops;
    list_init(&object->mappings);
}
void mem_object_cut(struct mem_object *object, uint64_t first)
{
    (void)object, (void)first;
}
void mem_object_unmap(struct mem_object *object, uint64_t first, uint64_t npages)
{
    (void)object, (void)first, (void)npages;
}
const struct file_ops *chardev_find(uint32_t rdev)
{
    (void)rdev;
    return NULL;
}
const struct file_ops *blockdev_find(uint32_t rdev)
{
    (void)rdev;
    return NULL;
}
const struct file_ops fifo_ops;
int user_put32(uintptr_t dst, uint32_t value)
{
    (void)dst, (void)value;
    return -EFAULT;
}

int hugetlb_take(uint64_t npages)
{
    return npages ? -ENOMEM : 0;
}
void hugetlb_return(uint64_t npages)
{
    NEED(npages == 0);
}

/* One segment of kernel memory. */
size_t io_put(struct io *io, const void *src, size_t n)
{
    n = MIN(n, io->left);
    memcpy((char *)io->iov->base + io->offset, src, n);
    io->offset += n;
    io->left -= n;
    return n;
}
size_t io_get(struct io *io, void *dst, size_t n)
{
    n = MIN(n, io->left);
    memcpy(dst, (char *)io->iov->base + io->offset, n);
    io->offset += n;
    io->left -= n;
    return n;
}
size_t io_zero(struct io *io, size_t n)
{
    n = MIN(n, io->left);
    memset((char *)io->iov->base + io->offset, 0, n);
    io->offset += n;
    io->left -= n;
    return n;
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
    size_t len = strlen(src), n = MIN(len, size - 1);
    memcpy(dst, src, n);
    dst[n] = 0;
    return len;
}
int parse_u64(const char *s, unsigned base, uint64_t *value)
{
    *value = 0;
    for (; *s; s++) {
        if (*s < '0' || *s >= (char)('0' + base))
            return -EINVAL;
        *value = *value * base + *s - '0';
    }
    return 0;
}

struct pseudo_entry;
void proc_register(struct pseudo_entry *entry);
void proc_register(struct pseudo_entry *entry)
{
}
