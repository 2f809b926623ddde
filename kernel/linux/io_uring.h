/* linux/io_uring.h: what the files of io_uring share (man 7 io_uring). Threads only, but for what
 * says otherwise.
 *
 * A ring (struct uring) is a file with memory that it shares with the program. A request is a
 * kernel copy of one submission entry, read once. It is carried out at once where it need not wait;
 * else it watches its file (io_uring_poll.c), waits for a timer (io_uring_timeout.c), or is handed
 * to a worker thread (io_uring_worker.c). What happens in the meantime reaches the submitter's
 * thread as work (WORK_URING), which it does on its next way through the kernel: so a request is
 * always carried out with its submitter's memory and files. Rings with DEFER_TASKRUN keep such work
 * until their submitter asks for completions.
 *
 * Locks: ring->lock (submission, requests, registered things) -> work and timer spinlocks;
 * ring->cq_lock (completion queue) is innermost. Nobody holds two rings' locks. */
#pragma once

#include "core/timer.h"
#include "linux/iov.h"
#include "linux/task.h"
#include "mm/frame.h"
#include "mm/heap.h"

enum {
    SETUP_IOPOLL = 1,
    SETUP_SQPOLL = 2,
    SETUP_SQ_AFF = 4,
    SETUP_CQSIZE = 8,
    SETUP_CLAMP = 0x10,
    SETUP_ATTACH_WQ = 0x20,
    SETUP_R_DISABLED = 0x40,
    SETUP_SUBMIT_ALL = 0x80,
    SETUP_COOP_TASKRUN = 0x100,
    SETUP_TASKRUN_FLAG = 0x200,
    SETUP_SQE128 = 0x400,
    SETUP_CQE32 = 0x800,
    SETUP_SINGLE_ISSUER = 0x1000,
    SETUP_DEFER_TASKRUN = 0x2000,
    SETUP_ALL = 0x3fff,
};
enum { SQ_NEED_WAKEUP = 1, SQ_CQ_OVERFLOW = 2, SQ_TASKRUN = 4 };
enum { CQ_EVENTFD_DISABLED = 1 };
enum { CQE_BUFFER = 1, CQE_MORE = 2, CQE_NONEMPTY = 4, CQE_BUFFER_SHIFT = 16 };
enum {
    SQE_FIXED_FILE = 1,
    SQE_DRAIN = 2,
    SQE_LINK = 4,
    SQE_HARDLINK = 8,
    SQE_ASYNC = 0x10,
    SQE_BUFFER_SELECT = 0x20,
    SQE_CQE_SKIP = 0x40,
    SQE_FLAGS = 0x7f,
};
enum uring_opcode {
    OP_NOP,
    OP_READV,
    OP_WRITEV,
    OP_FSYNC,
    OP_READ_FIXED,
    OP_WRITE_FIXED,
    OP_POLL_ADD,
    OP_POLL_REMOVE,
    OP_SYNC_FILE_RANGE,
    OP_SENDMSG,
    OP_RECVMSG,
    OP_TIMEOUT,
    OP_TIMEOUT_REMOVE,
    OP_ACCEPT,
    OP_ASYNC_CANCEL,
    OP_LINK_TIMEOUT,
    OP_CONNECT,
    OP_FALLOCATE,
    OP_OPENAT,
    OP_CLOSE,
    OP_FILES_UPDATE,
    OP_STATX,
    OP_READ,
    OP_WRITE,
    OP_FADVISE,
    OP_MADVISE,
    OP_SEND,
    OP_RECV,
    OP_OPENAT2,
    OP_EPOLL_CTL,
    OP_SPLICE,
    OP_PROVIDE_BUFFERS,
    OP_REMOVE_BUFFERS,
    OP_TEE,
    OP_SHUTDOWN,
    OP_RENAMEAT,
    OP_UNLINKAT,
    OP_MKDIRAT,
    OP_SYMLINKAT,
    OP_LINKAT,
    OP_MSG_RING,
    OP_FSETXATTR,
    OP_SETXATTR,
    OP_FGETXATTR,
    OP_GETXATTR,
    OP_SOCKET,
    OP_URING_CMD,
    OP_SEND_ZC,
    OP_SENDMSG_ZC,
    OPS,
};
enum { URING_ENTRIES_MAX = 32768, URING_CQ_ENTRIES_MAX = 2 * URING_ENTRIES_MAX };
enum { FILE_INDEX_ALLOC = -1, BUCKETS = 256, BUFFER_BUCKETS = 32, RING_FDS = 16 };
enum { PERSONALITIES = 256 };

