/* linux/io_uring_sqpoll.c: SETUP_SQPOLL: a thread that looks at submission queues by itself. Rings
 * of one process may share it (ATTACH_WQ). It looks all the time until nothing has come for a
 * while, says so in the ring (NEED_WAKEUP), and sleeps: that is what its user asked for. */
#include "linux/groups.h"
#include "linux/io_uring.h"

#include "core/clock.h"
#include "core/rcu.h"
#include "linux/ipc_exit.h"

enum { IDLE_MS = 1000, BATCH = 8 };

struct sq_thread {
    atomic_uint refs; /* of rings, and its own */
    struct mutex lock;
    struct list rings; /* struct sq_ring */
    struct waitqueue wait, over, room;
    struct process *process;
    nsec_t idle;
    atomic_bool stop, woken;
    atomic_bool dead;  /* looks at nothing any more */
    atomic_bool ended; /* and has left the process's files */
    struct list all;
};
struct sq_ring {
    struct list link;
    struct uring *ring;
};

static struct mutex threads_lock;
static struct list threads = LIST_INIT(threads);

static void set_flag(struct sq_thread *sq, bool sleeps)
{
    list_for_each_entry (struct sq_ring, entry, &sq->rings, link) {
        atomic_uint *flags = &entry->ring->page->sq_flags;
        if (sleeps)
            atomic_fetch_or(flags, SQ_NEED_WAKEUP);
        else
            atomic_fetch_and(flags, ~(unsigned)SQ_NEED_WAKEUP);
    }
}

static unsigned waiting(const struct uring *ring)
{
    return atomic_load_explicit(&ring->page->sq_tail, memory_order_acquire) - ring->sq_head;
}

static bool any_waiting(struct sq_thread *sq)
{
    bool any = false;
    mutex_lock(&sq->lock);
    list_for_each_entry (struct sq_ring, entry, &sq->rings, link)
        any |= waiting(entry->ring) && !entry->ring->disabled;
    mutex_unlock(&sq->lock);
    return any;
}

static bool serve_one(struct uring *ring, bool many)
{
    unsigned n = waiting(ring);
    cq_flush_overflow(ring);
    if (!n || ring->disabled || ring->dying)
        return false;
    uring_lock(ring);
    struct credentials *cred = &current_task()->cred;
    credentials_drop(cred);
    credentials_copy(cred, ring->sq_cred);
    int64_t done = uring_submit(ring, many ? MIN(n, (unsigned)BATCH) : n);
    uring_unlock(ring);
    return done > 0;
}

static bool serve(struct sq_thread *sq)
{
    bool any = false;
    mutex_lock(&sq->lock);
    bool many = sq->rings.next->next != &sq->rings;
    list_for_each_entry (struct sq_ring, entry, &sq->rings, link)
        any |= serve_one(entry->ring, many);
    mutex_unlock(&sq->lock);
    if (any)
        wake_all(&sq->room);
    if (current_task()->uring && !list_empty(&current_task()->uring->work)) {
        work_run();
        any = true;
    }
    return any;
}

static bool is_called(struct sq_thread *sq)
{
    struct uring_task *own = current_task()->uring;
    return sq->stop || sq->woken || (own && !list_empty(&own->work));
}

static void sleep(struct sq_thread *sq)
{
    mutex_lock(&sq->lock);
    set_flag(sq, true);
    mutex_unlock(&sq->lock);
    if (!any_waiting(sq)) { /* what is submitted from here on sees the flag */
        while (!is_called(sq)) {
            (void)WAIT_EVENT(&sq->wait, is_called(sq), WAIT_INTERRUPTIBLE, NSEC_FOREVER);
            atomic_fetch_and(&current->work, ~(unsigned)(WORK_URING | WORK_SIGNAL));
        }
    }
    atomic_store(&sq->woken, false);
    mutex_lock(&sq->lock);
    set_flag(sq, false);
    mutex_unlock(&sq->lock);
}

static void sq_put(struct sq_thread *sq)
{
    if (atomic_fetch_sub_explicit(&sq->refs, 1, memory_order_acq_rel) == 1)
        kfree(sq);
}

/* The last user of the files may be this thread, and a ring among them. */
static __noreturn void end_thread(struct sq_thread *sq)
{
    struct task *task = current_task();
    if (task->uring)
        uring_task_exit(task, true);
    mutex_lock(&sq->lock);
    set_flag(sq, true);
    atomic_store(&sq->dead, true);
    mutex_unlock(&sq->lock);
    wake_all(&sq->room);
    task_worker_leave();
    mutex_lock(&threads_lock);
    list_del(&sq->all);
    mutex_unlock(&threads_lock);
    atomic_store(&sq->ended, true);
    wake_all(&sq->over);
    sq_put(sq);
    task_worker_exit();
}

static void sq_main(void *arg)
{
    struct sq_thread *sq = arg;
    nsec_t until = clock_monotonic() + sq->idle;
    while (!sq->stop) {
        if (serve(sq)) {
            until = clock_monotonic() + sq->idle;
        } else if (clock_monotonic() >= until) {
            sleep(sq);
            until = clock_monotonic() + sq->idle;
        }
        rcu_quiescent(); /* a loop that nothing else interrupts for them */
        thread_yield();
    }
    end_thread(sq);
}

/* --- beginning and end */

