#include "net/worker.h"

#include "core/clock.h"
#include "core/thread.h"
#include "core/timer.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/demux.h"
#include "net/netif.h"

enum { BATCH = 64 };
static const nsec_t sweep_time = 1000000;

/* Filled by anybody on its CPU, and by CPUs that have none yet on the first one. */
struct worker {
    struct spinlock lock;
    struct packet_queue input;
    struct inet_socket *sockets, **sockets_end; /* posted; by work_next, with a reference each */
    struct worker_call *calls;
    struct inet_socket *swept; /* to be looked at; by sweep_next, with a reference each */
    struct timer sweep;
    bool sweeping; /* the timer is armed, or its handler runs */
    struct thread *thread;
    struct cpu *cpu;
};

static struct worker *_Atomic workers[CPUS_MAX];
static struct worker *_Atomic first;
static atomic_ulong missing; /* CPUs that have asked for one */
static struct mutex starting;

/* This CPU's, or the first one, which is asked to make it. NULL: there is none at all. */
static struct worker *here(void)
{
    unsigned id = this_cpu()->id;
    struct worker *worker = atomic_load_explicit(&workers[id], memory_order_acquire);

    if (likely(worker))
        return worker;
    worker = atomic_load_explicit(&first, memory_order_acquire);
    if (worker && !(atomic_fetch_or(&missing, 1ul << id) >> id & 1))
        thread_wake(worker->thread);
    return worker;
}

static bool has_work(struct worker *worker)
{
    return worker->input.first || worker->sockets || worker->calls ||
           (worker == atomic_load(&first) && atomic_load(&missing));
}

/* --- the thread */

static void receive(struct packet *packet)
{
    switch (packet->protocol) {
    case ETH_P_IP:
        ipv4_receive(packet);
        break;
    case ETH_P_IPV6:
        ipv6_receive(packet);
        break;
    case ETH_P_ARP:
        arp_receive(packet);
        break;
    default:
        packet_free(packet);
    }
}

static bool work_off_input(struct worker *worker)
{
    for (unsigned i = 0; i < BATCH; i++) {
        uint64_t flags = spin_lock_irq(&worker->lock);
        struct packet *packet = packet_dequeue(&worker->input);
        spin_unlock_irq(&worker->lock, flags);
        if (!packet)
            return i;
        receive(packet);
    }
    return true;
}

static struct inet_socket *next_socket(struct worker *worker)
{
    uint64_t flags = spin_lock_irq(&worker->lock);
    struct inet_socket *s = worker->sockets;

    if (s)
        worker->sockets = s->work_next;
    spin_unlock_irq(&worker->lock, flags);
    return s;
}

static void work_off_sockets(struct worker *worker)
{
    struct inet_socket *s;

    for (unsigned i = 0; i < BATCH && (s = next_socket(worker)); i++) {
        /* Posted from now on it is queued again. */
        atomic_store(&s->queued, false);
        inet_lock(s);
        inet_unlock(s);
        inet_put(s);
    }
}

static void work_off_calls(struct worker *worker)
{
    uint64_t flags = spin_lock_irq(&worker->lock);
    struct worker_call *call = worker->calls;

    worker->calls = NULL;
    spin_unlock_irq(&worker->lock, flags);
    while (call) {
        struct worker_call *next = call->next;
        atomic_store(&call->queued, false);
        call->fn(call);
        call = next;
    }
}

static int start(struct cpu *cpu);

static void start_missing(void)
{
    unsigned long ids = atomic_load(&missing);

    for (unsigned id = 0; ids >> id && id < ncpus; id++)
        if (ids >> id & 1) {
            start(cpus[id]);
            /* Also when there is no memory: the next packet asks again. */
            atomic_fetch_and(&missing, ~(1ul << id));
        }
}

static void work(void *arg)
{
    struct worker *worker = arg;

    thread_set_affinity(current, cpuset_of(worker->cpu->id));
    for (;;) {
        thread_set_state(THREAD_SLEEPING);
        if (!has_work(worker))
            schedule();
        thread_set_state(THREAD_RUNNABLE);
        if (worker == atomic_load(&first) && atomic_load(&missing))
            start_missing();
        work_off_calls(worker);
        work_off_sockets(worker);
        work_off_input(worker);
        thread_resched_point();
    }
}

