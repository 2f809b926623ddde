#include "drivers/block/rescue.h"

#include "core/boot.h"
#include "lib/errno.h"

static struct rescue *_Atomic rescues;
static struct waitqueue calls;

static struct rescue *first_wanted(void)
{
    struct rescue *r = rcu_load(rescues);
    while (r && !atomic_exchange(&r->wanted, false))
        r = r->next;
    return r;
}

static void serve(void *arg)
{
    struct rescue *r;
    for (;;) {
        WAIT_EVENT(&calls, (r = first_wanted()), 0, NSEC_FOREVER);
        r->run(r);
    }
}

int rescue_init(struct rescue *rescue, void (*run)(struct rescue *))
{
    if (!rescues)
        waitqueue_init(&calls);
    if (!rescues && !kthread_start("disks", serve, NULL))
        return -ENOMEM;
    rescue->run = run;
    rescue->next = rescues;
    rcu_store(rescues, rescue);
    return 0;
}

void rescue_call(struct rescue *rescue)
{
    atomic_store(&rescue->wanted, true);
    wake_all(&calls);
}

nsec_t disk_timeout(void)
{
    enum { TIMEOUT_MS = 30000 };
    static nsec_t ns;
    if (!ns)
        ns = (nsec_t)boot_param_u64("disk_timeout_ms", TIMEOUT_MS) * 1000000;
    return ns;
}
