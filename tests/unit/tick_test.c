// sources: kernel/core/tick.c
// flags: -Itests/unit/shim/sched -Ikernel -fno-sanitize=all -Wno-unused-parameter
/* Load averages, whenever the ticks come. */
#include "core/tick.h"

#include "core/clock.h"
#include "core/sched.h"
#include <stdio.h>
#include <stdlib.h>

static struct cpu cpu[2];
static struct runqueue queue[2];
static struct thread idle_thread, worker;
static nsec_t now;
static unsigned threads;
struct cpu *cpus[CPUS_MAX] = {&cpu[0], &cpu[1]};
unsigned ncpus = 2;

uint64_t irq_save(void)
{
    return 0;
}
void irq_restore(uint64_t flags)
{
}
nsec_t clock_monotonic(void)
{
    return now;
}
unsigned sched_runnable(void)
{
    return threads;
}
void timer_init(struct timer *timer, void (*fire)(struct timer *))
{
    *timer = (struct timer){.fire = fire};
}
void timer_start(struct timer *timer, nsec_t deadline)
{
    timer->deadline = deadline;
    timer->armed = true;
}

static void tick(unsigned i)
{
    queue[i].tick.armed = false;
    queue[i].tick.fire(&queue[i].tick);
}

static void work(unsigned i)
{
    threads++;
    cpu[i].running = &worker;
    tick_start(&queue[i]);
}

static void rest(unsigned i)
{
    threads--;
    cpu[i].running = &idle_thread;
}

static void check(const char *name, double least, double most)
{
    uint64_t loads[3];
    tick_load(loads);
    double one = (double)loads[0] / (1 << LOAD_SHIFT);
    if (one < least || one > most)
        printf("# %f, not within %f to %f\n", one, least, most);
    printf("%s - %s\n", one < least || one > most ? "not ok" : "ok", name);
}

static const nsec_t ms = 1000000, second = 1000000000;

/* Two CPUs work for so long, and tick every `every`. */
static void work_for(nsec_t time, nsec_t every)
{
    work(0);
    work(1);
    for (nsec_t end = now + time; now < end;) {
        now += every;
        tick(0);
        tick(1);
    }
    rest(0);
    rest(1);
    tick(0);
    tick(1);
}

int main(void)
{
    for (unsigned i = 0; i < 2; i++) {
        cpu[i].rq = &queue[i];
        queue[i].cpu = &cpu[i];
        cpu[i].idle_thread = cpu[i].running = &idle_thread;
        tick_init(&queue[i]);
    }
    now = 100 * second;
    check("nothing has run", 0, 0);
    work_for(600 * second, 4 * ms);
    check("two threads for ten minutes", 1.98, 2);
    now += 60 * second;
    check("a minute of rest", 0.6, 0.8);
    now += 600 * second;
    work_for(600 * second, 700 * ms);
    check("two threads whose ticks come late", 1.98, 2);
    now += 600 * second;
    work_for(600 * second, 7 * second);
    check("ticks that come after more than a period", 1.98, 2);
    now += 600 * second;
    check("and all is forgotten", 0, 0.01);

    now += second;
    work(1); /* its tick is late when the other one wakes */
    now += 6 * second;
    work(0);
    tick_load((uint64_t[3]){});
    tick(0);
    check("the work of a CPU that has not ticked", 0.05, 0.2);
    now += 4 * ms;
    rest(0);
    rest(1);
    tick(0);
    tick(1);
    check("counts once", 0.05, 0.2);
    return 0;
}
