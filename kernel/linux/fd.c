/* linux/fd.c: the tables of open files.
 *
 * Readers of a shared table take no lock. They may meet a file that is being closed: until they end
 * its memory is reused only as a file, they count it only while others still do (file_try_get), and
 * then look whether the entry still shows it. Growing copies the entries and publishes the larger
 * array before its size; so whoever sees a size sees an array of at least that size. */
#include "linux/fd.h"

#include "core/rcu.h"
#include "fs/lock.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/karea.h"
#include "mm/uaccess.h"

enum { FDS_FIRST = 64, ARRAY_KMALLOC_MAX = 1 << 20 };

/* What table->entries points into; the bits of `used` follow the entries. */
struct fd_array {
    struct rcu_head rcu;
    struct fd_table *last_of; /* the table that goes with it, or NULL */
    size_t bytes;
    struct fd_entry entries[];
};

static struct kcache table_cache = {.name = "fd_table", .size = sizeof(struct fd_table)};

static struct fd_array *array_alloc(unsigned size)
{
    size_t bytes = sizeof(struct fd_array) + size * sizeof(struct fd_entry) + size / 8;
    struct fd_array *array = bytes <= ARRAY_KMALLOC_MAX
                                 ? kzalloc(bytes)
                                 : karea_alloc(ALIGN_UP(bytes, PAGE_SIZE) / PAGE_SIZE);
    if (array)
        array->bytes = bytes;
    return array;
}

static void array_free(struct rcu_head *head)
{
    struct fd_array *array = container_of(head, struct fd_array, rcu);
    if (array->last_of)
        kcache_free(&table_cache, array->last_of);
    if (array->bytes <= ARRAY_KMALLOC_MAX)
        kfree(array);
    else
        karea_free(array, ALIGN_UP(array->bytes, PAGE_SIZE) / PAGE_SIZE);
}

static struct fd_array *array_of(struct fd_table *table)
{
    return container_of(atomic_load_explicit(&table->entries, memory_order_relaxed),
                        struct fd_array, entries[0]);
}

static void use_array(struct fd_table *table, struct fd_array *array, unsigned size)
{
    table->used = (uint64_t *)&array->entries[size];
    rcu_store(table->entries, array->entries);
    rcu_store(table->size, size);
}

static bool is_used(const struct fd_table *table, unsigned fd)
{
    return table->used[fd / 64] >> fd % 64 & 1;
}

static void set_used(struct fd_table *table, unsigned fd, bool used)
{
    uint64_t bit = 1ull << fd % 64;
    if (used)
        table->used[fd / 64] |= bit;
    else
        table->used[fd / 64] &= ~bit;
    if (!used && fd < table->lowest_free)
        table->lowest_free = fd;
}

/* Only the tasks that share a table change it, and only they raise refs from 1. */
static bool lock_table(struct fd_table *table)
{
    if (likely(atomic_load_explicit(&table->refs, memory_order_relaxed) == 1))
        return false;
    mutex_lock(&table->lock);
    return true;
}

static void unlock_table(struct fd_table *table, bool locked)
{
    if (unlikely(locked))
        mutex_unlock(&table->lock);
}

static int grow(struct fd_table *table, unsigned fd)
{
    unsigned old_size = table->size, size = old_size;
    while (size <= fd)
        size *= 2;
    struct fd_array *array = array_alloc(size), *old = array_of(table);
    if (!array)
        return -ENOMEM;
    memcpy(array->entries, old->entries, old_size * sizeof(struct fd_entry));
    memcpy(&array->entries[size], table->used, old_size / 8);
    use_array(table, array, size);
    rcu_call(&old->rcu, array_free);
    return 0;
}

/* --- tables
 * --------------------------------------------------------------------------------------------- */

static struct fd_table *create(unsigned size)
{
    struct fd_table *table = kcache_alloc(&table_cache);
    if (!table)
        return NULL;
    struct fd_array *array = array_alloc(size);
    if (!array) {
        kcache_free(&table_cache, table);
        return NULL;
    }
    use_array(table, array, size);
    atomic_init(&table->refs, 1);
    return table;
}

struct fd_table *fd_table_create(void)
{
    return create(FDS_FIRST);
}

struct fd_table *fd_table_copy(struct fd_table *from)
{
    bool locked = lock_table(from);
    unsigned size = from->size;
    struct fd_table *table = create(size);
    for (unsigned fd = 0; table && fd < size; fd++) {
        struct fd_entry *entry = &from->entries[fd];
        struct file *file = entry->file;
        if (!file)
            continue;
        file_get(file);
        atomic_init(&table->entries[fd].file, file);
        table->entries[fd].cloexec = entry->cloexec;
        set_used(table, fd, true);
    }
    unlock_table(from, locked);
    return table;
}

