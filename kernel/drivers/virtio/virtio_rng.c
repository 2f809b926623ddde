/* Virtio entropy device (virtio 1.2, 5.4): seeds the kernel's random pool at boot and every few
 * minutes, and is /dev/hwrng.
 *
 * One buffer goes to the device at a time. Its bytes belong to the reader that waits, or, if nobody
 * does, to the pool; a reader's bytes are never mixed in anywhere else. */

#include "core/boot.h"
#include "core/clock.h"
#include "core/mutex.h"
#include "core/random.h"
#include "core/timer.h"
#include "core/waitqueue.h"
#include "drivers/virtio/virtio.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { SEED = 64, BUFFER = 512, QUEUE_SIZE = 8 };
enum { MISC_MAJOR = 10, HWRNG_MINOR = 183 };
#define SEED_AGAIN_NS 300000000000ll
#define SEED_WAIT_NS  100000000ll

struct rng {
    struct virtio_device *device;
    struct virtqueue *vq;
    struct spinlock lock;
    struct mutex readers;
    struct waitqueue came;
    struct timer again;
    uint8_t *buffer;
    /* Under the lock: */
    bool busy;       /* the buffer is the device's */
    bool for_reader; /* what it brings is the reader's */
    bool seeded;
    uint32_t length; /* of what came for the reader; 0: nothing yet */
};

static struct rng *rng; /* the first one; others are of no use */

/* The lock is held. */
static void ask(struct rng *r, uint32_t n, bool for_reader)
{
    struct virtio_buffer b = {r->buffer, n};
    if (r->busy || virtqueue_add(r->vq, &b, 0, 1, r) < 0)
        return;
    r->busy = true;
    r->for_reader = for_reader;
    virtqueue_kick(r->vq);
}

/* The lock is held. */
static void came(struct rng *r, uint32_t len)
{
    r->busy = false;
    if (r->for_reader) {
        r->length = len;
    } else if (len) {
        random_add(r->buffer, len);
        memset(r->buffer, 0, len);
        r->seeded = true;
    }
}

static void used(struct virtqueue *vq)
{
    struct rng *r = virtqueue_owner(vq);
    uint32_t len;
    uint64_t flags = spin_lock_irq(&r->lock);
    while (virtqueue_get(vq, &len))
        came(r, len);
    spin_unlock_irq(&r->lock, flags);
    wake_all(&r->came);
}

static void lost(struct virtio_device *device)
{
    wake_all(&((struct rng *)device->driver)->came);
}

static void seed_again(struct timer *timer)
{
    struct rng *r = container_of(timer, struct rng, again);
    uint64_t flags = spin_lock_irq(&r->lock);
    if (!r->length) /* else the buffer holds a reader's bytes */
        ask(r, SEED, false);
    spin_unlock_irq(&r->lock, flags);
    timer_start(timer, clock_monotonic() + SEED_AGAIN_NS);
}

/* --- /dev/hwrng --------------------------------------------------------------------------- */

/* True: bytes have come, or never will. */
static bool look(struct rng *r, uint32_t n)
{
    uint64_t flags = spin_lock_irq(&r->lock);
    bool done = r->length || r->device->broken;
    if (!done)
        ask(r, n, true);
    spin_unlock_irq(&r->lock, flags);
    return done;
}

/* The buffer is nobody's again; what a reader that was interrupted leaves under way is the pool's.
 */
static void give_back(struct rng *r)
{
    uint64_t flags = spin_lock_irq(&r->lock);
    if (!r->busy)
        memset(r->buffer, 0, BUFFER);
    r->for_reader = false;
    r->length = 0;
    spin_unlock_irq(&r->lock, flags);
}

static ssize_t read_hwrng(struct file *file, struct io *io, off_t *pos)
{
    size_t want = io->left;
    bool nonblock = atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NONBLOCK;
    ssize_t n = 0;
    if (nonblock && want)
        return -EAGAIN; /* nothing is kept ready */
    mutex_lock(&rng->readers);
    while (io->left && n >= 0) {
        uint32_t part = MIN(io->left, (size_t)BUFFER);
        n = WAIT_EVENT(&rng->came, look(rng, part), WAIT_INTERRUPTIBLE, NSEC_FOREVER);
        if (n == 0 && !rng->length)
            n = -EIO;
        if (n == 0 && io_put(io, rng->buffer, MIN(rng->length, part)) == 0)
            n = -EFAULT;
        give_back(rng);
    }
    mutex_unlock(&rng->readers);
    return want - io->left ? (ssize_t)(want - io->left) : n;
}

/* --- setting up --------------------------------------------------------------------------- */

static int probe(struct virtio_device *device)
{
    static const struct file_ops ops = {.read = read_hwrng};
    struct rng *r = rng ? NULL : kzalloc(sizeof(*r));
    uint8_t *buffer = r ? kzalloc(BUFFER) : NULL;
    if (!buffer) {
        kfree(r);
        return rng ? -EBUSY : -ENOMEM;
    }
    r->device = device;
    r->buffer = buffer;
    device->driver = r;
    device->lost = lost;
    waitqueue_init(&r->came);
    timer_init(&r->again, seed_again);
    r->vq = virtqueue_create(device, 0, QUEUE_SIZE, used, r);
    if (!r->vq) {
        kfree(buffer);
        kfree(r);
        return -ENOMEM;
    }
    rng = r;
    virtio_device_ready(device);
    seed_again(&r->again);
    return chardev_register(makedev(MISC_MAJOR, HWRNG_MINOR), "hwrng", 0600, &ops);
}

static bool seeded(void)
{
    return __atomic_load_n(&rng->seeded, __ATOMIC_ACQUIRE) || rng->device->broken;
}

/* The program's stack and first random numbers come after the first seed, unless that takes long.
 */
static int wait_for_seed(void)
{
    if (rng)
        WAIT_EVENT(&rng->came, seeded(), 0, clock_monotonic() + SEED_WAIT_NS);
    return 0;
}
BOOT_STEP(PHASE_FS, "entropy", wait_for_seed);

static const struct virtio_driver rng_driver = {.name = "rng", .id = VIRTIO_ID_RNG, .probe = probe};
VIRTIO_DRIVER(rng_driver);
