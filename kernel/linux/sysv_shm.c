/* linux/sysv_shm.c: System V shared memory (man 2 shmget, shmop, shmctl).
 *
 * A segment is a memory object. Its table holds one reference, each mapping another; how often it
 * is attached is how many mappings show it. */
#include "core/boot.h"
#include "lib/string.h"
#include "linux/huge.h"
#include "linux/ipc.h"
#include "linux/memory.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "mm/heap.h"
#include "mm/hugetlb.h"
#include "mm/shm.h"

enum { SHM_RDONLY = 010000, SHM_RND = 020000, SHM_REMAP = 040000, SHM_EXEC = 0100000 };
enum { SHM_HUGETLB = 04000, SHM_NORESERVE = 010000 };
enum { SHM_DEST = 01000, SHM_LOCKED = 02000 }; /* in the mode */
enum { SHM_LOCK = 11, SHM_UNLOCK, SHM_STAT, SHM_INFO, SHM_STAT_ANY };
enum { SHMMNI = 4096 };
#define SHM_PLENTY (UINT64_MAX - (1ul << 24))

struct segment {
    struct ipc_object ipc; /* first */
    struct mem_object object;
    struct page_store pages;
    uint64_t size, npages, nhuge; /* nhuge: drawn from the pool of huge pages */
    int64_t atime, dtime, ctime;
    int creator, last; /* processes */
    unsigned seen;     /* mappings at the last count */
    int name;          /* the key that it was made for: IPC_RMID takes that away */
    atomic_uint refs;
};

/* struct shmid64_ds */
struct shm_stat {
    struct ipc_perm perm;
    uint64_t size;
    int64_t atime, dtime, ctime;
    int32_t creator, last;
    uint64_t attached, unused[2];
};
struct shm_limits {
    uint64_t max, min, mni, seg, all, unused[4];
};
struct shm_totals {
    int32_t used, pad;
    uint64_t total, resident, swapped, attempts, successes;
};

static struct ipc_table segments = {.limit = SHMMNI};
static uint64_t pages_total; /* under segments.lock */
static struct ipc_limit shmmax = {SHM_PLENTY, UINT64_MAX}, shmall = {SHM_PLENTY, UINT64_MAX};
static struct ipc_limit shmmni = {SHMMNI, IPC_IDS_MAX};

static struct segment *segment_of(struct mem_object *object)
{
    return container_of(object, struct segment, object);
}

static unsigned attached(struct segment *segment)
{
    unsigned n = 0;

    mutex_lock(&segment->object.lock);
    list_for_each (link, &segment->object.mappings)
        n++;
    mutex_unlock(&segment->object.lock);
    return n;
}

/* --- the memory object --- */

static int segment_page(struct mem_object *object, uint64_t index, bool write, paddr_t *frame,
                        bool *writable)
{
    struct segment *segment = segment_of(object);

    if (index >= segment->npages)
        return -EFAULT;
    *frame = page_store_get(&segment->pages, index, true);
    *writable = true;
    return *frame ? 0 : -ENOMEM;
}

static void segment_around(struct mem_object *object, uint64_t first, unsigned n, paddr_t *frames)
{
    page_store_around(&segment_of(object)->pages, first, n, frames);
}

static int segment_punch(struct mem_object *object, uint64_t first, uint64_t npages)
{
    page_store_remove(&segment_of(object)->pages, first, npages);
    mem_object_unmap(object, first, npages);
    return 0;
}

static void segment_get(struct mem_object *object)
{
    atomic_fetch_add_explicit(&segment_of(object)->refs, 1, memory_order_relaxed);
}

static void drop(struct segment *segment)
{
    if (atomic_fetch_sub_explicit(&segment->refs, 1, memory_order_acq_rel) != 1)
        return;
    page_store_remove(&segment->pages, 0, UINT64_MAX);
    if (segment->nhuge)
        hugetlb_return(segment->nhuge);
    kfree(segment);
}

/* Out of the table if it is to go and nobody has it attached. With the lock; the segment may be
 * freed. */
static void remove_unused(struct segment *segment)
{
    if (!(segment->ipc.mode & SHM_DEST) || atomic_load(&segment->refs) != 1)
        return;
    pages_total -= segment->npages;
    ipc_remove(&segments, &segment->ipc);
    drop(segment);
}