/* struct io_uring_sqe */
struct sqe {
    uint8_t opcode, flags;
    uint16_t ioprio;
    int32_t fd;
    uint64_t off, addr;
    uint32_t len, op_flags;
    uint64_t user_data;
    uint16_t buf_index, personality;
    uint32_t file_index;
    uint64_t addr3, pad;
};
_Static_assert(sizeof(struct sqe) == 64, "uapi");
struct cqe {
    uint64_t user_data;
    int32_t res;
    uint32_t flags;
};

struct uring;
struct request;

/* What an operation is. prep looks at the entry when it is submitted (0 or why it is refused);
 * issue carries the request out: its result, -EAGAIN where it may not wait and would have to
 * (again is set), or URING_LATER when the operation will complete it by itself. */
struct uring_op {
    int (*prep)(struct request *req);
    int64_t (*issue)(struct request *req, bool may_wait);
    int (*stable)(struct request *req);   /* it has to wait: copy what the program may change */
    void (*cleanup)(struct request *req); /* of req->data beyond freeing it */
    unsigned zero;                        /* fields of the entry that must be 0: ZERO_* */
    bool needs_file, ioprio, iopoll, select, never_async;
    uint16_t poll; /* POLLIN or POLLOUT: what to wait for before another try */
};
enum {
    ZERO_OFF = 1,
    ZERO_ADDR = 2,
    ZERO_LEN = 4,
    ZERO_FLAGS = 8,
    ZERO_BUF = 16,
    ZERO_FILE_INDEX = 32,
    ZERO_ADDR3 = 64,
};
enum { URING_LATER = 1 << 30 }; /* no result is that large */
extern const struct uring_op uring_ops[OPS];

/* A registered file or buffer; request and table share it. When it leaves the table its tag waits
 * in ring->retired, as on Linux not only for those that use it: for all requests that use anything
 * registered and began before, and for the tags before it. */
struct resource {
    atomic_uint refs;
    struct list link; /* in ring->retired, with the table's reference */
    uint64_t generation;
    unsigned users;     /* requests that began in its generation and are not through */
    struct uring *ring; /* no reference: table or request keeps it */
    uint64_t tag;
    struct file *file;
    uintptr_t addr;
    size_t len;
};
struct resource_table {
    struct resource **slots;
    unsigned n;
    unsigned alloc_from, alloc_end, alloc_hint;
};

enum request_state {
    STATE_IDLE,   /* being carried out, or in a list of its own kind */
    STATE_POLL,   /* watches its file */
    STATE_TIMER,  /* waits for its timer */
    STATE_QUEUED, /* waits for a worker */
    STATE_WORKER, /* a worker is at it */
};
enum {
    REQ_FAIL = 1,       /* its result stands already */
    REQ_SKIP_LINKS = 2, /* those after it tell nothing */
    REQ_CANCELLED = 4,  /* complete with -ECANCELED at the next chance */
    REQ_NOWAIT = 8,     /* never wait: -EAGAIN is a result */
    REQ_FORCE_ASYNC = 16,
    REQ_AGAIN = 32,       /* the last issue could not go on */
    REQ_SELECTED = 64,    /* a provided buffer is in use: buffer_id */
    REQ_FINAL = 128,      /* of a multishot: nothing follows */
    REQ_POLLED = 256,     /* has waited for its file before */
    REQ_STABLE = 512,     /* data of the program were copied */
    REQ_PARTIAL = 1024,   /* did less than was asked: breaks its links */
    REQ_EXPECTED = 2048,  /* its error is no failure */
    REQ_DONE = 4096,      /* a worker has its result; the owner completes it */
    REQ_MUST_WAIT = 8192, /* watching its file does not help */
    REQ_ORPHAN = 16384    /* outlives its owner, which does not count it any more */
};

