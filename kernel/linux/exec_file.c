/* linux/exec_file.c: from a name to an ELF file that may be executed, through #! lines. */
#include "core/log.h"
#include "lib/string.h"
#include "linux/exec.h"
#include "mm/heap.h"

enum { SCRIPT_DEPTH = 5, MOUNT_NOEXEC = 8, MAY_EXECUTE = 1, MAY_READ = 4, ELIBBAD = 80 };

/* --- opening --- */

static int deny_write(struct file *file)
{
    int writers = atomic_load_explicit(&file->inode->writers, memory_order_relaxed);

    do {
        if (writers > 0)
            return -ETXTBSY;
    } while (!atomic_compare_exchange_weak_explicit(&file->inode->writers, &writers, writers - 1,
                                                    memory_order_acquire, memory_order_relaxed));
    return 0;
}

void exec_deny_write(struct file *file)
{
    atomic_fetch_sub_explicit(&file->inode->writers, 1, memory_order_relaxed);
}

void exec_allow_write(struct file *file)
{
    atomic_fetch_add_explicit(&file->inode->writers, 1, memory_order_release);
}

static void close_file(struct exec_file *it)
{
    if (it->write_denied)
        exec_allow_write(it->file);
    if (it->file)
        file_put(it->file);
    it->file = NULL;
    it->write_denied = false;
}

static int open_place(struct exec_file *it, const struct path *place)
{
    struct inode *inode = place->dentry->inode;
    int error;

    if ((inode->mode & S_IFMT) != S_IFREG || place->mount->flags & MOUNT_NOEXEC)
        return -EACCES;
    error = inode_permission(inode, MAY_EXECUTE);
    if (error)
        return error;
    if (!(inode->mode & 0111))
        return -EACCES; /* root, too, executes only what is executable */
    error = file_open_program(place, &it->file);
    if (error)
        return error;
    error = deny_write(it->file);
    it->write_denied = error == 0;
    return error;
}

__cold int exec_open_file(const struct path *place, struct file **file)
{
    struct exec_file it = {};
    int error = open_place(&it, place);

    if (error)
        close_file(&it);
    *file = it.file;
    return error;
}

static int open_name(struct exec_file *it, const struct path *at, const char *name, unsigned lookup)
{
    struct path place;
    int error;

    if (lookup & LOOKUP_EMPTY && !name[0])
        return open_place(it, at);
    error = vfs_lookup(at, name, lookup, &place);
    if (error)
        return error;
    if ((place.dentry->inode->mode & S_IFMT) == S_IFLNK)
        error = -ELOOP; /* AT_SYMLINK_NOFOLLOW */
    else
        error = open_place(it, &place);
    path_put(&place);
    return error;
}

/* --- scripts --- */

/* Put a word in front of the others. */
static __cold int push_front(struct exec *exec, const char *word, size_t len)
{
    char *copy;

    if (exec->nfront == EXEC_FRONT_MAX)
        return -E2BIG;
    copy = kmalloc(len + 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, word, len);
    copy[len] = 0;
    memmove(exec->front + 1, exec->front, exec->nfront * sizeof(exec->front[0]));
    exec->front[0] = copy;
    exec->nfront++;
    return 0;
}

