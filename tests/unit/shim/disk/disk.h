/* shim/disk/disk.h: what disk drivers need of the kernel, on the host: time that a test lets pass,
 * one rescue, and requests that are given to a driver and counted when they end. Included once, by
 * the test, which supplies the model of a device. */
#pragma once

#include <asm/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/boot.h"
#include "core/cpu.h"
#include "core/timer.h"
#include "drivers/block/block.h"
#include "drivers/block/rescue.h"
#include "drivers/pci/pci.h"
#include "lib/errno.h"
#include "mm/heap.h"

#define NEED(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("not ok - %s:%d: %s (seed %lu)\n", __FILE__, __LINE__, #cond, first_seed);      \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static unsigned long seed, first_seed;
static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return (unsigned)(seed >> 33) % n;
}

/* --- memory: all that is left over goes at the next start */

static void *blocks[4096];
void *kzalloc(size_t size)
{
    void *p = aligned_alloc(4096, ALIGN_UP(size, 4096ul));
    unsigned i = 0;
    while (blocks[i])
        NEED(++i < ARRAY_SIZE(blocks));
    return blocks[i] = memset(p, 0, size);
}
void *kmalloc(size_t size)
{
    return kzalloc(size);
}
void kfree(void *p)
{
    for (unsigned i = 0; i < ARRAY_SIZE(blocks) && p; i++)
        if (blocks[i] == p)
            blocks[i] = NULL;
    free(p);
}

/* --- time */

static nsec_t now = 1;
static struct timer *timers[8];
static unsigned ntimers;

static void model_step(void); /* the test's: the device goes on, and interrupts */

nsec_t clock_monotonic(void)
{
    return now += 1000;
}
int thread_sleep_until(nsec_t deadline, bool interruptible)
{
    now = MAX(now, deadline);
    model_step();
    return 0;
}
void timer_init(struct timer *timer, void (*fire)(struct timer *))
{
    *timer = (struct timer){.fire = fire};
    NEED(ntimers < ARRAY_SIZE(timers));
    timers[ntimers++] = timer;
}
void timer_start(struct timer *timer, nsec_t deadline)
{
    timer->armed = true;
    timer->deadline = deadline;
}
static void pass_time(nsec_t span)
{
    now += span;
    for (unsigned i = 0; i < ntimers; i++)
        if (timers[i]->armed && timers[i]->deadline <= now) {
            timers[i]->armed = false;
            timers[i]->fire(timers[i]);
        }
}

static struct rescue *rescue;
int rescue_init(struct rescue *r, void (*run)(struct rescue *))
{
    r->run = run;
    rescue = r;
    return 0;
}
void rescue_call(struct rescue *r)
{
    r->wanted = true;
}
nsec_t disk_timeout(void)
{
    return 30000000000;
}
static void run_rescue(void)
{
    while (rescue && rescue->wanted) {
        rescue->wanted = false;
        rescue->run(rescue);
    }
}

/* --- the machine */

static struct cpu cpu;
struct cpu *cpus[CPUS_MAX] = {&cpu};
unsigned ncpus = 1;
struct boot_info boot_info;

void log_at(int level, const char *fmt, ...)
{
}

static irq_handler_t *handler;
static void *handler_arg;
static unsigned char bar[1 << 16];
static struct pci_device pci = {.place = "pci 00:01.0"};

volatile void *pci_map_bar(const struct pci_device *device, unsigned n, uint32_t offset,
                           uint32_t length)
{
    NEED((uint64_t)offset + length <= sizeof(bar));
    return bar + offset;
}
void pci_enable(const struct pci_device *device, uint16_t bits)
{
}
static bool mastering = true;
uint16_t pci_read16(const struct pci_device *device, unsigned offset)
{
    return mastering ? PCI_COMMAND_MASTER : 0;
}
void pci_write16(const struct pci_device *device, unsigned offset, uint16_t value)
{
    mastering = value & PCI_COMMAND_MASTER;
}
int pci_msix_enable(struct pci_device *device)
{
    return -ENODEV;
}
int pci_msix_bind(struct pci_device *device, unsigned entry, const struct cpu *to,
                  irq_handler_t *fn, void *arg)
{
    return -EINVAL;
}
int pci_msi_bind(struct pci_device *device, const struct cpu *to, irq_handler_t *fn, void *arg)
{
    handler = fn;
    handler_arg = arg;
    return 0;
}
int pci_irq_bind(struct pci_device *device, const struct cpu *to, irq_handler_t *fn, void *arg)
{
    return pci_msi_bind(device, to, fn, arg);
}
static bool has_line;
int pci_line_bind(const struct pci_device *device, irq_handler_t *fn, void *arg)
{
    if (!has_line)
        return -ENODEV;
    handler = fn;
    handler_arg = arg;
    return 0;
}

/* --- the block layer */

enum { REQUESTS = 64, DISK_BYTES = 1 << 20, MEMORY = 3 << 16 };
static struct block_device *disk; /* the one under test */
static uint8_t medium[DISK_BYTES], expected[DISK_BYTES];