struct poller;
struct request {
    struct uring *ring;       /* a reference */
    struct uring_task *owner; /* a reference */
    const struct uring_op *op;
    struct sqe sqe;
    struct file *file;             /* a reference, or NULL */
    struct resource *resources[2]; /* file and buffer that it uses; references */
    uint64_t resource_generation;  /* in which it began to use them */
    struct request *next;          /* linked behind it */
    struct request *partner;       /* the armed LINK_TIMEOUT and what it guards */
    struct list armed;             /* in ring->armed, while it waits */
    struct list link;              /* in the list of its state: work, worker's queue, deferred */
    unsigned flags;
    enum request_state state; /* under ring->lock; QUEUED to WORKER under the worker lock too */
    atomic_bool queued;       /* work of it is on its way, or somebody has claimed its wake-up */
    int32_t res;
    uint32_t cqe_flags;
    uint64_t done; /* bytes moved by earlier tries */
    uint16_t buffer_id;
    struct provided *provided; /* the selected buffer, if it is not of a ring */
    struct poller *poller;
    struct credentials *cred; /* a personality; NULL: the submitter's */
    void *data;               /* the operation's; kfree()d */
    struct timer timer;
    nsec_t deadline, span;
    uint32_t timeout_target; /* completions at which a timeout is over */
    struct list timeout_link;
    uint32_t poll_events;
    uint64_t sequence; /* of submission; for what was deferred */
    struct worker *worker;
    struct rcu_head orphan_work;
};

/* Memory shared with the program. */
struct ring_memory {
    struct mem_object object;
    atomic_uint refs;
    unsigned npages;
    paddr_t frames[];
};
static inline void *ring_memory_at(const struct ring_memory *memory, size_t at)
{
    return (char *)phys_to_virt(memory->frames[at >> PAGE_SHIFT]) + (at & ~PAGE_MASK);
}
/* The first page of the rings' memory. The program may change all of it at any time. */
struct ring_page {
    alignas(64) atomic_uint sq_head;
    alignas(64) atomic_uint sq_tail;
    alignas(64) atomic_uint cq_head;
    alignas(64) atomic_uint cq_tail;
    alignas(64) uint32_t sq_mask, cq_mask, sq_entries, cq_entries;
    atomic_uint sq_dropped, sq_flags, cq_flags, cq_overflow;
};

struct buffer_group {
    struct list link;
    unsigned id;
    struct list buffers; /* struct provided, or */
    uintptr_t ring;      /* the program's ring of them */
    uint16_t head, mask;
};
struct provided {
    struct list link;
    uintptr_t addr;
    uint32_t len;
    uint16_t id;
};
struct overflow {
    struct list link;
    struct cqe cqe;
    uint64_t big[2];
};
struct restrictions {
    bool registered;
    uint64_t ops, registers;
    uint8_t allowed, required;
};

struct uring {
    struct mutex lock;
    atomic_uint refs;
    unsigned flags;
    bool dying; /* under work_lock, too */
    bool disabled, restricted, drain_disabled, drain_active;
    struct list all; /* in the list of all rings */
    struct process *creator;
    struct uring_task *submitter; /* SINGLE_ISSUER's; a reference */
    struct ring_memory *rings, *sqes;
    struct ring_page *page;
    unsigned sq_entries, cq_entries, sq_head;
    size_t cqes_at, array_at, cqe_size, sqe_size;