/* What each close of a descriptor brings with it; drops the table's reference. */
static int close_file(struct fd_table *table, struct file *file)
{
    int err = 0;
    if (!(file->flags & O_PATH)) {
        if (file->ops && file->ops->flush)
            err = file->ops->flush(file);
        lock_release_owner(file, table);
    }
    file_put(file);
    return err;
}

void fd_table_put(struct fd_table *table)
{
    if (!table || atomic_fetch_sub_explicit(&table->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (unsigned fd = 0; fd < table->size; fd++) {
        if (!is_used(table, fd))
            continue;
        struct file *file = table->entries[fd].file;
        atomic_store_explicit(&table->entries[fd].file, NULL, memory_order_release);
        if (file)
            close_file(table, file);
    }
    struct fd_array *array = array_of(table);
    array->last_of = table;
    rcu_call(&array->rcu, array_free);
}

struct fd_table *fd_table_of(const struct task *task)
{
    struct fd_table *table = *(struct fd_table *const volatile *)&task->fds;
    unsigned refs = table ? atomic_load_explicit(&table->refs, memory_order_relaxed) : 0;
    while (refs && !atomic_compare_exchange_weak_explicit(
                       &table->refs, &refs, refs + 1, memory_order_acquire, memory_order_relaxed))
        continue;
    return refs ? table : NULL;
}

int fd_unshare(void)
{
    struct task *task = current_task();
    struct fd_table *old = task->fds;
    if (atomic_load_explicit(&old->refs, memory_order_relaxed) == 1)
        return 0;
    struct fd_table *table = fd_table_copy(old);
    if (!table)
        return -ENOMEM;
    task->fds = table;
    fd_table_put(old);
    return 0;
}

/* --- looking up
 * ----------------------------------------------------------------------------------------- */

/* The file of an entry with a reference; does not sleep but to drop one that was just closed. */
static struct file *get_counted(struct fd_table *table, unsigned fd)
{
    for (;;) {
        struct file *file = NULL;
        bool same = true;
        rcu_read_lock();
        if (fd < rcu_load(table->size))
            file = rcu_load(rcu_load(table->entries)[fd].file);
        bool counted = file && file_try_get(file);
        if (counted)
            same = rcu_load(rcu_load(table->entries)[fd].file) == file;
        rcu_read_unlock();
        if (!file || likely(counted && same))
            return file;
        /* Its closer has cleared the entry, or is about to show another file. */
        if (counted)
            file_put(file);
    }
}

struct fd_ref fd_borrow_called(int fd)
{
    return fd_borrow(fd);
}

struct fd_ref fd_borrow_counted(int fd)
{
    return (struct fd_ref){get_counted(current_task()->fds, (unsigned)fd), true};
}

struct file *fd_get_any(int fd)
{
    struct fd_ref ref = fd_borrow_any(fd);
    if (ref.file && !ref.counted)
        file_get(ref.file);
    return ref.file;
}

struct file *fd_get(int fd)
{
    struct fd_ref ref = fd_borrow(fd);
    if (ref.file && !ref.counted)
        file_get(ref.file);
    return ref.file;
}

struct file *fd_look(struct fd_table *table, unsigned fd)
{
    return get_counted(table, fd);
}

bool fd_look_cloexec(struct fd_table *table, unsigned fd)
{
    rcu_read_lock();
    bool cloexec = fd < rcu_load(table->size) && rcu_load(table->entries)[fd].cloexec;
    rcu_read_unlock();
    return cloexec;
}

struct file *fd_next(struct fd_table *table, unsigned *fd)
{
    for (; *fd < rcu_load(table->size); ++*fd) {
        struct file *file = get_counted(table, *fd);
        if (file)
            return file;
    }
    return NULL;
}

int fd_get_cloexec(int fd)
{
    struct fd_table *table = current_task()->fds;
    bool locked = lock_table(table);
    int result = -EBADF;
    if ((unsigned)fd < table->size && table->entries[fd].file)
        result = table->entries[fd].cloexec;
    unlock_table(table, locked);
    return result;
}

int fd_set_cloexec(int fd, bool cloexec)
{
    struct fd_table *table = current_task()->fds;
    bool locked = lock_table(table);
    int result = -EBADF;
    if ((unsigned)fd < table->size && table->entries[fd].file) {
        table->entries[fd].cloexec = cloexec;
        result = 0;
    }
    unlock_table(table, locked);
    return result;
}

/* --- installing and closing
 * ----------------------------------------------------------------------------- */

static unsigned limit_now(void)
{
    uint64_t limit = current_process()->limits[LIMIT_NOFILE][0];
    return limit < FDS_MAX ? (unsigned)limit : FDS_MAX;
}

static unsigned find_free(const struct fd_table *table, unsigned start)
{
    unsigned size = table->size, fd = start;
    while (fd < size) {
        uint64_t free = ~table->used[fd / 64] >> fd % 64;
        if (free)
            return fd + (unsigned)__builtin_ctzll(free);
        fd = ALIGN_DOWN(fd, 64u) + 64;
    }
    return fd;
}

static int reserve(struct fd_table *table, unsigned from)
{
    unsigned fd = find_free(table, MAX(from, table->lowest_free));
    if (fd >= limit_now())
        return -EMFILE;
    if (unlikely(fd >= table->size) && grow(table, fd) < 0)
        return -ENOMEM;
    set_used(table, fd, true);
    if (from <= table->lowest_free)
        table->lowest_free = fd + 1;
    return (int)fd;
}

int fd_reserve(unsigned from)
{
    struct fd_table *table = current_task()->fds;
    bool locked = lock_table(table);
    int fd = reserve(table, from);
    unlock_table(table, locked);
    return fd;
}

static void publish(struct fd_table *table, int fd, struct file *file, bool cloexec)
{
    struct fd_entry *entry = &table->entries[fd];
    entry->cloexec = cloexec;
    rcu_store(entry->file, file);
}

void fd_publish(int fd, struct file *file, bool cloexec)
{
    struct fd_table *table = current_task()->fds;
    bool locked = lock_table(table);
    publish(table, fd, file, cloexec);
    unlock_table(table, locked);
}

void fd_unreserve(int fd)
{
    struct fd_table *table = current_task()->fds;
    bool locked = lock_table(table);
    set_used(table, (unsigned)fd, false);
    unlock_table(table, locked);
}

int fd_finish(int fd, int err, struct file *file, bool cloexec)
{
    if (unlikely(err < 0)) {
        fd_unreserve(fd);
        return err;
    }
    fd_publish(fd, file, cloexec);
    return fd;
}

int fd_install(struct file *file, bool cloexec, unsigned from)
{
    struct fd_table *table = current_task()->fds;
    bool locked = lock_table(table);
    int fd = reserve(table, from);
    if (fd >= 0)
        publish(table, fd, file, cloexec);
    unlock_table(table, locked);
    return fd;
}

/* Under the table's lock: -EBADF beyond the limit, -EBUSY while another thread is opening fd. */
static int replace(struct fd_table *table, unsigned fd, struct file *file, bool cloexec,
                   struct file **old)
{
    if (fd >= limit_now())
        return -EBADF;
    if (fd >= table->size && grow(table, fd) < 0)
        return -ENOMEM;
    *old = table->entries[fd].file;
    if (!*old && is_used(table, fd))
        return -EBUSY;
    set_used(table, fd, true);
    publish(table, (int)fd, file, cloexec);
    return (int)fd;
}

int fd_install_at(int fd, struct file *file, bool cloexec)
{
    struct fd_table *table = current_task()->fds;
    struct file *old = NULL;
    bool locked = lock_table(table);
    int result = replace(table, (unsigned)fd, file, cloexec, &old);
    unlock_table(table, locked);
    if (result >= 0 && old)
        close_file(table, old);
    return result;
}

/* Take a file out of the table with the table's reference; NULL if fd is not open. */
static struct file *take_out(struct fd_table *table, unsigned fd)
{
    struct file *file = NULL;
    bool locked = lock_table(table);
    if (fd < table->size)
        file = table->entries[fd].file;
    if (file) {
        rcu_store(table->entries[fd].file, NULL);
        set_used(table, fd, false);
    }
    unlock_table(table, locked);
    return file;
}

int fd_close(int fd)
{
    struct fd_table *table = current_task()->fds;
    struct file *file = take_out(table, (unsigned)fd);
    return file ? close_file(table, file) : -EBADF;
}

__cold void fd_close_range(unsigned first, unsigned last, bool only_mark)
{
    struct fd_table *table = current_task()->fds;
    for (unsigned fd = first; fd <= last && fd < table->size; fd++) {
        if (only_mark)
            fd_set_cloexec((int)fd, true);
        else
            fd_close((int)fd);
    }
}

void fd_close_on_exec(struct fd_table *table)
{
    for (unsigned fd = 0; fd < table->size; fd++) {
        if (!is_used(table, fd) || !table->entries[fd].cloexec)
            continue;
        struct file *file = take_out(table, fd);
        if (file)
            close_file(table, file);
    }
}

static int install_pair(struct file *files[2], bool cloexec, int fds[2])
{
    fds[0] = fd_reserve(0);
    if (fds[0] < 0)
        return fds[0];
    fds[1] = fd_reserve(0);
    if (fds[1] < 0) {
        fd_unreserve(fds[0]);
        return fds[1];
    }
    fd_publish(fds[0], files[0], cloexec);
    fd_publish(fds[1], files[1], cloexec);
    return 0;
}

int fd_install_pair(struct file *files[2], bool cloexec, uintptr_t user_fds)
{
    int fds[2];
    int err = install_pair(files, cloexec, fds);
    if (err) {
        file_put(files[0]);
        file_put(files[1]);
        return err;
    }
    if (user_write(user_fds, fds, sizeof(fds)) < 0) {
        fd_close(fds[0]);
        fd_close(fds[1]);
        return -EFAULT;
    }
    return 0;
}
