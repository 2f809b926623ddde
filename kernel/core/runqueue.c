#include "core/sched.h"

#include "core/clock.h"

/* sched(7): each step of nice is a factor of 1.25; nice 0 is 1024. SCHED_IDLE weighs 3. */
static const uint32_t weights[40] = {
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904,
    3906,  3121,  2501,  1991,  1586,  1277,  1024,  820,   655,   526,   423,  335,  272,  215,
    172,   137,   110,   87,    70,    56,    45,    36,    29,    23,    18,   15,
};
enum { IDLE_WEIGHT = 3 };

void thread_weigh(struct thread *thread)
{
    thread->weight = thread->policy == POLICY_IDLE ? IDLE_WEIGHT : weights[thread->nice + 20];
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

/* The fair thread that is to run next, or NULL. */
static struct thread *fair_first(const struct runqueue *rq)
{
    if (rq->lone)
        return rq->lone;
    return rq->first ? of_node(rq->first) : NULL;
}

bool rq_fair_waits(const struct runqueue *rq)
{
    return fair_first(rq) != NULL;
}

/* Real-time threads have run for so long that it is the fair ones' turn; not those that have
 * reserved their time. */
static bool gives_way(const struct runqueue *rq, const struct thread *rt)
{
    return unlikely(rq->fair_turn) && rt->rt_priority < PRIORITY_DEADLINE &&
           (int64_t)(rq->fair_turn - sched_cycles()) > 0;
}

static void fair_add(struct runqueue *rq, struct thread *thread, bool head)
{
    struct rb_node **link = &rq->fair.root, *parent = NULL;
    bool first = true;

    while (*link) {
        int64_t after = thread->vruntime - of_node(*link)->vruntime;

        parent = *link;
        if (after < 0 || (head && after == 0)) {
            link = &parent->left;
        } else {
            link = &parent->right;
            first = false;
        }
    }
    rb_insert(&rq->fair, &thread->run_node, parent, link);
    if (first)
        rq->first = &thread->run_node;
    rq->waiting_weight += thread->weight;
}

static void fair_remove(struct runqueue *rq, struct thread *thread)
{
    if (rq->first == &thread->run_node)
        rq->first = rb_next(&thread->run_node);
    rb_remove(&rq->fair, &thread->run_node);
    rq->waiting_weight -= thread->weight;
}

static void add_by_deadline(struct list *queue, struct thread *thread)
{
    struct list *before = queue->prev;

    while (before != queue &&
           (int64_t)(list_entry(before, struct thread, run_link)->dl.until - thread->dl.until) > 0)
        before = before->prev;
    list_add(before, &thread->run_link);
}

/* The heads of the real-time lists are initialised when they are first used. */
static void rt_add(struct runqueue *rq, struct thread *thread, bool head)
{
    unsigned priority = thread->rt_priority;
    struct list *queue = &rq->rt[priority];

    if (!queue->next)
        list_init(queue);
    if (priority == PRIORITY_DEADLINE)
        add_by_deadline(queue, thread);
    else if (head)
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

static struct thread *rt_first(const struct runqueue *rq)
{
    for (int word = 1; word >= 0; word--)
        if (rq->rt_bitmap[word]) {
            unsigned priority = 64 * word + 63 - __builtin_clzll(rq->rt_bitmap[word]);

            return list_first(&rq->rt[priority], struct thread, run_link);
        }
    return NULL;
}

void rq_add_sorted(struct runqueue *rq, struct thread *thread, bool head)
{
    struct thread *lone = rq->lone;

    if (unlikely(thread->policy == POLICY_DEADLINE) && !deadline_enqueue(rq, thread))
        return;
    if (lone) {
        rq->lone = NULL;
        rq->waiting_weight = 0;
        fair_add(rq, lone, false);
    }
    if (thread_is_rt(thread))
        rt_add(rq, thread, head);
    else
        fair_add(rq, thread, head);
    rq->waiting++;
}

void rq_remove(struct runqueue *rq, struct thread *thread)
{
    if (thread == rq->lone) {
        rq_take(rq);
        return;
    }
    if (unlikely(thread->dl.waits)) {
        deadline_leave(rq, thread);
        return;
    }
    if (thread_is_rt(thread))
        rt_remove(rq, thread);
    else
        fair_remove(rq, thread);
    rq->waiting--;
}

struct thread *rq_take_sorted(struct runqueue *rq)
{
    struct thread *thread = rt_first(rq);

    if (!thread || (rq->first && gives_way(rq, thread)))
        thread = of_node(rq->first);
    else
        rq->fair_turn = 0;
    rq_remove(rq, thread);
    return thread;
}

/* The idle thread, or one that runs by priority. */
static __attribute__((noinline)) void pay_other(struct runqueue *rq, struct thread *running,
                                                uint64_t ran)
{
    if (running == rq->cpu->idle_thread)
        rq->cpu->idle_ns = clock_tsc_to_ns(running->runtime);
    else if (thread_has_budget(running))
        deadline_pay(running, ran);
}

/* Weighted time: a heavier thread's grows more slowly. min_vruntime follows the least of the
 * running thread's and the first waiting one's. */
void rq_pay(struct runqueue *rq, struct thread *running, uint64_t ran)
{
    struct thread *first;
    uint64_t least;

    if (unlikely(running == rq->cpu->idle_thread || thread_is_rt(running))) {
        pay_other(rq, running, ran);
        return;
    }
    if (rq->waiting)
        ran = MIN(ran, 2 * sched_times.slice);
    if (unlikely(running->weight != NICE_0_WEIGHT))
        ran = ran * NICE_0_WEIGHT / running->weight;
    least = running->vruntime += ran;
    first = fair_first(rq);
    if (first && (int64_t)(first->vruntime - least) < 0)
        least = first->vruntime;
    if ((int64_t)(least - rq->min_vruntime) > 0)
        __atomic_store_n(&rq->min_vruntime, least, __ATOMIC_RELAXED);
}

void rq_yield(struct runqueue *rq, struct thread *running)
{
    struct thread *first = fair_first(rq);

    if (!thread_is_rt(running) && first && (int64_t)(running->vruntime - first->vruntime) < 0)
        running->vruntime = first->vruntime;
}

bool rq_preempts_by_policy(const struct thread *thread, const struct thread *running)
{
    if (thread->policy == POLICY_DEADLINE && thread->dl.waits)
        return false;
    if (thread->policy == POLICY_DEADLINE && running->policy == POLICY_DEADLINE)
        return (int64_t)(running->dl.until - thread->dl.until) > 0;
    if (thread_is_rt(thread))
        return thread->rt_priority > running->rt_priority &&
               (thread_is_rt(running) || !gives_way(running->cpu->rq, thread));
    if (thread_is_rt(running))
        return false;
    if (running->policy == POLICY_IDLE && thread->policy != POLICY_IDLE)
        return true;
    if (thread->policy != POLICY_FAIR)
        return false;
    return (int64_t)(running->vruntime - thread->vruntime) > (int64_t)sched_times.wake_gran;
}

static bool may_move(const struct thread *thread, const struct cpu *cpu, uint64_t max_weight)
{
    return thread_allowed(thread, cpu) && (thread_is_rt(thread) || thread->weight <= max_weight);
}

/* Bounded: of many threads tied to this CPU only so many are looked at. */
enum { MOVABLE_LOOKS = 16 };

struct thread *rq_movable(struct runqueue *rq, const struct cpu *cpu, uint64_t max_weight)
{
    struct thread *rt = rt_first(rq);
    struct rb_node *node = rq->first;

    if (rt && may_move(rt, cpu, max_weight))
        return rt;
    if (rq->lone)
        return may_move(rq->lone, cpu, max_weight) ? rq->lone : NULL;
    for (unsigned i = 0; node && i < MOVABLE_LOOKS; i++, node = rb_next(node))
        if (may_move(of_node(node), cpu, max_weight))
            return of_node(node);
    return NULL;
}

/* --- asked by other CPUs. The running thread may end meanwhile, but it is not freed: the caller is
 * an RCU reader. --- */

static const struct thread *running_there(const struct runqueue *rq)
{
    const struct thread *running = __atomic_load_n(&rq->cpu->running, __ATOMIC_RELAXED);

    return running == rq->cpu->idle_thread ? NULL : running;
}

unsigned rq_threads(const struct runqueue *rq)
{
    return __atomic_load_n(&rq->waiting, __ATOMIC_RELAXED) + (running_there(rq) != NULL);
}

uint64_t rq_weight(const struct runqueue *rq)
{
    const struct thread *running = running_there(rq);

    return __atomic_load_n(&rq->waiting_weight, __ATOMIC_RELAXED) +
           (running && !thread_is_rt(running) ? running->weight : 0);
}

int rq_priority(const struct runqueue *rq)
{
    const struct thread *running = running_there(rq);

    return running && thread_is_rt(running) ? running->rt_priority : 0;
}
