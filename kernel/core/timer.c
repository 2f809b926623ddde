#include "core/timer.h"

#include "core/clock.h"
#include "core/cpu.h"
#include "core/memory.h"
#include "core/spinlock.h"
#include "lib/errno.h"

/* One for each CPU. Its lock is taken by other CPUs only to cancel or move a timer. */
struct timer_queue {
    struct spinlock lock;
    struct rb_tree timers;
    struct rb_node *first;
    struct timer *running; /* its fire() runs now */
    nsec_t event;          /* what the clock event is armed for; may be early, never late */
};

static struct timer_queue boot_queue = {.event = NSEC_FOREVER};

static struct timer *of_node(struct rb_node *node)
{
    return container_of(node, struct timer, node);
}

void timer_init(struct timer *timer, void (*fire)(struct timer *))
{
    *timer = (struct timer){.fire = fire};
}

/* Under the queue's lock. */
static void insert(struct timer_queue *queue, struct timer *timer)
{
    struct rb_node **link = &queue->timers.root, *parent = NULL;
    bool first = true;

    while (*link) {
        parent = *link;
        if (timer->deadline < of_node(parent)->deadline) {
            link = &parent->left;
        } else {
            link = &parent->right;
            first = false;
        }
    }
    rb_insert(&queue->timers, &timer->node, parent, link);
    if (first)
        queue->first = &timer->node;
    timer->armed = true;
}

static void take_out(struct timer_queue *queue, struct timer *timer)
{
    if (queue->first == &timer->node)
        queue->first = rb_next(&timer->node);
    rb_remove(&queue->timers, &timer->node);
    timer->armed = false;
}

/* Let the clock event come in time for the first timer. It is never put off: it costs less to be
 * interrupted once for nothing than to program the hardware at each cancelled timeout. */
static void arm_event(struct timer_queue *queue)
{
    if (!queue->first || of_node(queue->first)->deadline >= queue->event)
        return;
    queue->event = of_node(queue->first)->deadline;
    clock_event_arm(queue->event);
}

/* Lock the queue that the timer was put in last; NULL: it was in none. Interrupts off. */
static struct timer_queue *lock_queue(struct timer *timer)
{
    struct cpu *cpu;

    while ((cpu = atomic_load_explicit(&timer->cpu, memory_order_acquire))) {
        spin_lock(&cpu->timers->lock);
        if (cpu == atomic_load_explicit(&timer->cpu, memory_order_relaxed))
            return cpu->timers;
        spin_unlock(&cpu->timers->lock);
    }
    return NULL;
}

void timer_start(struct timer *timer, nsec_t deadline)
{
    uint64_t flags = irq_save();
    struct cpu *cpu = this_cpu();
    struct timer_queue *queue = lock_queue(timer);

    if (queue && timer->armed)
        take_out(queue, timer);
    if (queue != cpu->timers) {
        if (queue)
            spin_unlock(&queue->lock);
        queue = cpu->timers;
        spin_lock(&queue->lock);
        atomic_store_explicit(&timer->cpu, cpu, memory_order_release);
    }
    timer->deadline = deadline;
    if (deadline != NSEC_FOREVER) {
        insert(queue, timer);
        arm_event(queue);
    }
    spin_unlock(&queue->lock);
    irq_restore(flags);
}

bool timer_cancel(struct timer *timer)
{
    bool was_armed = false;

    for (;;) {
        uint64_t flags = irq_save();
        struct timer_queue *queue = lock_queue(timer);
        bool running = queue && queue->running == timer;

        if (queue && timer->armed) {
            take_out(queue, timer);
            was_armed = true;
        }
        if (queue)
            spin_unlock(&queue->lock);
        irq_restore(flags);
        if (!running)
            return was_armed;
        /* fire() runs on another CPU, for a moment, and may arm the timer again. */
        while (__atomic_load_n(&queue->running, __ATOMIC_ACQUIRE) == timer)
            asm volatile("pause");
    }
}

/* Take out the first timer if it is due. Under the lock. */
static struct timer *take_due(struct timer_queue *queue, nsec_t now)
{
    struct timer *timer = queue->first ? of_node(queue->first) : NULL;

    if (!timer || timer->deadline > now)
        return NULL;
    take_out(queue, timer);
    return timer;
}

void timer_run(void)
{
    struct timer_queue *queue = this_cpu()->timers;
    uint64_t flags = spin_lock_irq(&queue->lock);
    struct timer *timer;

    queue->event = INT64_MIN; /* do not arm it in between */
    while ((timer = take_due(queue, clock_monotonic()))) {
        queue->running = timer;
        spin_unlock(&queue->lock);
        timer->fire(timer);
        spin_lock(&queue->lock);
        __atomic_store_n(&queue->running, NULL, __ATOMIC_RELEASE);
    }
    queue->event = NSEC_FOREVER;
    arm_event(queue);
    spin_unlock_irq(&queue->lock, flags);
}

int timer_cpu_init(struct cpu *cpu)
{
    if (cpu->id == 0) {
        cpu->timers = &boot_queue;
        return 0;
    }
    cpu->timers = core_alloc(sizeof *cpu->timers);
    if (!cpu->timers)
        return -ENOMEM;
    cpu->timers->event = NSEC_FOREVER;
    return 0;
}
