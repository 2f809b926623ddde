/* Shared anonymous memory: an object whose pages are made as they are touched. */
#include "mm/shm.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/hugetlb.h"

struct shm {
    struct mem_object object;
    struct page_store pages;
    uint64_t npages, nhuge;
    atomic_uint refs;
};

static struct shm *shm_of(struct mem_object *object)
{
    return container_of(object, struct shm, object);
}

static int shm_page(struct mem_object *object, uint64_t index, bool write, paddr_t *frame,
                    bool *writable)
{
    struct shm *shm = shm_of(object);
    if (index >= shm->npages)
        return -EFAULT;
    *frame = page_store_get(&shm->pages, index, true);
    *writable = true;
    return *frame ? 0 : -ENOMEM;
}

static void shm_around(struct mem_object *object, uint64_t first, unsigned n, paddr_t *frames)
{
    page_store_around(&shm_of(object)->pages, first, n, frames);
}

static int shm_punch(struct mem_object *object, uint64_t first, uint64_t npages)
{
    page_store_remove(&shm_of(object)->pages, first, npages);
    mem_object_unmap(object, first, npages);
    return 0;
}

static void shm_get(struct mem_object *object)
{
    atomic_fetch_add_explicit(&shm_of(object)->refs, 1, memory_order_relaxed);
}

static void shm_put(struct mem_object *object)
{
    struct shm *shm = shm_of(object);
    if (atomic_fetch_sub_explicit(&shm->refs, 1, memory_order_acq_rel) != 1)
        return;
    page_store_remove(&shm->pages, 0, UINT64_MAX);
    if (shm->nhuge)
        hugetlb_return(shm->nhuge);
    kfree(shm);
}

static void shm_name(struct mem_object *object, void *file, char *buf, size_t size)
{
    bool huge = shm_of(object)->nhuge;
    strlcpy(buf, huge ? "/anon_hugepage (deleted)" : "/dev/zero (deleted)", size);
}

/* Linux shows such memory as an unlinked file of a hidden tmpfs. */
static void shm_identity(struct mem_object *object, uint64_t *dev, uint64_t *ino)
{
    *dev = 1;
    *ino = (uintptr_t)object >> 6 & 0xffffffff;
}

static const struct mem_object_ops shm_ops = {
    .page = shm_page,
    .around = shm_around,
    .punch = shm_punch,
    .get = shm_get,
    .put = shm_put,
    .name = shm_name,
    .identity = shm_identity,
};

struct mem_object *shm_object_create(uint64_t npages, uint64_t nhuge)
{
    struct shm *shm = kzalloc(sizeof(*shm));
    if (!shm)
        return NULL;
    mem_object_init(&shm->object, &shm_ops);
    page_store_init(&shm->pages);
    shm->pages.total = nhuge ? NULL : &page_store_shmem;
    shm->npages = npages;
    shm->nhuge = nhuge;
    atomic_store(&shm->refs, 1);
    return &shm->object;
}