/* From a mapping that has gone, or a fault that has ended. */
static void segment_put(struct mem_object *object)
{
    struct segment *segment = segment_of(object);
    int index = segment->ipc.id % IPC_IDS_MAX;
    unsigned now = attached(segment);

    if (now < segment->seen) {
        segment->dtime = ipc_now();
        segment->last = is_task(current) ? current_process()->pid : 0;
    }
    segment->seen = now;
    if (atomic_fetch_sub(&segment->refs, 1) != 2)
        return;
    /* The table's is the last reference; once the lock is taken it may be another segment. */
    mutex_lock(&segments.lock);
    segment = (struct segment *)ipc_at(&segments, index);
    if (segment)
        remove_unused(segment);
    mutex_unlock(&segments.lock);
}

static void segment_name(struct mem_object *object, void *file, char *buf, size_t size)
{
    snprintf(buf, size, "/SYSV%08x (deleted)", (unsigned)segment_of(object)->name);
}

static void segment_identity(struct mem_object *object, uint64_t *dev, uint64_t *ino)
{
    *dev = 1;
    *ino = (uint64_t)segment_of(object)->ipc.id;
}

static const struct mem_object_ops segment_ops = {
    .page = segment_page,
    .around = segment_around,
    .punch = segment_punch,
    .get = segment_get,
    .put = segment_put,
    .name = segment_name,
    .identity = segment_identity,
    .counted = true,
};

/* --- shmget --- */

/* SHM_HUGETLB: for those who may lock memory, and group 0. */
static int check_huge(const struct ipc_get *get)
{
    const struct credentials *cred = &current_task()->cred;
    if (!capable(CAP_IPC_LOCK) && !cred_in_group(cred, 0))
        return -EPERM;
    return huge_size_check((unsigned)get->flags >> 26 & 63);
}

static int make(struct ipc_get *get, struct ipc_object **made)
{
    uint64_t npages = ALIGN_UP(get->size, PAGE_SIZE) >> PAGE_SHIFT;

    if (get->size == 0 || get->size > shmmax.value)
        return -EINVAL;
    if ((npages << PAGE_SHIFT) < get->size ||
        npages > shmall.value - MIN(pages_total, shmall.value))
        return -ENOSPC;
    uint64_t nhuge = 0;
    if (get->flags & SHM_HUGETLB) {
        int err = check_huge(get);
        if (err)
            return err;
        nhuge = ALIGN_UP(get->size, HUGE_SIZE) / HUGE_SIZE;
        npages = nhuge * (HUGE_SIZE / PAGE_SIZE);
    }
    if (npages > USER_END >> PAGE_SHIFT)
        return -ENOMEM;
    struct segment *segment = kzalloc(sizeof(*segment));
    if (!segment || hugetlb_take(nhuge) < 0) {
        kfree(segment);
        return -ENOMEM;
    }
    segment->name = get->key;
    segment->nhuge = nhuge;
    mem_object_init(&segment->object, &segment_ops);
    page_store_init(&segment->pages);
    segment->pages.total = nhuge ? NULL : &page_store_shmem;
    segment->size = get->size;
    segment->npages = npages;
    segment->ctime = ipc_now();
    segment->creator = current_process()->pid;
    atomic_init(&segment->refs, 1);
    segments.limit = (unsigned)shmmni.value;
    int err = ipc_add(&segments, &segment->ipc, get->key, get->flags);
    if (err < 0) {
        hugetlb_return(nhuge);
        kfree(segment);
        return err;
    }
    pages_total += npages;
    *made = &segment->ipc;
    return 0;
}

static int check(struct ipc_get *get, struct ipc_object *object)
{
    return get->size > ((struct segment *)object)->size ? -EINVAL : 0;
}

SYSCALL(shmget, 3, SYSCALL_WHOLE, "")
{
    struct ipc_get get = {make, check, (int32_t)a0, (unsigned)a2, a1};
    return ipc_get(&segments, &get);
}

/* --- shmat, shmdt --- */

static int prepare_place(struct map_request *request, unsigned flags)
{
    if (request->addr) {
        if (request->addr & ~PAGE_MASK) {
            if (!(flags & SHM_RND))
                return -EINVAL;
            request->addr &= PAGE_MASK;
            if (!request->addr && flags & SHM_REMAP)
                return -EINVAL;
        }
        request->flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
        return 0;
    }
    return flags & SHM_REMAP ? -EINVAL : 0;
}

