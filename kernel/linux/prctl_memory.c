/* linux/prctl_memory.c: names of anonymous mappings, where a program's parts are said to lie. */
#include "lib/string.h"
#include "linux/exec.h"
#include "linux/path.h"
#include "linux/prctl.h"
#include "linux/task.h"
#include "mm/address_space.h"
#include "mm/annotate.h"
#include "mm/heap.h"

/* --- PR_SET_VMA: names. One of each is kept for good; there may be so many. --- */

enum { SET_VMA_ANON_NAME = 0, NAME_SIZE = 80, NAMES_MAX = 4096, BUCKETS = 64 };

struct name {
    struct name *next;
    char label[]; /* "[anon:NAME]" */
};
static struct mutex names_lock;
static struct name *names[BUCKETS];
static unsigned nnames;

/* The label of that text, the same for the same text; NULL: no memory, or too many. */
static const char *intern(const char *label)
{
    size_t len = strlen(label) + 1;
    unsigned hash = 0;
    struct name *name;

    for (const char *p = label; *p; p++)
        hash = hash * 31 + (unsigned char)*p;
    mutex_lock(&names_lock);
    for (name = names[hash % BUCKETS]; name && strcmp(name->label, label); name = name->next)
        ;
    if (!name && nnames < NAMES_MAX && (name = kmalloc(sizeof(*name) + len))) {
        memcpy(name->label, label, len);
        name->next = names[hash % BUCKETS];
        names[hash % BUCKETS] = name;
        nnames++;
    }
    mutex_unlock(&names_lock);
    return name ? name->label : NULL;
}

static bool may_be_in_name(char c)
{
    return c >= ' ' && c <= '~' && !strchr("\\`$[]", c);
}

int64_t prctl_name_memory(uint64_t what, uintptr_t start, uint64_t size, uintptr_t from)
{
    char name[NAME_SIZE], label[NAME_SIZE + 8];
    uintptr_t end = start + ALIGN_UP(size, PAGE_SIZE);
    const char *interned = NULL;

    if (what != SET_VMA_ANON_NAME)
        return -EINVAL;
    if (from) {
        ssize_t len = user_read_string(name, from, sizeof(name));

        if (len < 0)
            return len == -EFAULT ? -EFAULT : -EINVAL;
        for (ssize_t i = 0; i < len; i++)
            if (!may_be_in_name(name[i]))
                return -EINVAL;
    }
    if (start & ~PAGE_MASK || (size && end == start) || end < start)
        return -EINVAL;
    if (end == start)
        return 0;
    if (from) {
        snprintf(label, sizeof(label), "[anon:%s]", name);
        interned = intern(label);
        if (!interned)
            return -ENOMEM;
    }
    return address_space_name(current->space, start, end, interned);
}

/* --- PR_SET_MM --- */

enum {
    MM_START_CODE = 1,
    MM_END_CODE,
    MM_START_DATA,
    MM_END_DATA,
    MM_START_STACK,
    MM_START_BRK,
    MM_BRK,
    MM_ARG_START,
    MM_ARG_END,
    MM_ENV_START,
    MM_ENV_END,
    MM_AUXV,
    MM_EXE_FILE,
    MM_MAP,
    MM_MAP_SIZE
};

struct borders {
    uintptr_t at[MM_ENV_END + 1];
};

static struct borders borders_of(const struct address_space *s)
{
    return (struct borders){{0, s->start_code, s->end_code, s->start_data, s->end_data,
                             s->start_stack, s->brk_start, s->brk, s->arg_start, s->arg_end,
                             s->env_start, s->env_end}};
}

static void set_borders(struct address_space *s, const struct borders *b)
{
    s->start_code = b->at[MM_START_CODE];
    s->end_code = b->at[MM_END_CODE];
    s->start_data = b->at[MM_START_DATA];
    s->end_data = b->at[MM_END_DATA];
    s->start_stack = b->at[MM_START_STACK];
    s->brk_start = b->at[MM_START_BRK];
    s->brk = b->at[MM_BRK];
    s->arg_start = b->at[MM_ARG_START];
    s->arg_end = b->at[MM_ARG_END];
    s->env_start = b->at[MM_ENV_START];
    s->env_end = b->at[MM_ENV_END];
}

static bool in_order(const struct borders *b)
{
    const uintptr_t *at = b->at;

    for (int i = MM_START_CODE; i <= MM_ENV_END; i++)
        if (at[i] < PAGE_SIZE || at[i] >= USER_END)
            return false;
    return at[MM_START_CODE] < at[MM_END_CODE] && at[MM_START_DATA] <= at[MM_END_DATA] &&
           at[MM_START_BRK] <= at[MM_BRK] && at[MM_ARG_START] <= at[MM_ARG_END] &&
           at[MM_ENV_START] <= at[MM_ENV_END];
}

