#include "main.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irqflags.h"
#include "core/boot.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/random.h"
#include "core/thread.h"

extern const struct boot_step __boot_steps[], __boot_steps_1[], __boot_steps_2[], __boot_steps_3[],
    __boot_steps_4[], __boot_steps_5[], __boot_steps_6[], __boot_steps_end[];
extern const char boot_stack[], boot_stack_top[];

static const struct boot_step *const phases[PHASES + 1] = {
    __boot_steps,   __boot_steps_1, __boot_steps_2, __boot_steps_3,
    __boot_steps_4, __boot_steps_5, __boot_steps_6, __boot_steps_end,
};

enum { MARKS = 96 };
static struct {
    const char *name;
    uint64_t tsc;
} marks[MARKS];
static unsigned nmarks;

void boot_mark(const char *name)
{
    if (nmarks < MARKS) {
        marks[nmarks].name = name;
        marks[nmarks++].tsc = rdtsc();
    }
}

void (*boot_chart_hook)(void);

/* Nanoseconds (or ticks) since the counter began, which is the machine's first instruction, and
 * since the mark before. */
static void print_mark(const char *name, uint64_t *before, uint64_t tsc, uint64_t unit)
{
    uint64_t total = tsc / unit * 1000000 + tsc % unit * 1000000 / unit;
    uint64_t took = tsc - *before, step = took / unit * 1000000 + took % unit * 1000000 / unit;

    log_at(LOG_ALERT, "%8lu.%03lu %+8ld.%03lu  %s", total / 1000, total % 1000, step / 1000,
           step % 1000, name);
    *before = tsc;
}

void boot_chart_print(void)
{
    if (boot_chart_hook)
        boot_chart_hook();
    uint64_t khz = boot_param_u64("tsc_khz", 0), loader = boot_info.tsc_at_loader;
    log_at(LOG_ALERT, "boot chart (%s, %s):", boot_info.loader, khz ? "us" : "1000 TSC ticks");
    uint64_t unit = khz ? khz : 1000000, before = 0;
    const char *stage = "firmware";
    if (loader && loader <= boot_info.tsc_at_entry) {
        print_mark(stage, &before, loader, unit);
        print_mark("loader", &before, boot_info.tsc_at_unpack, unit);
        stage = "unpack";
    }
    print_mark(stage, &before, boot_info.tsc_at_entry, unit);
    for (unsigned i = 0; i < nmarks; i++)
        print_mark(marks[i].name, &before, marks[i].tsc, unit);
}

static void run_phase(enum boot_phase phase)
{
    for (const struct boot_step *step = phases[phase]; step < phases[phase + 1]; step++) {
        int err = step->run();
        if (err < 0)
            log_warning("boot: %s failed (error %d)", step->name, -err);
        boot_mark(step->name);
    }
}

/* The boot thread from here to its end. The protector's canary changes under this function, so it
 * must not have one. */
__attribute__((no_stack_protector)) void kernel_main(void)
{
    boot_thread.kstack_top = this_cpu()->kstack_top = (uintptr_t)boot_stack_top;
    this_cpu()->stack_canary = random_u64() & ~0xffull; /* a 0 byte ends string overruns */
    boot_mark("hand-over");
    for (enum boot_phase phase = PHASE_ARCH; phase < PHASES; phase++)
        run_phase(phase);
    thread_exit();
}