/* The segment with a reference. */
static int attach_begin(int id, unsigned flags, struct segment **found)
{
    unsigned want = IPC_READ | (flags & SHM_RDONLY ? 0 : IPC_WRITE) | (flags & SHM_EXEC ? 0111 : 0);

    mutex_lock(&segments.lock);
    struct segment *segment = (struct segment *)ipc_find(&segments, id);
    int err = segment ? ipc_permission(&segment->ipc, want) : -EINVAL;
    if (!err) {
        segment_get(&segment->object);
        *found = segment;
    }
    mutex_unlock(&segments.lock);
    return err;
}

SYSCALL(shmat, 3, SYSCALL_WHOLE, "")
{
    unsigned flags = (unsigned)a2;
    struct segment *segment = NULL;
    struct map_request request = {
        .addr = a1,
        .prot =
            PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0),
        .max_prot = PROT_READ | PROT_EXEC | (flags & SHM_RDONLY ? 0 : PROT_WRITE),
        .flags = MAP_SHARED,
    };

    if ((int)a0 < 0)
        return -EINVAL;
    int err = prepare_place(&request, flags);
    if (!err)
        err = attach_begin((int)a0, flags, &segment);
    if (err)
        return err;
    request.object = &segment->object;
    request.length = segment->npages << PAGE_SHIFT;
    if (segment->nhuge)
        request.flags |= MAP_HUGETLB;
    ssize_t at = memory_lock_new(&request);
    if (at == 0)
        at = user_range_ok(request.addr, request.length)
                 ? address_space_map(current_process()->space, &request)
             : !(flags & SHM_REMAP) && request.addr + segment->size < request.addr ? -EINVAL
                                                                                   : -ENOMEM;
    if (at > 0) {
        segment->atime = ipc_now();
        segment->last = current_process()->pid;
        segment->seen = attached(segment);
        memory_locked_new((uintptr_t)at, &request);
    }
    segment_put(&segment->object);
    return at == -EEXIST ? -EINVAL : at;
}

/* The next piece of an attachment at or above *at: its range. An attachment starts at its address
 * with the segment's first page; pieces keep their distance. */
static struct mem_object *find_piece(uintptr_t addr, uintptr_t *at, uintptr_t *end,
                                     const struct mem_object *of)
{
    struct address_space *space = current_process()->space;
    struct mem_object *object = NULL;

    read_lock(&space->lock);
    struct mapping *m = address_space_find(space, *at);
    for (; m && !object; m = mapping_next(m)) {
        if (!m->object || m->object->ops != &segment_ops || (of && m->object != of) ||
            m->start - addr != m->object_page << PAGE_SHIFT)
            continue;
        object = m->object;
        *at = m->start;
        *end = m->end;
    }
    read_unlock(&space->lock);
    return object;
}

SYSCALL(shmdt, 1, SYSCALL_WHOLE, "")
{
    uintptr_t at = a0, end = 0;

    if (a0 & ~PAGE_MASK || a0 >= USER_END)
        return -EINVAL;
    struct mem_object *object = find_piece(a0, &at, &end, NULL);
    if (!object)
        return -EINVAL;
    segment_get(object);
    uint64_t size = segment_of(object)->npages << PAGE_SHIFT;
    do {
        (void)address_space_unmap(current_process()->space, at, end - at);
        at = end;
    } while (at - a0 < size && find_piece(a0, &at, &end, object) && at - a0 < size);
    segment_put(object);
    return 0;
}

/* --- shmctl --- */

static void stat_out(struct segment *segment, struct shm_stat *stat)
{
    *stat = (struct shm_stat){
        .size = segment->size,
        .atime = segment->atime,
        .dtime = segment->dtime,
        .ctime = segment->ctime,
        .creator = segment->creator,
        .last = segment->last,
        .attached = attached(segment),
    };
    ipc_perm_out(&segment->ipc, &stat->perm);
}

static int64_t do_stat(int id, int cmd, uintptr_t to)
{
    struct ipc_object *found;
    struct shm_stat stat;
    int64_t result = 0;

    mutex_lock(&segments.lock);
    int err = ipc_look(&segments, id, cmd != IPC_STAT, cmd != SHM_STAT_ANY, &found);
    if (!err) {
        stat_out((struct segment *)found, &stat);
        result = cmd == IPC_STAT ? 0 : found->id;
    }
    mutex_unlock(&segments.lock);
    if (!err)
        err = user_write(to, &stat, sizeof(stat));
    return err < 0 ? err : result;
}

