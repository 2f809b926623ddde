#include "mm/hugetlb.h"

#include "core/mutex.h"
#include "lib/errno.h"
#include "mm/frame.h"

static struct mutex lock; /* over the rest */
static paddr_t pool;      /* blocks that are free, chained by their first word */
static uint64_t total, nfree;

/* --- lock held */

static bool push(void)
{
    paddr_t block = frame_alloc(FRAME_ORDER_HUGE, FRAME_USER);
    if (!block)
        return false;
    *(paddr_t *)phys_to_virt(block) = pool;
    pool = block;
    nfree++;
    return true;
}

static void pop(void)
{
    paddr_t block = pool;
    pool = *(paddr_t *)phys_to_virt(block);
    nfree--;
    frame_put(block);
}

/* --- for everybody */

void hugetlb_resize(uint64_t npages)
{
    mutex_lock(&lock);
    while (total < npages && push())
        total++;
    while (total > npages && nfree) {
        pop();
        total--;
    }
    mutex_unlock(&lock);
}

int hugetlb_take(uint64_t npages)
{
    mutex_lock(&lock);
    int err = npages <= nfree ? 0 : -ENOMEM;
    for (uint64_t i = 0; err == 0 && i < npages; i++)
        pop();
    mutex_unlock(&lock);
    return err;
}

void hugetlb_return(uint64_t npages)
{
    mutex_lock(&lock);
    while (npages--)
        if (!push())
            total--;
    mutex_unlock(&lock);
}

void hugetlb_get_stats(struct hugetlb_stats *stats)
{
    mutex_lock(&lock);
    *stats = (struct hugetlb_stats){total, nfree};
    mutex_unlock(&lock);
}