static struct job {
    struct block_request request;
    uint8_t *memory;
    bool busy, waiting;
    int error;
} jobs[REQUESTS];
static unsigned under_way, ended, failed;
static bool honest;     /* the device */
static int faulty = -1; /* but for one job's part of the disk */

int block_register(struct block_device *device)
{
    list_init(&device->waiting);
    disk = device;
    return 0;
}
uint32_t block_extended_rdev(void)
{
    return 1;
}
int block_name_sd(struct block_device *device)
{
    strcpy(device->name, "sda");
    return 0;
}
void block_name_sr(struct block_device *device)
{
    strcpy(device->name, "sr0");
}
static void submit(struct job *job)
{
    job->waiting = false;
    int err = disk->ops->submit(disk, &job->request);
    job->waiting |= err == -EBUSY;
    if (err < 0 && err != -EBUSY)
        block_done(&job->request, err);
}
void block_has_room(struct block_device *device)
{
    for (unsigned i = 0; i < REQUESTS; i++)
        if (jobs[i].waiting)
            submit(&jobs[i]);
}
void block_done(struct block_request *request, int error)
{
    struct job *job = container_of(request, struct job, request);
    NEED(job->busy);
    job->busy = job->waiting = false;
    job->error = error;
    NEED(!error || !honest || (faulty >= 0 && job == &jobs[faulty]));
    under_way--;
    ended++;
    failed += error != 0;
    uint64_t at = request->sector * 512;
    for (unsigned i = 0; honest && !error && i < request->nsegments && request->op == BLOCK_READ;
         i++) {
        NEED(!memcmp(request->segments[i].data, expected + at, request->segments[i].len));
        at += request->segments[i].len;
    }
}

/* Random memory in up to 16 pieces: neighbours, pages, or anywhere in multiples of `align`. */
static void shape(struct job *job, unsigned align)
{
    struct block_request *r = &job->request;
    unsigned block = disk->limits.logical_block, at = rnd(MEMORY / 2) / align * align,
             style = rnd(3);
    unsigned most = MIN(disk->limits.segments, (uint32_t)BLOCK_SEGMENTS), total = 0;
    r->nsegments = 1 + rnd(most);
    if (style == 1)
        at = ALIGN_UP(at, 4096u);
    for (unsigned i = 0; i < r->nsegments; i++) {
        unsigned len = style == 1 ? 4096 : (1 + rnd(8)) * block;
        len = MIN(len, disk->limits.segment_size);
        if (at + len > MEMORY || total + len > DISK_BYTES / REQUESTS) {
            r->nsegments = i;
            break;
        }
        r->segments[i] = (struct block_segment){job->memory + at, len};
        total += len;
        at += len + (style == 2 ? rnd(4096) / align * align : style == 1 ? rnd(2) * 4096 : 0);
    }
    if (!r->nsegments) {
        r->nsegments = 1;
        r->segments[0] = (struct block_segment){job->memory, total = block};
    }
    r->nsectors = total / 512;
}

/* Give the driver one more request, if one is free: each has a part of the disk to itself. */
static void begin_one(unsigned align)
{
    unsigned n = rnd(REQUESTS);
    struct job *job = &jobs[n];
    struct block_request *r = &job->request;
    if (job->busy)
        return;
    if (!job->memory)
        job->memory = kzalloc(MEMORY);
    *r = (struct block_request){.op = rnd(2) ? BLOCK_WRITE : BLOCK_READ, .device = disk};
    r->sector = (uint64_t)n * (DISK_BYTES / REQUESTS / 512);
    if (rnd(16) == 0) {
        *r = (struct block_request){.op = BLOCK_FLUSH, .device = disk};
    } else {
        shape(job, align);
        uint64_t at = r->sector * 512;
        for (unsigned i = 0; i < r->nsegments && r->op == BLOCK_WRITE; i++) {
            memset(r->segments[i].data, (int)rnd(256), r->segments[i].len);
            memcpy(expected + at, r->segments[i].data, r->segments[i].len);
            at += r->segments[i].len;
        }
    }
    job->busy = true;
    under_way++;
    submit(job);
}

/* Does memory that a device is told of belong to a request under way? */
static bool owned(const uint8_t *p, size_t n)
{
    for (unsigned i = 0; i < REQUESTS; i++)
        if (jobs[i].busy && !jobs[i].waiting && p >= jobs[i].memory &&
            p + n <= jobs[i].memory + MEMORY)
            return true;
    return false;
}

static void world_begin(unsigned long s)
{
    seed = first_seed = s;
    cpu.self = &cpu;
    syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu);
    for (unsigned i = 0; i < ARRAY_SIZE(blocks); i++) {
        free(blocks[i]);
        blocks[i] = NULL;
    }
    memset(jobs, 0, sizeof(jobs));
    handler = NULL;
    ntimers = 0;
    rescue = NULL;
    disk = NULL;
    mastering = true;
    under_way = ended = failed = 0;
    memset(medium, 0, sizeof(medium));
    memset(expected, 0, sizeof(expected));
}
