// clang-format off
// sources: kernel/drivers/virtio/device.c kernel/drivers/virtio/queue_split.c kernel/drivers/virtio/queue_packed.c
// sources: kernel/drivers/virtio/virtio_rng.c kernel/drivers/virtio/virtio_balloon.c
// sources: kernel/drivers/virtio/virtio_blk.c kernel/drivers/console/virtio_console.c
// sources: tests/unit/shim/virtio_drivers_end.c
// flags: -Itests/unit/shim -Ikernel -w
// clang-format on
/* Devices that break their contract, each driver in front of each kind (virtio-net's has a test of
 * its own): a used index out of range, a buffer that was not given, a length beyond the buffer, a
 * device in trouble; and each also with a status that does not go to 0. They are reset, reported
 * once and left alone, whoever waits for them is woken, and what was under way ends with an error.
 * A device that cannot be reset in the first place is not used. */
#include <asm/prctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "core/cpu.h"
#include "core/log.h"
#include "core/mutex.h"
#include "core/timer.h"
#include "core/waitqueue.h"
#include "drivers/block/block.h"
#include "drivers/virtio/queue.h"
#include "fs/stream.h"
#include "fs/vfs.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"

/* The system's headers have other names of the kernel's. */
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void free(void *p);
void exit(int status);
int fork(void);
int waitpid(int pid, int *status, int options);
long syscall(long number, ...);

asm(".pushsection .virtio_drivers, \"aw\"\n"
    ".globl __virtio_drivers_start\n"
    "__virtio_drivers_start:\n"
    ".popsection");

static const char *scene = "";
static void check(bool ok, const char *what)
{
    if (ok)
        return;
    printf("not ok - %s: %s\n", scene, what);
    exit(1);
}

/* --- what the kernel supplies */

void *kmalloc(size_t size)
{
    return malloc(size);
}
void *kzalloc(size_t size)
{
    return calloc(1, size);
}
void *kcalloc(size_t n, size_t size)
{
    return calloc(n, size);
}
void kfree(void *p)
{
    free(p);
}
void kfree_sized(void *p, size_t size)
{
    (void)size;
    free(p);
}

static char said[4096];
static unsigned nsaid; /* that a device is out of use */
void log_at(int level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(said, sizeof(said), format, args);
    va_end(args);
    nsaid += strstr(said, "out of use") != NULL;
}

unsigned long shim_flushes;
static struct cpu cpu;
unsigned ncpus = 1;
struct cpu *cpus[CPUS_MAX] = {&cpu};

nsec_t clock_monotonic(void)
{
    return 0;
}
void timer_init(struct timer *timer, void (*fire)(struct timer *))
{
    *timer = (struct timer){.fire = fire};
}
static struct timer *due; /* at once */
void timer_start(struct timer *timer, nsec_t deadline)
{
    if (!deadline)
        due = timer;
}
void mutex_lock(struct mutex *mutex)
{
}
void mutex_unlock(struct mutex *mutex)
{
}
bool mutex_is_mine(const struct mutex *mutex)
{
    return false;
}
void thread_resched_point(void)
{
}

static enum lie { INDEX, STRANGER, LENGTH, TROUBLE, LIES } lie; /* LIES: none */
static void misbehave(void);
static struct waitqueue *asleep;
static bool woken;
unsigned waitqueue_wake(struct waitqueue *queue, unsigned count, unsigned events)
{
    woken |= queue == asleep;
    return 0;
}
void wait_prepare(struct waitqueue *queue, struct waiter *waiter, unsigned flags)
{
    asleep = queue;
}
/* Whoever sleeps sees the device misbehave, and must be told. */
int wait_sleep(unsigned flags, nsec_t deadline)
{
    woken = false;
    if (lie == LIES)
        return -ETIMEDOUT;
    misbehave();
    check(woken, "who waits for the device is woken");
    return 0;
}
void wait_finish(struct waitqueue *queue, struct waiter *waiter)
{
    asleep = NULL;
}

static void (*thread)(void *arg);
static void *thread_arg;
struct thread *kthread_start(const char *name, void (*entry)(void *), void *arg)
{
    thread = entry;
    thread_arg = arg;
    return (struct thread *)1;
}

void random_add(const void *seed, size_t n)
{
}
static const struct file_ops *hwrng;
int chardev_register(uint32_t rdev, const char *name, uint32_t mode, const struct file_ops *ops)
{
    hwrng = ops;
    return 0;
}
size_t io_put(struct io *io, const void *from, size_t n)
{
    io->left -= n;
    return n;
}

static struct stream *stream;
void stream_register(struct stream *s)
{
    stream = s;
}

static struct block_device *disk;
static unsigned nrooms;
void block_name(struct block_device *device, const char *prefix, unsigned n)
{
    snprintf(device->name, sizeof(device->name), "%s%u", prefix, n);
}
int block_register(struct block_device *device)
{
    disk = device;
    return 0;
}
void block_done(struct block_request *request, int error)
{
    request->done(request, error);
}
void block_has_room(struct block_device *device)
{
    nrooms++;
}
void block_resized(struct block_device *device, uint64_t sectors)
{
}

