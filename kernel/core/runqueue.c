#include "core/sched.h"

#include "core/panic.h"

/* sched(7): each step of nice is a factor of 1.25; nice 0 is 1024. SCHED_IDLE weighs 3. */
static const uint32_t weights[40] = {
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904,
    3906,  3121,  2501,  1991,  1586,  1277,  1024,  820,   655,   526,   423,  335,  272,  215,
    172,   137,   110,   87,    70,    56,    45,    36,    29,    23,    18,   15,
};
enum { IDLE_WEIGHT = 3 };

uint64_t thread_weight(const struct thread *thread)
{
    return thread->policy == POLICY_IDLE ? (uint64_t)IDLE_WEIGHT : weights[thread->nice + 20];
}

void rq_init(struct runqueue *rq, struct cpu *cpu)
{
    rq->cpu = cpu;
    cpu->rq = rq;
}

static struct thread *of_node(struct rb_node *node)
{
    return container_of(node, struct thread, run_node);
}

static bool runs_before(const struct thread *a, const struct thread *b)
{
    return (int64_t)(a->vruntime - b->vruntime) < 0;
}

static void fair_add(struct runqueue *rq, struct thread *thread, bool head)
{
    struct rb_node **link = &rq->fair.root, *parent = NULL;
    bool first = true;

    while (*link) {
        struct thread *other = of_node(*link);

        parent = *link;
        if (runs_before(thread, other) || (head && thread->vruntime == other->vruntime)) {
            link = &parent->left;
        } else {
            link = &parent->right;
            first = false;
        }
    }
    rb_insert(&rq->fair, &thread->run_node, parent, link);
    if (first)
        rq->first = &thread->run_node;
    rq->waiting_weight += thread_weight(thread);
}

static void fair_remove(struct runqueue *rq, struct thread *thread)
{
    if (rq->first == &thread->run_node)
        rq->first = rb_next(&thread->run_node);
    rb_remove(&rq->fair, &thread->run_node);
    rq->waiting_weight -= thread_weight(thread);
}

/* The heads of the real-time lists are initialised when they are first used. */
static void rt_add(struct runqueue *rq, struct thread *thread, bool head)
{
    unsigned priority = thread->rt_priority;
    struct list *queue = &rq->rt[priority];

    if (!queue->next)
        list_init(queue);
    if (head)
        list_add(queue, &thread->run_link);
    else
        list_add_tail(queue, &thread->run_link);
    rq->rt_bitmap[priority / 64] |= 1ull << priority % 64;
}

static void rt_remove(struct runqueue *rq, struct thread *thread)
{
    unsigned priority = thread->rt_priority;

    list_del(&thread->run_link);
    if (list_empty(&rq->rt[priority]))
        rq->rt_bitmap[priority / 64] &= ~(1ull << priority % 64);
}

void rq_add(struct runqueue *rq, struct thread *thread, bool head)
{
    if (thread_is_rt(thread))
        rt_add(rq, thread, head);
    else
        fair_add(rq, thread, head);
    rq->waiting++;
}

void rq_remove(struct runqueue *rq, struct thread *thread)
{
    if (thread_is_rt(thread))
        rt_remove(rq, thread);
    else
        fair_remove(rq, thread);
    rq->waiting--;
}

static struct thread *rt_first(const struct runqueue *rq)
{
    for (int word = 1; word >= 0; word--)
        if (rq->rt_bitmap[word]) {
            unsigned priority = 64 * word + 63 - __builtin_clzll(rq->rt_bitmap[word]);

            return list_first(&rq->rt[priority], struct thread, run_link);
        }
    return NULL;
}

struct thread *rq_take(struct runqueue *rq)
{
    struct thread *thread;

    if (!rq->waiting)
        return NULL;
    thread = rt_first(rq);
    if (!thread)
        thread = of_node(rq->first);
    rq_remove(rq, thread);
    return thread;
}

/* Weighted time: a heavier thread's grows more slowly. */
static uint64_t weigh(const struct thread *thread, uint64_t ns)
{
    uint64_t weight = thread_weight(thread);

    return weight == NICE_0_WEIGHT ? ns : ns * NICE_0_WEIGHT / weight;
}

/* min_vruntime follows the least of the running thread's and the first waiting one's. */
static void advance_min(struct runqueue *rq, uint64_t vruntime)
{
    if (rq->first && (int64_t)(of_node(rq->first)->vruntime - vruntime) < 0)
        vruntime = of_node(rq->first)->vruntime;
    if ((int64_t)(vruntime - rq->min_vruntime) > 0)
        __atomic_store_n(&rq->min_vruntime, vruntime, __ATOMIC_RELAXED);
}

static void pay(struct runqueue *rq, struct thread *running, uint64_t ran)
{
    running->vruntime += weigh(running, ran);
    advance_min(rq, running->vruntime);
}

void rq_account(struct runqueue *rq, struct thread *running, nsec_t now)
{
    nsec_t ran = now - running->started_ns;

    if (ran <= 0)
        return;
    running->started_ns = now;
    running->runtime_ns += ran;
    if (running == rq->cpu->idle_thread)
        rq->cpu->idle_ns += ran;
    else if (!thread_is_rt(running))
        pay(rq, running, ran);
}

void rq_yield(struct runqueue *rq, struct thread *running)
{
    if (!thread_is_rt(running) && rq->first && runs_before(running, of_node(rq->first)))
        running->vruntime = of_node(rq->first)->vruntime;
}

bool rq_preempts(const struct thread *thread, const struct thread *running)
{
    if (thread_is_rt(thread))
        return !thread_is_rt(running) || thread->rt_priority > running->rt_priority;
    if (thread_is_rt(running))
        return false;
    if (running->policy == POLICY_IDLE && thread->policy != POLICY_IDLE)
        return true;
    if (thread->policy != POLICY_FAIR)
        return false;
    return (int64_t)(running->vruntime - thread->vruntime) > WAKE_GRAN_NS;
}

static bool may_move(const struct thread *thread, const struct cpu *cpu, uint64_t max_weight)
{
    return thread_allowed(thread, cpu) &&
           (thread_is_rt(thread) || thread_weight(thread) <= max_weight);
}

/* Bounded: of many threads tied to this CPU only so many are looked at. */
enum { MOVABLE_LOOKS = 16 };

struct thread *rq_movable(struct runqueue *rq, const struct cpu *cpu, uint64_t max_weight)
{
    struct thread *rt = rt_first(rq);
    struct rb_node *node = rq->first;

    if (rt && may_move(rt, cpu, max_weight))
        return rt;
    for (unsigned i = 0; node && i < MOVABLE_LOOKS; i++, node = rb_next(node))
        if (may_move(of_node(node), cpu, max_weight))
            return of_node(node);
    return NULL;
}
