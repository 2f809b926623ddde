/* drivers/nvme/nvme.h: between the parts of the NVMe driver: a controller (controller.c), its
 * queues (queue.c), its namespaces, which are the disks (namespace.c). */
#pragma once

#include "core/timer.h"
#include "drivers/block/block.h"
#include "drivers/block/rescue.h"
#include "drivers/nvme/identify.h"
#include "drivers/pci/pci.h"

enum { /* registers (NVM Express 1.4, 3.1) */
       NVME_CAP = 0x00,
       NVME_VS = 0x08,
       NVME_INTMS = 0x0c,
       NVME_INTMC = 0x10,
       NVME_CC = 0x14,
       NVME_CSTS = 0x1c,
       NVME_AQA = 0x24,
       NVME_ASQ = 0x28,
       NVME_ACQ = 0x30,
       NVME_DOORBELLS = 0x1000
};
enum { NVME_CSTS_READY = 1, NVME_CSTS_FATAL = 2 };
enum { NVME_ENTRIES = 32, NVME_QUEUES = 64, NVME_TRANSFER = 128 << 10 };

struct nvme_command { /* 4.2 */
    uint8_t opcode, flags;
    uint16_t id;
    uint32_t nsid;
    uint64_t reserved, metadata, prp[2];
    uint32_t word[6]; /* 10 to 15 */
};
_Static_assert(sizeof(struct nvme_command) == 64, "a submission queue's entry");

struct nvme;
struct nvme_queue {
    struct nvme *nvme;
    unsigned id; /* 0: for the administration, which is polled */
    struct spinlock lock;
    uint8_t *area;
    volatile void *doorbells; /* the tail of submissions; the head of completions */
    unsigned tail, head, phase;
    uint32_t used; /* slots under way: their numbers are the commands' */
    struct block_request *requests[NVME_ENTRIES];
    nsec_t deadlines[NVME_ENTRIES];
    struct timer timer;
    bool ticking;
};
struct nvme_namespace {
    struct block_device block;
    struct nvme *nvme;
    uint32_t id;
    unsigned shift; /* from sectors to blocks */
    struct nvme_namespace *next;
};
struct nvme {
    struct pci_device *device;
    volatile void *regs;
    uint64_t cap;
    unsigned number, entries, stride; /* of a queue; bytes between doorbells */
    nsec_t ready;                     /* it may take so long to be ready, or not any more */
    struct nvme_controller_identity identity;
    uint32_t transfer; /* bytes of a command */
    bool lines;        /* interrupts are not messages: they are kept off during a reset */
    atomic_bool stopped, lost;
    struct rescue rescue;
    struct nvme_namespace *_Atomic namespaces;
    unsigned nqueues;
    struct nvme_queue *queues[NVME_QUEUES + 1]; /* 0: the administration's */
    struct nvme *next;
};

/* --- queue.c: any context, except where noted */

/* Memory for a queue, which nobody knows yet; NULL: none. */
struct nvme_queue *nvme_queue_new(struct nvme *nvme, unsigned id);
paddr_t nvme_queue_submissions(const struct nvme_queue *queue);
paddr_t nvme_queue_completions(const struct nvme_queue *queue);
/* As new: for a controller that has been reset. */
void nvme_queue_empty(struct nvme_queue *queue);
/* Do a command and wait for its end; one at a time, in the administration's queue: the status and
 * *result, or -EIO: none came. Threads. */
int nvme_administer(struct nvme *nvme, struct nvme_command *command, uint32_t *result);
/* -EBUSY: no room, or it is stopped. */
int nvme_submit(struct block_device *block, struct block_request *request);
/* Take what has ended. */
void nvme_queue_poll(struct nvme_queue *queue);
/* After a reset: send all that was under way again, but what has had its time or tries; with
 * nvme->lost: end it all. */
void nvme_queue_resume(struct nvme_queue *queue);
/* Stop using the controller until it is reset, in a thread. */
void nvme_trouble(struct nvme *nvme, const char *why);

/* --- namespace.c: threads */

/* Make disks of all namespaces. */
void nvme_find_namespaces(struct nvme *nvme);
void nvme_room(struct nvme *nvme); /* any context */