static paddr_t nframes;
paddr_t frame_alloc(unsigned order, unsigned flags)
{
    return ++nframes << 12;
}
void frame_free(paddr_t frame, unsigned order)
{
}
void frame_get_stats(struct frame_stats *stats)
{
    *stats = (struct frame_stats){.total = 1000, .free = 500};
}
paddr_t frame_take_unreported(unsigned *order)
{
    return 0;
}
void frame_put_reported(paddr_t block, unsigned order)
{
}
unsigned (*frame_reclaim_hooks[FRAME_RECLAIMS])(void);

/* --- the device */

enum { NEEDS_RESET = 64, QUEUES = 8 };
static const char *const lies[] = {"a used index out of range", "a buffer that was not given",
                                   "a length beyond the buffer", "trouble"};
static struct virtqueue *queues[QUEUES];
static struct virtio_device device;
static uint8_t status;
static bool stuck, stubborn, told;
static unsigned liar; /* the queue that it lies on */
static uint64_t offers;
static uint8_t configuration[64];

static uint16_t *used_ring(const struct virtqueue *q)
{
    return phys_to_virt(q->device_area);
}

/* The chain that the driver offered last. */
static uint16_t last_offered(const struct virtqueue *q)
{
    const uint16_t *avail = phys_to_virt(q->driver_area);
    return avail[2 + (uint16_t)(avail[1] - 1) % q->size];
}

static void put_used(struct virtqueue *q, uint32_t id, uint32_t len, unsigned by)
{
    uint16_t *used = used_ring(q);
    uint32_t *element = (uint32_t *)(used + 2) + 2 * (used[1] % q->size);
    element[0] = id;
    element[1] = len;
    used[1] += by;
}

/* And then it raises all its interrupts. */
static void misbehave(void)
{
    struct virtqueue *q = queues[liar];
    check(!told, "it is not asked again");
    told = true;
    switch (lie) {
    case INDEX:
        put_used(q, last_offered(q), 1, q->size + 1);
        break;
    case STRANGER:
        put_used(q, q->size + 3, 1, 1);
        break;
    case LENGTH:
        put_used(q, last_offered(q), 1 << 20, 1);
        break;
    default:
        status |= NEEDS_RESET;
    }
    virtio_device_config_interrupt(&device);
    virtio_device_interrupt(&device);
}

static uint64_t get_features(struct virtio_device *d)
{
    return offers;
}
static int set_features(struct virtio_device *d, uint64_t features)
{
    return 0;
}
static uint8_t get_status(struct virtio_device *d)
{
    return status;
}
static void set_status(struct virtio_device *d, uint8_t s)
{
    status = stuck && !s ? status : s;
}
static void config_read(struct virtio_device *d, unsigned offset, void *buf, unsigned len)
{
    memcpy(buf, configuration + offset, len);
}
static void config_write(struct virtio_device *d, unsigned offset, const void *buf, unsigned len)
{
}
static unsigned queue_max(struct virtio_device *d, unsigned index)
{
    return index < QUEUES ? 64 : 0;
}
static int queue_enable(struct virtio_device *d, struct virtqueue *q)
{
    queues[q->index] = q;
    return 0;
}
static void notify(struct virtqueue *q)
{
}
static const struct virtio_transport_ops transport = {.get_features = get_features,
                                                      .set_features = set_features,
                                                      .get_status = get_status,
                                                      .set_status = set_status,
                                                      .config_read = config_read,
                                                      .config_write = config_write,
                                                      .queue_max = queue_max,
                                                      .queue_enable = queue_enable,
                                                      .notify = notify};

static void found(unsigned id, uint64_t features)
{
    offers = features;
    told = stuck = false;
    status = 0;
    nsaid = nrooms = 0;
    due = NULL;
    memset(queues, 0, sizeof(queues));
    device = (struct virtio_device){.ops = &transport, .id = id, .place = "here"};
    virtio_device_add(&device);
    check(device.bound && status & 4, "it is used");
    stuck = stubborn;
}

static void is_out_of_use(void)
{
    check(device.broken && told, "it is out of use");
    check(nsaid == 1 && !strstr(said, "does not stop") == !stuck, "which is told once");
    check(stuck || status == 0, "it is reset");
    virtio_device_broken(&device, "again");
    virtio_device_config_interrupt(&device);
    virtio_device_interrupt(&device);
    check(nsaid == 1, "and left alone");
    for (unsigned i = 0; i < QUEUES; i++) {
        struct virtio_buffer buffer = {said, 1};
        if (queues[i])
            check(virtqueue_add(queues[i], &buffer, 1, 0, said) == -EIO &&
                      !virtqueue_get(queues[i], NULL),
                  "no queue is used");
    }
}

/* --- the drivers */