    struct spinlock cq_lock;
    uint32_t cq_tail;
    struct list overflow;
    bool dropped; /* a completion was lost: told once */
    struct waitqueue cq_wait;
    atomic_bool posted;           /* completions that nobody has been woken for */
    struct cpu *signals_on;       /* whose CPU is signalling the eventfd now */
    struct spinlock eventfd_lock; /* over the next two */
    struct file *_Atomic eventfd;
    bool eventfd_async;

    struct list armed[BUCKETS]; /* requests that wait, by user_data */
    struct list deferred;
    uint64_t sequence;                  /* requests submitted */
    uint64_t ncompleted;                /* and those that are through */
    struct list ready;                  /* to be issued before the lock is given up */
    struct request *chain, *chain_last; /* a chain being put together */
    bool chain_drain;                   /* a request in its middle is drained: so are its head, */
    bool next_drain;                    /* and what comes behind it */

    struct spinlock work_lock;
    struct list local_work; /* DEFER_TASKRUN */
    struct timer signal;    /* its eventfd, at once but from elsewhere; started under work_lock */
    struct spinlock timeout_lock;
    struct list timeouts;   /* those that count completions */
    uint32_t timeouts_done; /* which do not count */

    struct resource_table files, buffers;
    struct list retired;          /* resources, oldest first */
    uint64_t resource_generation; /* ends when one with a tag is retired */
    unsigned resource_users;      /* of the present generation */
    struct list groups[BUFFER_BUCKETS];
    struct credentials *personalities[PERSONALITIES];
    struct restrictions restrictions;
    struct sq_thread *sq;
    struct credentials *sq_cred;
    struct rcu_head release; /* its file is gone */
};

/* What io_uring knows of a thread that submits. */
struct uring_task {
    atomic_uint refs;
    struct task *task; /* NULL: it has ended */
    struct process *process;
    atomic_bool dying;
    bool ends_all;         /* nothing outlives it: execve */
    atomic_uint requests;  /* not completed */
    struct waitqueue idle; /* requests became less */
    struct spinlock work_lock;
    struct list work;
    struct file *rings[RING_FDS];
    struct workers *workers;
};

/* --- io_uring.c */
struct uring *uring_of(const struct file *file); /* NULL: another kind of file */
void uring_get(struct uring *ring);
void uring_put(struct uring *ring);
/* The caller's, made at the first use; NULL: no memory. Borrowed. */
struct uring_task *uring_current(void);
void uring_task_put(struct uring_task *owner);
/* Is the caller the task, or works for it? */
bool uring_is_current(const struct uring_task *owner);
void uring_lock(struct uring *ring);
/* Carry out what has become ready first, and tell those who wait for completions. */
void uring_unlock(struct uring *ring);
/* fn for each ring, with a reference and without locks; stops when it returns false. */
void uring_each(bool (*fn)(struct uring *ring, void *arg), void *arg);

/* --- io_uring_cq.c */
/* Any context. */
void cq_post(struct uring *ring, uint64_t user_data, int32_t res, uint32_t flags);
/* Not the last one of its request: only where there is room, else false. */
bool cq_post_more(struct uring *ring, uint64_t user_data, int32_t res, uint32_t flags);
void cq_tell(struct uring *ring); /* wake, signal; no lock held */
void cq_flush_overflow(struct uring *ring);
uint32_t cq_ready(struct uring *ring);
struct enter_wait {
    uint32_t least;
    nsec_t deadline;
};
int cq_wait(struct uring *ring, const struct enter_wait *wait);
void cq_signal_eventfd(struct uring *ring); /* any context */