static int64_t set_auxv(uintptr_t from, uint64_t size)
{
    struct process *process = current_process();
    uint64_t auxv[ARRAY_SIZE(process->auxv)] = {};

    if (size > sizeof(auxv))
        return -EINVAL;
    if (user_read(auxv, from, size) < 0)
        return -EFAULT;
    auxv[ARRAY_SIZE(auxv) - 2] = auxv[ARRAY_SIZE(auxv) - 1] = 0; /* its end */
    mutex_lock(&process->lock);
    memcpy(process->auxv, auxv, sizeof(auxv));
    process->auxv_words = (unsigned)(size / sizeof(auxv[0]));
    mutex_unlock(&process->lock);
    return 0;
}

/* The file behind the descriptor is the executable from now on, if nothing of the old one is mapped
 * any more. */
static int set_exe_file(int fd)
{
    struct process *process = current_process();
    struct address_space *space = process->space;
    struct file *from = fd_get(fd), *file;
    const struct inode *old;
    int error;

    if (!from)
        return -EBADF;
    mutex_lock(&process->lock); /* another thread may be changing it */
    old = process->executable ? process->executable->inode : NULL;
    mutex_unlock(&process->lock);
    error = exec_open_file(&from->path, &file);
    file_put(from);
    if (error)
        return error;
    read_lock(&space->lock);
    for (struct mapping *m = address_space_find(space, 0); m; m = mapping_next(m))
        if (m->file && ((struct file *)m->file)->inode == old)
            error = -EBUSY;
    read_unlock(&space->lock);
    if (error) {
        exec_allow_write(file);
        file_put(file);
        return error;
    }
    exec_set_executable(process, file);
    return 0;
}

struct mm_map { /* struct prctl_mm_map */
    uint64_t start_code, end_code, start_data, end_data, start_brk, brk, start_stack, arg_start,
        arg_end, env_start, env_end, auxv;
    uint32_t auxv_size, exe_fd;
};

/* All of them at once. */
static int64_t set_map(uintptr_t from, uint64_t size)
{
    struct address_space *space = current->space;
    struct mm_map map;
    struct borders b;
    int64_t error = 0;

    if (size != sizeof(map))
        return -EINVAL;
    if (user_read(&map, from, sizeof(map)) < 0)
        return -EFAULT;
    b = (struct borders){{0, map.start_code, map.end_code, map.start_data, map.end_data,
                          map.start_stack, map.start_brk, map.brk, map.arg_start, map.arg_end,
                          map.env_start, map.env_end}};
    if (!in_order(&b) || (map.auxv_size && !map.auxv) ||
        map.brk - map.start_brk + map.end_data - map.start_data > space->data_limit)
        return -EINVAL;
    if (map.exe_fd != UINT32_MAX)
        error = capable(CAP_SYS_ADMIN) || capable(CAP_CHECKPOINT_RESTORE)
                    ? set_exe_file((int)map.exe_fd)
                    : -EPERM;
    if (!error && map.auxv_size)
        error = set_auxv(map.auxv, map.auxv_size);
    if (error)
        return error;
    write_lock(&space->lock);
    set_borders(space, &b);
    write_unlock(&space->lock);
    return 0;
}

int64_t prctl_set_memory(int what, uintptr_t value, uint64_t size, uint64_t rest)
{
    struct address_space *space = current->space;
    struct memory_policy policy;
    struct borders borders;
    bool ok;

    if (rest || (size && what != MM_AUXV && what != MM_MAP && what != MM_MAP_SIZE))
        return -EINVAL;
    if (what == MM_MAP_SIZE)
        return user_put32(value, sizeof(struct mm_map));
    if (what == MM_MAP)
        return set_map(value, size);
    if (!capable(CAP_SYS_RESOURCE))
        return -EPERM;
    if (what == MM_EXE_FILE)
        return set_exe_file((int)value);
    if (what == MM_AUXV)
        return set_auxv(value, size);
    if (what < MM_START_CODE || what > MM_ENV_END || value >= USER_END || value < PAGE_SIZE)
        return -EINVAL;
    if ((what == MM_START_STACK || what >= MM_ARG_START) &&
        address_space_policy(space, value, &policy) < 0)
        return -EFAULT;
    write_lock(&space->lock);
    borders = borders_of(space);
    borders.at[what] = value;
    ok = in_order(&borders);
    if (ok)
        set_borders(space, &borders);
    write_unlock(&space->lock);
    return ok ? 0 : -EINVAL;
}

int64_t prctl_get_auxv(uintptr_t to, uint64_t size)
{
    const struct process *process = current_process();

    if (user_write(to, process->auxv, MIN(size, sizeof(process->auxv))) < 0)
        return -EFAULT;
    return sizeof(process->auxv);
}