static int64_t do_info(int cmd, uintptr_t to)
{
    struct shm_totals totals = {};
    struct shm_limits limits = {shmmax.value, 1, shmmni.value, shmmni.value, shmall.value, {}};

    mutex_lock(&segments.lock);
    int highest = ipc_highest(&segments);
    totals.used = (int32_t)segments.used;
    totals.total = pages_total;
    for (int i = 0; i <= highest; i++) {
        struct segment *segment = (struct segment *)ipc_at(&segments, i);
        if (segment)
            totals.resident += segment->pages.npages;
    }
    mutex_unlock(&segments.lock);
    int err = cmd == IPC_INFO ? user_write(to, &limits, sizeof(limits))
                              : user_write(to, &totals, sizeof(totals));
    return err < 0 ? err : MAX(highest, 0);
}

static int lock_pages(struct segment *segment, int cmd)
{
    if (!capable(CAP_IPC_LOCK)) {
        uint32_t me = current_task()->cred.euid;
        if (me != segment->ipc.uid && me != segment->ipc.cuid)
            return -EPERM;
        if (cmd == SHM_LOCK && !current_process()->limits[LIMIT_MEMLOCK][0])
            return -EPERM;
    }
    if (cmd == SHM_LOCK) /* nothing is ever swapped out */
        segment->ipc.mode |= SHM_LOCKED;
    else
        segment->ipc.mode &= ~(uint32_t)SHM_LOCKED;
    return 0;
}

static int change(struct segment *segment, int cmd, const struct shm_stat *set)
{
    if (cmd == SHM_LOCK || cmd == SHM_UNLOCK)
        return lock_pages(segment, cmd);
    if (!ipc_is_owner(&segment->ipc))
        return -EPERM;
    if (cmd == IPC_SET) {
        int err = ipc_perm_set(&segment->ipc, &set->perm);
        if (!err)
            segment->ctime = ipc_now();
        return err;
    }
    segment->ipc.mode |= SHM_DEST;
    segment->ipc.key = IPC_PRIVATE;
    remove_unused(segment);
    return 0;
}

SYSCALL(shmctl, 3, SYSCALL_WHOLE, "")
{
    int id = (int)a0, cmd = (int)a1;
    struct shm_stat set = {};

    if (id < 0 || cmd < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO:
    case SHM_INFO:
        return do_info(cmd, a2);
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY:
        return do_stat(id, cmd, a2);
    case IPC_SET:
        if (user_read(&set, a2, sizeof(set)) < 0)
            return -EFAULT;
        break;
    case IPC_RMID:
    case SHM_LOCK:
    case SHM_UNLOCK:
        break;
    default:
        return -EINVAL;
    }
    mutex_lock(&segments.lock);
    struct segment *segment = (struct segment *)ipc_find(&segments, id);
    int err = segment ? change(segment, cmd, &set) : -EINVAL;
    mutex_unlock(&segments.lock);
    return err;
}

/* --- /proc --- */

static int show(struct text *text, const struct pseudo *self)
{
    text_printf(text,
                "       key      shmid perms                  size  cpid  lpid nattch   uid   "
                "gid  cuid  cgid      atime      dtime      ctime                   rss      "
                "            swap\n");
    mutex_lock(&segments.lock);
    for (unsigned i = 0; i < segments.size; i++) {
        struct segment *s = (struct segment *)segments.slots[i];
        if (!s)
            continue;
        const struct ipc_object *o = &s->ipc;
        text_printf(text, "%10d %10d  %4o %21lu %5u %5u  %5u %5u %5u %5u %5u %10lu %10lu %10lu ",
                    o->key, o->id, o->mode, s->size, (unsigned)s->creator, (unsigned)s->last,
                    attached(s), o->uid, o->gid, o->cuid, o->cgid, (uint64_t)s->atime,
                    (uint64_t)s->dtime, (uint64_t)s->ctime);
        text_printf(text, "%21lu %21lu\n", s->pages.npages << PAGE_SHIFT, 0ul);
    }
    mutex_unlock(&segments.lock);
    return 0;
}

static struct pseudo_entry limits[] = {
    IPC_LIMIT("shmmax", shmmax),
    IPC_LIMIT("shmall", shmall),
    IPC_LIMIT("shmmni", shmmni),
};
static struct pseudo_entry list = PSEUDO_FILE("shm", show);

static int shm_start(void)
{
    ipc_register(limits, ARRAY_SIZE(limits), &list);
    return 0;
}
BOOT_STEP(PHASE_FS, "System V shared memory", shm_start);
