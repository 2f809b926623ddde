/* linux/memory.c: the system calls about the program's memory. */
#include "fs/tmpfs.h"
#include "linux/huge.h"
#include "linux/fd.h"
#include "linux/memory.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "mm/heap.h"

enum { CAP_IPC_LOCK = 14 };
enum { PROT_ALL = PROT_READ | PROT_WRITE | PROT_EXEC };
enum { MS_ASYNC = 1, MS_INVALIDATE = 2, MS_SYNC = 4 };
enum { MLOCK_ONFAULT = 1, MCL_CURRENT = 1, MCL_FUTURE = 2, MCL_ONFAULT = 4 };
enum { MMAP_MIN_ADDR = 65536, CAP_SYS_RAWIO = 17 };

/* Flags that MAP_SHARED_VALIDATE accepts. */
enum {
    MAP_VALIDATED = MAP_SHARED_VALIDATE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN |
                    MAP_DENYWRITE | MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE |
                    MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | 0x80 /* MAP_ABOVE4G */ |
                    31 << 26 /* MAP_HUGE_2MB and _1GB */
};

static struct address_space *space(void)
{
    return current_process()->space;
}

static bool may_lock(void)
{
    return current_process()->limits[LIMIT_MEMLOCK][0] > 0 || capable(CAP_IPC_LOCK);
}

/* How many bytes more may be locked: RLIMIT_MEMLOCK. */
static size_t lock_room(void)
{
    uint64_t limit = current_process()->limits[LIMIT_MEMLOCK][0];
    uint64_t locked = atomic_load_explicit(&space()->locked_pages, memory_order_relaxed);

    if (limit == LIMIT_INFINITY || capable(CAP_IPC_LOCK))
        return SIZE_MAX;
    return limit > locked << PAGE_SHIFT ? limit - (locked << PAGE_SHIFT) : 0;
}

/* counted: bytes of the n that are locked already. In pages: any n is few enough to add. */
static bool over_lock_limit(size_t n, size_t counted)
{
    uint64_t limit = current_process()->limits[LIMIT_MEMLOCK][0];
    uint64_t locked = atomic_load_explicit(&space()->locked_pages, memory_order_relaxed);

    if (limit == LIMIT_INFINITY || capable(CAP_IPC_LOCK))
        return false;
    return locked - (counted >> PAGE_SHIFT) + (n >> PAGE_SHIFT) > limit >> PAGE_SHIFT;
}

/* --- mmap and its like --- */

bool memory_is_shared(const struct mapping *m)
{
    bool writable = m->max_prot & PROT_WRITE || (m->file && file_writable(m->file)); /* sealed */
    return m->flags & MAP_SHARED && writable;
}

int memory_lock_new(struct map_request *request)
{
    if (current_process()->lock_future)
        request->flags |= MAP_LOCKED;
    return request->flags & MAP_LOCKED && over_lock_limit(request->length, 0) ? -EAGAIN : 0;
}

void memory_locked_new(uintptr_t at, const struct map_request *request)
{
    if (request->flags & MAP_LOCKED)
        (void)address_space_lock_pages(space(), at, request->length, true,
                                       current_process()->lock_future & MCL_ONFAULT);
}