static void drop_front(struct exec *exec)
{
    if (!exec->drop_first) {
        exec->drop_first = true;
        return;
    }
    kfree(exec->front[0]);
    exec->nfront--;
    memmove(exec->front, exec->front + 1, exec->nfront * sizeof(exec->front[0]));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The interpreter and its one argument in a #! line; -ENOEXEC. A line that is cut off within the
 * interpreter's name does not count. */
static int parse_script(const char *line, size_t n, const char **interp, size_t *interp_len,
                        const char **arg, size_t *arg_len)
{
    size_t end = 0, i = 2;
    bool whole;

    n = MIN(n, (size_t)EXEC_SCRIPT_LINE);
    while (end < n && line[end] != '\n' && line[end] != 0)
        end++;
    whole = end < n || n < EXEC_SCRIPT_LINE;
    while (end > 2 && is_blank(line[end - 1]))
        end--;
    while (i < end && is_blank(line[i]))
        i++;
    *interp = line + i;
    while (i < end && !is_blank(line[i]))
        i++;
    *interp_len = (size_t)(line + i - *interp);
    if (*interp_len == 0 || (i == end && !whole))
        return -ENOEXEC;
    while (i < end && is_blank(line[i]))
        i++;
    *arg = line + i;
    *arg_len = end - i;
    return 0;
}

/* The file is a script called `name`: make it an argument of its interpreter. */
static int expand_script(struct exec *exec, const char *name, char *interp, size_t interp_size)
{
    const char *word, *arg;
    size_t len, arg_len;
    int error = parse_script((const char *)exec->head, exec->head_len, &word, &len, &arg, &arg_len);

    if (error)
        return error;
    if (len >= interp_size)
        return -ENOEXEC;
    drop_front(exec);
    error = push_front(exec, name, strlen(name));
    memcpy(interp, word, len);
    interp[len] = 0;
    if (!error && arg_len)
        error = push_front(exec, arg, arg_len);
    return error ?: push_front(exec, interp, len);
}

/* --- ELF --- */

static int read_head(struct exec *exec, struct file *file)
{
    ssize_t n = file_read_kernel(file, exec->head, sizeof(exec->head), 0);

    exec->head_len = n < 0 ? 0 : (size_t)n;
    return n < 0 ? (int)n : 0;
}

static int parse_elf(struct exec *exec, struct exec_file *it)
{
    uint64_t offset;
    size_t bytes;
    const void *phdrs;
    int error = elf_header(exec->head, exec->head_len, &offset, &bytes);

    if (error)
        return error;
    if (offset <= exec->head_len && bytes <= exec->head_len - offset) {
        phdrs = exec->head + offset;
    } else {
        if (file_read_kernel(it->file, exec->more_phdrs, bytes, (off_t)offset) != (ssize_t)bytes)
            return -ENOEXEC;
        phdrs = exec->more_phdrs;
    }
    return elf_parse(exec->head, phdrs, bytes, it->file->inode->size, USER_END, &it->image);
}

/* The program's interpreter (PT_INTERP), if it wants one. */
static int open_interp(struct exec *exec)
{
    const struct elf_image *image = &exec->program.image;
    char small[128], *name = small;
    int error;

    if (!image->interp_size)
        return 0;
    if (image->interp_size > sizeof(small) && !(name = kmalloc(image->interp_size)))
        return -ENOMEM;
    error = -ENOEXEC;
    if (file_read_kernel(exec->program.file, name, image->interp_size,
                         (off_t)image->interp_offset) == (ssize_t)image->interp_size &&
        name[image->interp_size - 1] == 0)
        error = open_name(&exec->interp, NULL, name, LOOKUP_FOLLOW);
    if (!error)
        error = read_head(exec, exec->interp.file);
    if (!error && parse_elf(exec, &exec->interp) < 0)
        error = -ELIBBAD;
    if (name != small)
        kfree(name);
    return error;
}

static bool may_read(const struct exec_file *it)
{
    return !it->file || inode_permission(it->file->path.dentry->inode, MAY_READ) == 0;
}

int exec_open(struct exec *exec, const struct exec_target *target)
{
    char interp[EXEC_SCRIPT_LINE];
    const char *shown = exec->name = target->shown;
    int error = open_name(&exec->program, target->at, target->name, target->lookup);

    for (int depth = 0;; depth++) {
        if (depth)
            error = open_name(&exec->program, NULL, interp, LOOKUP_FOLLOW);
        if (!error)
            error = read_head(exec, exec->program.file);
        if (error)
            return error;
        if (exec->head_len < 2 || exec->head[0] != '#' || exec->head[1] != '!')
            break;
        if (depth == SCRIPT_DEPTH)
            return -ELOOP;
        error = target->lost ? -ENOENT : expand_script(exec, shown, interp, sizeof(interp));
        if (error)
            return error;
        close_file(&exec->program);
        shown = interp;
    }
    error = parse_elf(exec, &exec->program) ?: open_interp(exec);
    exec->readable = !error && may_read(&exec->program) && may_read(&exec->interp);
    return error ?: exec_new_credentials(exec);
}

void exec_close(struct exec *exec)
{
    close_file(&exec->program);
    close_file(&exec->interp);
    for (unsigned i = 0; i < exec->nfront; i++)
        kfree(exec->front[i]);
    exec->nfront = 0;
}