/* -ESRCH: the thread has been told to end. */
static int add_ring(struct sq_thread *sq, struct uring *ring)
{
    struct sq_ring *entry = kmalloc(sizeof(*entry));
    if (!entry)
        return -ENOMEM;
    ring->sq_cred = credentials_clone(&current_task()->cred);
    if (!ring->sq_cred) {
        kfree(entry);
        return -ENOMEM;
    }
    entry->ring = ring;
    mutex_lock(&sq->lock);
    bool ends = sq->stop;
    if (!ends) {
        list_add_tail(&sq->rings, &entry->link);
        ring->sq = sq;
    }
    mutex_unlock(&sq->lock);
    if (!ends)
        return 0;
    kfree(entry);
    kfree(ring->sq_cred);
    ring->sq_cred = NULL;
    return -ESRCH;
}

/* The thread of another ring of this process. NULL: it has none, or -EINVAL. */
static int find_shared(int fd, struct sq_thread **found)
{
    *found = NULL;
    if (fd < 0)
        return 0;
    struct fd_ref ref = fd_borrow(fd);
    const struct uring *other = ref.file ? uring_of(ref.file) : NULL;
    struct sq_thread *sq = other ? other->sq : NULL;
    if (sq && sq->process == current_process() && !sq->dead) {
        atomic_fetch_add(&sq->refs, 1);
        *found = sq;
    }
    fd_return(ref);
    return other && !sq ? -EINVAL : 0;
}

static struct sq_thread *create(unsigned cpu, unsigned idle_ms)
{
    struct sq_thread *sq = kzalloc(sizeof(*sq));
    if (!sq)
        return NULL;
    atomic_init(&sq->refs, 2);
    list_init(&sq->rings);
    list_init(&sq->all);
    waitqueue_init(&sq->wait);
    waitqueue_init(&sq->over);
    waitqueue_init(&sq->room);
    sq->process = current_process();
    sq->idle = (idle_ms ?: IDLE_MS) * 1000000ll;
    struct task *task = task_create_worker("iou-sqp", sq_main, sq);
    if (!task) {
        kfree(sq);
        return NULL;
    }
    if (cpu != UINT32_MAX)
        task->thread.affinity = cpuset_of(cpu);
    mutex_lock(&threads_lock);
    list_add_tail(&threads, &sq->all);
    mutex_unlock(&threads_lock);
    thread_start(&task->thread);
    return sq;
}

static void end_if_unused(struct sq_thread *sq)
{
    mutex_lock(&sq->lock);
    if (list_empty(&sq->rings))
        atomic_store(&sq->stop, true);
    mutex_unlock(&sq->lock);
    wake_all(&sq->wait);
}

int sq_start(struct uring *ring, unsigned cpu, unsigned idle_ms, int attach_fd)
{
    struct sq_thread *sq;
    int err = find_shared(attach_fd, &sq);
    if (err)
        return err;
    if (!sq)
        sq = create(cpu, idle_ms);
    if (!sq)
        return -ENOMEM;
    sq->idle = MAX(sq->idle, (nsec_t)(idle_ms ?: IDLE_MS) * 1000000);
    err = add_ring(sq, ring);
    if (!err)
        return 0;
    end_if_unused(sq);
    sq_put(sq);
    return err == -ESRCH && attach_fd >= 0 ? sq_start(ring, cpu, idle_ms, -1) : err;
}

bool sq_stop(struct uring *ring, bool wait)
{
    struct sq_thread *sq = ring->sq;
    if (!sq)
        return true;
    if (wait)
        mutex_lock(&sq->lock);
    else if (!mutex_trylock(&sq->lock))
        return false;
    list_for_each_safe (link, next, &sq->rings) {
        struct sq_ring *entry = list_entry(link, struct sq_ring, link);
        if (entry->ring == ring) {
            list_del(&entry->link);
            kfree(entry);
        }
    }
    ring->sq = NULL;
    if (list_empty(&sq->rings))
        atomic_store(&sq->stop, true);
    mutex_unlock(&sq->lock);
    wake_all(&sq->wait);
    sq_put(sq);
    return true;
}

void sq_process_exit(struct process *process)
{
    struct sq_thread *found;
    if (list_empty(&threads)) /* its own cannot come any more */
        return;
    do {
        found = NULL;
        mutex_lock(&threads_lock);
        list_for_each_entry (struct sq_thread, sq, &threads, all) {
            if (sq->process == process)
                found = sq;
        }
        if (found)
            atomic_fetch_add(&found->refs, 1);
        mutex_unlock(&threads_lock);
        if (found) {
            atomic_store(&found->stop, true);
            wake_all(&found->wait);
            (void)WAIT_EVENT(&found->over, found->ended, 0, NSEC_FOREVER);
            sq_put(found);
        }
    } while (found);
}

/* --- io_uring_enter */

void sq_wake(struct uring *ring)
{
    if (!ring->sq)
        return;
    atomic_store(&ring->sq->woken, true);
    wake_all(&ring->sq->wait);
}

bool sq_dead(const struct uring *ring)
{
    return !ring->sq || ring->sq->dead;
}

/* Room in the submission queue, which the thread makes. */
int sq_wait_room(struct uring *ring)
{
    struct sq_thread *sq = ring->sq;
    int err = WAIT_EVENT(&sq->room, waiting(ring) < ring->sq_entries || sq->dead,
                         WAIT_INTERRUPTIBLE, NSEC_FOREVER);
    return err == -EINTR ? -ERESTARTSYS : 0;
}