static int check_place(const struct map_request *request)
{
    if (!(request->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
        return 0;
    if (!user_range_ok(request->addr, request->length))
        return -ENOMEM;
    if (request->addr & ~PAGE_MASK)
        return -EINVAL;
    if (request->addr < USER_MIN || (request->addr < MMAP_MIN_ADDR && !capable(CAP_SYS_RAWIO)))
        return -EPERM;
    if (!(request->flags & MAP_FIXED_NOREPLACE))
        return 0;
    read_lock(&space()->lock);
    struct mapping *m = address_space_find(space(), request->addr);
    bool taken = m && m->start < request->addr + request->length;
    read_unlock(&space()->lock);
    return taken ? -EEXIST : 0;
}

static int check_type(const struct map_request *request, const struct file *file)
{
    switch (request->flags & 0xf) {
    case MAP_SHARED:
    case MAP_PRIVATE:
        return 0;
    case MAP_SHARED_VALIDATE:
        if (!file)
            return -EINVAL;
        return request->flags & ~(unsigned)MAP_VALIDATED ? -EOPNOTSUPP : 0;
    default:
        return -EINVAL;
    }
}

/* In the order in which Linux looks. A length of 0 is one that was rounded to it. */
static int check_request(struct map_request *request, const struct file *file)
{
    bool asked = request->flags & MAP_LOCKED;
    uint64_t max = file && (file->inode->mode & S_IFMT) == S_IFREG ? INT64_MAX : UINT64_MAX;
    int error;

    if (request->length == 0 || request->length > USER_END)
        return -ENOMEM;
    error = check_place(request);
    if (error)
        return error;
    if (asked && !may_lock())
        return -EPERM;
    error = memory_lock_new(request);
    if (error)
        return error;
    if (file && request->object_page > (max - request->length) >> PAGE_SHIFT)
        return -EOVERFLOW;
    return check_type(request, file);
}

static int request_file(struct map_request *request, int fd, off_t offset)
{
    struct file *file = fd_get(fd);
    bool counted;
    int error;

    if (!file)
        return -EBADF;
    request->object_page = (uint64_t)offset >> PAGE_SHIFT;
    if (request->flags & MAP_HUGETLB && !tmpfs_is_huge(file))
        error = -EINVAL;
    else
        error = check_request(request, file);
    counted = request->flags & MAP_LOCKED;
    error = error ?: file_mmap(file, request);
    if (!error && !counted && request->flags & MAP_LOCKED && over_lock_limit(request->length, 0))
        error = -EAGAIN; /* secret memory is always locked */
    if (error)
        file_put(file);
    else
        request->file = file; /* keeps the reference until the mapping has been made */
    return error;
}

/* MAP_HUGETLB: the size of its pages is in the flags; there is a pool of the usual one only. */
static int check_huge(const struct map_request *request)
{
    if (request->flags & MAP_HUGETLB && !request->length)
        return -EINVAL;
    return request->flags & MAP_HUGETLB ? huge_size_check(request->flags >> 26 & 63) : 0;
}

static ssize_t map(struct map_request *request, int fd, off_t offset)
{
    bool anonymous = request->flags & MAP_ANONYMOUS;
    ssize_t at;
    int error;

    if (anonymous)
        error = check_huge(request) ?: check_request(request, NULL);
    else
        error = request_file(request, fd, offset);
    if (error)
        return error;
    at = address_space_map(space(), request);
    if (!anonymous)
        file_put(request->file);
    return at;
}

SYSCALL(mmap, 6, SYSCALL_WHOLE, "")
{
    struct map_request request = {
        .addr = a0,
        .length = ALIGN_UP(a1, PAGE_SIZE),
        .prot = (unsigned)a2 & PROT_ALL,
        .max_prot = PROT_ALL,
        .flags = (unsigned)a3,
    };
    ssize_t at;

    if (a5 & ~PAGE_MASK)
        return -EINVAL;
    if (a2 & PROT_READ && unlikely(current_personality(PERSONALITY_READ_IMPLIES_EXEC)))
        request.prot |= PROT_EXEC;
    if (a1 == 0) {
        struct file *file = a3 & MAP_ANONYMOUS ? NULL : fd_get((int)a4);
        if (file)
            file_put(file);
        return file || a3 & MAP_ANONYMOUS ? -EINVAL : -EBADF;
    }
    at = map(&request, (int)a4, (off_t)a5);
    if (at < 0)
        return at;
    memory_locked_new((uintptr_t)at, &request);
    if (!(request.flags & MAP_LOCKED) &&
        (request.flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE &&
        address_space_populate(space(), (uintptr_t)at, request.length,
                               (request.prot & PROT_WRITE) && (request.flags & 3) == MAP_PRIVATE) ==
            -ENOMEM)
        signal_out_of_memory(at, syscall_regs()->rip); /* mmap(2) tells nobody; nor does Linux */
    return at;
}

/* The shared mapping that holds [start, start+size), or several of one file side by side, as a
 * request with references of object and file. */
static int shared_request(uintptr_t start, size_t size, struct map_request *request)
{
    int err = -EINVAL;
    read_lock(&space()->lock);
    struct mapping *m = address_space_find(space(), start), *first = m;
    if (m && m->start <= start && memory_is_shared(m)) {
        while (m && m->end < start + size) {
            struct mapping *next = mapping_next(m);
            bool same = next && next->start == m->end && mapping_same_kind(first, next);
            m = same ? next : NULL;
        }
        err = m ? 0 : -EINVAL;
    }
    if (!err) {
        *request = (struct map_request){.addr = start,
                                        .length = size,
                                        .prot = first->prot,
                                        .max_prot = first->max_prot,
                                        .flags = MAP_SHARED | MAP_FIXED | MAP_POPULATE |
                                                 (first->flags & MAP_LOCKED),
                                        .object = first->object,
                                        .file = first->file};
        first->object->ops->get(first->object);
        if (first->file)
            mapping_file_get_hook(first->file);
    }
    read_unlock(&space()->lock);
    return err;
}

/* As Linux does since 4.0: a mapping of its own in the place. */
SYSCALL(remap_file_pages, 5, SYSCALL_WHOLE, "")
{
    uintptr_t start = a0 & PAGE_MASK;
    size_t size = a1 & PAGE_MASK;
    struct map_request request;
    if (a2 || start + size <= start || a3 + (size >> PAGE_SHIFT) < a3)
        return -EINVAL;
    int err = shared_request(start, size, &request);
    if (err)
        return err;
    request.object_page = a3;
    request.flags |= (unsigned)a4 & MAP_NONBLOCK;
    ssize_t at = request.flags & MAP_LOCKED && !may_lock() ? -EPERM : memory_lock_new(&request);
    if (!at)
        at = address_space_map(space(), &request);
    if (request.file)
        mapping_file_put_hook(request.file);
    request.object->ops->put(request.object);
    return at < 0 ? at : 0;
}

SYSCALL(munmap, 2, SYSCALL_WHOLE, "")
{
    if (a0 & ~PAGE_MASK || a1 == 0 || !user_range_ok(a0, a1))
        return -EINVAL;
    return address_space_unmap(space(), a0, ALIGN_UP(a1, PAGE_SIZE));
}

SYSCALL(mprotect, 3, SYSCALL_WHOLE, "")
{
    if (a2 & PROT_READ && unlikely(current_personality(PERSONALITY_READ_IMPLIES_EXEC)))
        a2 |= PROT_EXEC;
    return address_space_protect(space(), a0, a1, a2);
}

SYSCALL(brk, 1, SYSCALL_WHOLE, "")
{
    uintptr_t old = space()->brk, now;
    unsigned lock_future = current_process()->lock_future;

    if (lock_future && a0 > old &&
        over_lock_limit(ALIGN_UP(a0, PAGE_SIZE) - ALIGN_UP(old, PAGE_SIZE), 0))
        return (int64_t)old;
    now = address_space_brk(space(), a0);

    if (lock_future && now > old)
        (void)address_space_lock_pages(space(), ALIGN_UP(old, PAGE_SIZE),
                                       ALIGN_UP(now, PAGE_SIZE) - ALIGN_UP(old, PAGE_SIZE), true,
                                       lock_future & MCL_ONFAULT);
    return (int64_t)now;
}

SYSCALL(mremap, 5, SYSCALL_WHOLE, "")
{
    enum { MAYMOVE = 1, FIXED = 2, DONTUNMAP = 4 };

    if (a3 & ~7ull || a0 & ~PAGE_MASK || ALIGN_UP(a2, PAGE_SIZE) == 0)
        return -EINVAL;
    if (a3 & (FIXED | DONTUNMAP) && !(a3 & MAYMOVE))
        return -EINVAL;
    if (a3 & DONTUNMAP && ALIGN_UP(a1, PAGE_SIZE) != ALIGN_UP(a2, PAGE_SIZE))
        return -EINVAL;
    if (a3 & FIXED && (a4 & ~PAGE_MASK || !user_range_ok(a4, a2)))
        return -EINVAL;
    return address_space_remap(space(), a0, a1, a2, (unsigned)a3, a4, lock_room());
}

/* --- advice, residence, synchronisation --- */

SYSCALL(madvise, 3, SYSCALL_WHOLE, "")
{
    return address_space_advise(space(), a0, a1, (int)a2);
}

SYSCALL(msync, 3, SYSCALL_WHOLE, "")
{
    size_t length = ALIGN_UP(a1, PAGE_SIZE);

    if (a2 & ~(uint64_t)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || a0 & ~PAGE_MASK ||
        (a2 & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
        return -EINVAL;
    if (a0 + length < a0)
        return -ENOMEM;
    return length ? address_space_sync(space(), a0, length, (int)a2) : 0;
}

/* What of a file is in memory concerns those who might write to it. */
static bool may_look(void *arg)
{
    struct file *file = arg;
    enum { MAY_WRITE = 2 };
    return capable(CAP_FOWNER) || current_task()->cred.fsuid == file->inode->uid ||
           inode_permission(file->inode, MAY_WRITE) == 0;
}

SYSCALL(mincore, 3, SYSCALL_WHOLE, "")
{
    size_t npages = ALIGN_UP(a1, PAGE_SIZE) >> PAGE_SHIFT;
    uint8_t vec[256];

    if (a0 & ~PAGE_MASK)
        return -EINVAL;
    if (!user_range_ok(a0, a1))
        return -ENOMEM;
    for (size_t done = 0; done < npages;) {
        size_t n = MIN(npages - done, sizeof(vec));
        int error = address_space_mincore(space(), a0 + (done << PAGE_SHIFT), n, vec, may_look);

        if (error)
            return error;
        if (user_write(a2 + done, vec, n) < 0)
            return -EFAULT;
        done += n;
        if (thread_interrupted(current))
            return -ERESTARTNOINTR;
    }
    return 0;
}

/* --- locking --- */

static __cold int lock_range(uintptr_t addr, size_t length, bool lock, bool on_fault)
{
    uintptr_t start = ALIGN_DOWN(addr, PAGE_SIZE);
    size_t whole = ALIGN_UP(length + (addr - start), PAGE_SIZE);

    bool wraps = start + whole < start;

    if (lock && !may_lock())
        return -EPERM;
    if (lock && over_lock_limit(whole, 0) &&
        (wraps || over_lock_limit(whole, address_space_locked_in(space(), start, start + whole)
                                             << PAGE_SHIFT)))
        return -ENOMEM;
    if (wraps)
        return -EINVAL;
    if (whole == 0)
        return 0;
    return address_space_lock_pages(space(), start, whole, lock, on_fault);
}

SYSCALL(mlock, 2, SYSCALL_WHOLE, "")
{
    return lock_range(a0, a1, true, false);
}

SYSCALL(mlock2, 3, SYSCALL_WHOLE, "")
{
    return a2 & ~(uint64_t)MLOCK_ONFAULT ? -EINVAL : lock_range(a0, a1, true, a2 & MLOCK_ONFAULT);
}

SYSCALL(munlock, 2, SYSCALL_WHOLE, "")
{
    return lock_range(a0, a1, false, false);
}

/* All mappings, one after the other. */
static __cold int lock_all(bool lock, bool on_fault)
{
    uintptr_t at = USER_MIN;
    int result = 0;

    for (;;) {
        struct mapping *mapping;
        uintptr_t start, end;
        int error;

        read_lock(&space()->lock);
        mapping = address_space_find(space(), at);
        start = mapping ? MAX(mapping->start, at) : 0;
        end = mapping ? mapping->end : 0;
        read_unlock(&space()->lock);
        if (!mapping)
            return result;
        error = address_space_lock_pages(space(), start, end - start, lock, on_fault);
        if (error == -ENOMEM && !result)
            result = 0; /* pages that cannot be there (PROT_NONE) do not count */
        at = end;
    }
}

SYSCALL(mlockall, 1, SYSCALL_WHOLE, "")
{
    struct address_space *mine = space();

    if (a0 == 0 || a0 & ~(uint64_t)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || a0 == MCL_ONFAULT)
        return -EINVAL;
    if (!may_lock())
        return -EPERM;
    if (a0 & MCL_CURRENT &&
        over_lock_limit(mine->total_pages << PAGE_SHIFT, mine->locked_pages << PAGE_SHIFT))
        return -ENOMEM;
    current_process()->lock_future =
        a0 & MCL_FUTURE ? (unsigned)a0 & (MCL_FUTURE | MCL_ONFAULT) : 0;
    return a0 & MCL_CURRENT ? lock_all(true, a0 & MCL_ONFAULT) : 0;
}

SYSCALL(munlockall, 0, SYSCALL_WHOLE, "")
{
    current_process()->lock_future = 0;
    return lock_all(false, false);
}