/* --- io_uring_submit.c (ring->lock held in all) */
int64_t uring_submit(struct uring *ring, unsigned n);
void request_complete(struct request *req, int64_t res);
void request_issue(struct request *req);
/* Issue it in its owner's context, soon. */
void request_run(struct request *req);
void request_free(struct request *req);
void request_arm(struct request *req, enum request_state state); /* cancellation finds it */
void request_disarm(struct request *req);
void request_release_drained(struct uring *ring);
int64_t request_try(struct request *req, bool may_wait); /* op->issue() with its credentials */
/* Take copies of what the program may change after submission. */
int request_make_stable(struct request *req);

/* --- io_uring_work.c */
/* Any context: let the request's owner look at it (see request->queued). */
void work_add(struct request *req);
void work_run(void);                     /* the caller's own */
bool work_run_local(struct uring *ring); /* DEFER_TASKRUN; true if there was some */
bool work_pending(struct uring *ring);
void work_signal(struct timer *timer); /* ring->signal fires */

/* --- io_uring_poll.c (ring->lock held) */
/* 0: it watches; 1: ready now; -ENOMEM. */
int poll_arm(struct request *req, unsigned events);
void poll_work(struct request *req);
bool poll_claim(struct request *req); /* take it off its file; false: work is on its way */
void poll_disarm(struct request *req);

/* --- io_uring_timeout.c (ring->lock held) */
void timeout_work(struct request *req);
bool timeout_claim(struct request *req);
void timeout_arm_link(struct request *req);              /* what it guards waits now */
struct request *timeout_unlink(struct request *guarded); /* it is through */
void timeouts_count(struct uring *ring);                 /* any context: completions were posted */

/* --- io_uring_cancel.c */
struct cancel {
    uint64_t user_data;
    struct file *file; /* CANCEL_FD */
    unsigned flags;
    struct uring_task *owner; /* only its; NULL: all */
    const struct request *self;
};
enum { CANCEL_ALL = 1, CANCEL_FD = 2, CANCEL_ANY = 4, CANCEL_FD_FIXED = 8 };
int cancel_request(struct request *req); /* 0, -EALREADY */
int cancel_matching(struct uring *ring,
                    const struct cancel *cancel); /* how many, -ENOENT, -EALREADY */
struct request *cancel_find(struct uring *ring, uint64_t user_data,
                            bool (*fits)(const struct request *));
void cancel_owner(struct uring *ring, struct uring_task *owner); /* NULL: all; takes the lock */

/* --- io_uring_worker.c */
int worker_queue(struct request *req);   /* ring->lock held; -ENOMEM, -EAGAIN: it is the caller's */
bool worker_cancel(struct request *req); /* true: it had not begun */
void workers_end(struct uring_task *owner);
int workers_limit(struct uring_task *owner, uint32_t limits[2]);
int workers_affinity(struct uring_task *owner, cpuset_t set);
bool worker_is_current(void);
/* --- io_uring_sqpoll.c */
int sq_start(struct uring *ring, unsigned cpu, unsigned idle_ms, int attach_fd);
bool sq_stop(struct uring *ring, bool wait); /* false: it would have to wait */
void sq_wake(struct uring *ring);
bool sq_dead(const struct uring *ring);
int sq_wait_room(struct uring *ring);
void sq_process_exit(struct process *process);

/* --- io_uring_files.c (ring->lock held) */
void resources_release(struct request *req);                 /* it is through */
struct file *files_get(struct request *req, unsigned index); /* a reference; NULL: none */
/* Put a file (its reference is taken over) at slot-1, or anywhere: 0 or the number; -ENFILE... */
int files_install(struct uring *ring, struct file *file, uint32_t slot);
/* The same for a new file of an operation: in the slot, or (0) as a descriptor. */
int files_give(struct request *req, bool locked, struct file *file, uint32_t slot, bool cloexec);
int files_close(struct uring *ring, uint32_t slot);
int files_register(struct uring *ring, uintptr_t fds, unsigned n, uintptr_t tags, bool sparse);
int files_unregister(struct uring *ring);
int files_update(struct uring *ring, unsigned at, uintptr_t fds, unsigned n, uintptr_t tags);
int files_alloc_range(struct uring *ring, unsigned from, unsigned n);
int buffers_register(struct uring *ring, uintptr_t iovs, unsigned n, uintptr_t tags, bool sparse);
int buffers_unregister(struct uring *ring);
int buffers_update(struct uring *ring, unsigned at, uintptr_t iovs, unsigned n, uintptr_t tags);
int buffer_import(struct request *req, uintptr_t addr, size_t len); /* -EFAULT */