static void rng(void)
{
    static struct file file;
    found(VIRTIO_ID_RNG, 0);
    put_used(queues[0], last_offered(queues[0]), 64, 1);
    virtio_device_interrupt(&device);
    struct io io = {.left = 100};
    off_t pos = 0;
    liar = 0;
    check(hwrng->read(&file, &io, &pos) == -EIO && io.left == 100, "a reader gets an error");
}

static void balloon(void)
{
    configuration[0] = 4; /* frames wanted */
    found(VIRTIO_ID_BALLOON, 0);
    liar = 0;
    thread(thread_arg);
}

static unsigned nended;
static void ended(struct block_request *request, int error)
{
    check(error == -EIO, "a request ends with an error");
    nended++;
}

static void blk(void)
{
    static uint8_t data[4][512];
    static struct block_request requests[4];
    configuration[0] = 200; /* sectors */
    found(VIRTIO_ID_BLOCK, 0);
    nended = liar = 0;
    for (unsigned i = 0; i < 4; i++) {
        requests[i] = (struct block_request){.op = i % 2 ? BLOCK_WRITE : BLOCK_READ,
                                             .device = disk,
                                             .nsectors = 1,
                                             .nsegments = 1,
                                             .segments = {{data[i], 512}},
                                             .done = ended};
        check(disk->ops->submit(disk, &requests[i]) == 0, "requests are under way");
    }
    misbehave();
    check(due, "they are to be ended");
    due->fire(due);
    check(nended == 4 && nrooms, "all of them end");
    check(disk->ops->submit(disk, &requests[0]) == -EIO, "later ones are refused");
}

static void console(void)
{
    char byte;
    configuration[4] = 1; /* ports */
    found(VIRTIO_ID_CONSOLE, 0);
    liar = 1;
    check(stream->ops->write(stream, "bytes", 5) == 5, "bytes are under way");
    stream->ops->drain(stream);
    check(stream->ops->write(stream, "bytes", 5) < 0, "later ones are refused");
    check(stream->ops->read(stream, &byte, 1) < 0, "and there is nothing to read");
}

/* Control messages of random bytes: named ports are the only ones, and nothing else is touched. */
static void console_messages(void)
{
    static unsigned long seed = 1;
    lie = LIES;
    configuration[4] = 3;
    found(VIRTIO_ID_CONSOLE, 1 << 1);
    struct virtqueue *q = queues[2];
    for (unsigned round = 0; round < 20000; round++) {
        const uint16_t *avail = phys_to_virt(q->driver_area);
        uint16_t id = avail[2 + round % q->size];
        const uint64_t *descriptor = (const uint64_t *)phys_to_virt(q->descriptors) + 2 * id;
        uint8_t *message = phys_to_virt(descriptor[0]);
        for (unsigned i = 0; i < 64; i++) {
            seed = seed * 6364136223846793005ul + 1442695040888963407ul;
            message[i] = seed >> 33;
            if (i < 8 && seed >> 41 & 7)
                message[i] &= i == 0 ? 3 : i == 4 ? 7 : 0;
        }
        put_used(q, id, (seed >> 50) % 65, 1);
        if (stream)
            stream->ops->readable(stream);
        else
            virtio_device_interrupt(&device);
        check(!device.broken, "a message harms nobody");
        if (!stream) /* who looks for names */
            streams_wait_ready();
    }
}

static void cannot_be_reset(void)
{
    stuck = true;
    status = 4;
    memset(queues, 0, sizeof(queues));
    device = (struct virtio_device){.ops = &transport, .id = VIRTIO_ID_BLOCK, .place = "here"};
    virtio_device_add(&device);
    check(!device.bound && !queues[0] && strstr(said, "cannot be reset"),
          "a device that cannot be reset is not used");
}

/* Drivers keep the first device of some kinds: each case has a process of its own. */
static void run(void (*driver)(void), bool lies)
{
    int pid = fork(), how;
    if (pid) {
        check(waitpid(pid, &how, 0) == pid && how == 0, "its process ends well");
        return;
    }
    driver();
    if (lies)
        is_out_of_use();
    exit(0);
}

int main(void)
{
    static void (*const drivers[])(void) = {rng, balloon, blk, console};
    static const char *const names[] = {"rng", "balloon", "blk", "console"};
    static char name[100];
    cpu.self = &cpu;
    syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu);
    scene = name;
    for (unsigned d = 0; d < ARRAY_SIZE(drivers); d++)
        for (unsigned i = 0; i < 2 * LIES; i++) {
            lie = i % LIES;
            stubborn = i >= LIES;
            snprintf(name, sizeof(name), "%s, %s%s", names[d], lies[lie],
                     stubborn ? ", stuck" : "");
            run(drivers[d], true);
        }
    printf("ok - devices that break their contract are out of use\n");
    scene = "reset";
    run(cannot_be_reset, false);
    printf("ok - a device that cannot be reset is not used\n");
    scene = "control messages";
    run(console_messages, false);
    printf("ok - control messages of a console say what they like\n");
    return 0;
}