/* --- the sweep */

/* Take out who has been served, and whose packets have waited for a millisecond goes to the thread.
 * Interrupts off. */
static void sweep(struct timer *timer)
{
    struct worker *worker = container_of(timer, struct worker, sweep);
    struct inet_socket *s, *next;

    spin_lock(&worker->lock);
    s = worker->swept;
    worker->swept = NULL;
    worker->sweeping = false;
    spin_unlock(&worker->lock);
    for (; s; s = next) {
        next = s->sweep_next;
        atomic_store(&s->listed, false);
        if (inet_pending(s))
            worker_socket(s);
        inet_put(s);
    }
}

void worker_sweep(struct inet_socket *s)
{
    if (atomic_load_explicit(&s->listed, memory_order_relaxed) || atomic_exchange(&s->listed, true))
        return;
    struct worker *worker = here();
    if (!worker || !inet_try_get(s)) {
        atomic_store(&s->listed, false);
        return;
    }
    uint64_t flags = spin_lock_irq(&worker->lock);
    s->sweep_next = worker->swept;
    worker->swept = s;
    if (!worker->sweeping) {
        worker->sweeping = true;
        timer_start(&worker->sweep, clock_monotonic() + sweep_time);
    }
    spin_unlock_irq(&worker->lock, flags);
}

/* --- giving it work */

bool worker_input(struct packet *packet)
{
    struct worker *worker = here();
    bool full = true, was_idle = false;

    if (worker) {
        uint64_t flags = spin_lock_irq(&worker->lock);
        full = !worker_has_room(worker->input.n, packet);
        was_idle = !worker->input.first;
        if (!full)
            packet_enqueue(&worker->input, packet);
        spin_unlock_irq(&worker->lock, flags);
    }
    if (full) {
        netif_count_drop(packet->netif, true);
        packet_free(packet);
    } else if (was_idle) {
        thread_wake(worker->thread);
    }
    return !full;
}

void worker_socket(struct inet_socket *s)
{
    struct worker *worker = here();

    if (!worker || atomic_exchange(&s->queued, true))
        return;
    if (!inet_try_get(s)) {
        atomic_store(&s->queued, false);
        return;
    }
    uint64_t flags = spin_lock_irq(&worker->lock);
    s->work_next = NULL;
    if (worker->sockets)
        *worker->sockets_end = s;
    else
        worker->sockets = s;
    worker->sockets_end = &s->work_next;
    spin_unlock_irq(&worker->lock, flags);
    thread_wake(worker->thread);
}

void worker_post(struct worker_call *call)
{
    struct worker *worker = here();

    if (!worker || atomic_exchange(&call->queued, true))
        return;
    uint64_t flags = spin_lock_irq(&worker->lock);
    call->next = worker->calls;
    worker->calls = call;
    spin_unlock_irq(&worker->lock, flags);
    thread_wake(worker->thread);
}

/* --- making them */

static int start(struct cpu *cpu)
{
    struct worker *worker = kzalloc(sizeof(*worker)), *none = NULL;

    if (!worker)
        return -ENOMEM;
    worker->cpu = cpu;
    timer_init(&worker->sweep, sweep);
    /* Nobody finds it before it has its thread; the thread itself does not look. */
    worker->thread = kthread_start("net", work, worker);
    if (!worker->thread) {
        kfree(worker);
        return -ENOMEM;
    }
    atomic_store(&workers[cpu->id], worker);
    atomic_compare_exchange_strong(&first, &none, worker);
    return 0;
}

int worker_need(void)
{
    int err = 0;

    if (likely(atomic_load_explicit(&first, memory_order_acquire)))
        return 0;
    mutex_lock(&starting);
    if (!atomic_load(&first))
        err = demux_init();
    if (!atomic_load(&first) && !err)
        err = start(this_cpu());
    mutex_unlock(&starting);
    return err;
}