/* --- io_uring_buffers.c (ring->lock held but where `locked` is false) */
/* The buffer for a request with BUFFER_SELECT: its address; *len is cut (0: all). -ENOBUFS. */
int provided_select(struct request *req, bool locked, uintptr_t *addr, uint32_t *len);
void provided_recycle(struct request *req, bool locked); /* it was not used */
uint32_t provided_commit(struct request *req);           /* it was: flags of the completion */
int provided_ring(struct uring *ring, uintptr_t arg, bool add);
void provided_free(struct uring *ring);

/* --- the operations' files */
int64_t uring_syscall(unsigned nr, const uint64_t args[6]); /* -EINTR for what restarts */
static inline int64_t uring_result(int64_t n)
{
    return n <= -ERESTARTSYS && n >= -ERESTART_RESTARTBLOCK ? -EINTR : n;
}
/* -EAGAIN that is not a result. */
static inline int64_t uring_again(struct request *req)
{
    req->flags |= REQ_AGAIN;
    return -EAGAIN;
}
#define URING_ISSUE(name) int64_t name(struct request *req, bool may_wait)
URING_ISSUE(issue_nop);
URING_ISSUE(issue_rw);
URING_ISSUE(issue_fsync);
URING_ISSUE(issue_sync_range);
URING_ISSUE(issue_fallocate);
URING_ISSUE(issue_fadvise);
URING_ISSUE(issue_madvise);
URING_ISSUE(issue_open);
URING_ISSUE(issue_close);
URING_ISSUE(issue_statx);
URING_ISSUE(issue_epoll_ctl);
URING_ISSUE(issue_splice);
URING_ISSUE(issue_names);
URING_ISSUE(issue_xattr);
URING_ISSUE(issue_files_update);
URING_ISSUE(issue_provide);
URING_ISSUE(issue_remove);
URING_ISSUE(issue_send);
URING_ISSUE(issue_recv);
URING_ISSUE(issue_accept);
URING_ISSUE(issue_connect);
URING_ISSUE(issue_socket);
URING_ISSUE(issue_shutdown);
URING_ISSUE(issue_poll_add);
URING_ISSUE(issue_poll_remove);
URING_ISSUE(issue_timeout);
URING_ISSUE(issue_timeout_remove);
URING_ISSUE(issue_cancel);
URING_ISSUE(issue_msg_ring);
URING_ISSUE(issue_unsupported);
int prep_rw(struct request *req);
int prep_open(struct request *req);
int prep_close(struct request *req);
int prep_splice(struct request *req);
int prep_names(struct request *req);
int prep_xattr(struct request *req);
int prep_statx(struct request *req);
int prep_provide(struct request *req);
int prep_remove(struct request *req);
int prep_message(struct request *req);
int prep_accept(struct request *req);
int prep_connect(struct request *req);
int prep_socket(struct request *req);
int prep_poll_add(struct request *req);
int prep_poll_remove(struct request *req);
int prep_timeout(struct request *req);
int prep_timeout_remove(struct request *req);
int prep_cancel(struct request *req);
int prep_msg_ring(struct request *req);
int prep_files_update(struct request *req);
int prep_fsync(struct request *req);
void names_cleanup(struct request *req);
int rw_stable(struct request *req);
int names_stable(struct request *req);
int message_stable(struct request *req);
int connect_stable(struct request *req);
int epoll_stable(struct request *req);
