/* linux/uselib.c: uselib(2): an ELF file of one segment with fixed addresses, mapped where it says.
 */
#include "lib/string.h"
#include "linux/exec.h"
#include "linux/path.h"
#include "linux/syscall.h"

enum { READ_AND_EXECUTE = 5, ET_EXEC = 2, EM_X86_64 = 62, PT_LOAD = 1, PHDRS_MAX = 2 };

struct header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, rest[3];
};
struct segment {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

/* The only segment that is to be loaded. */
static int find_segment(struct file *file, struct segment *load)
{
    struct segment all[PHDRS_MAX];
    struct header head;
    unsigned found = 0;

    if (file_read_kernel(file, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
        memcmp(head.ident, "\177ELF", 4) || head.type != ET_EXEC || head.machine != EM_X86_64 ||
        head.phnum > PHDRS_MAX)
        return -ENOEXEC;
    size_t size = head.phnum * sizeof(all[0]);
    if (file_read_kernel(file, all, size, (off_t)head.phoff) != (ssize_t)size)
        return -ENOEXEC;
    for (unsigned i = 0; i < head.phnum; i++)
        if (all[i].type == PT_LOAD && !found++)
            *load = all[i];
    return found == 1 ? 0 : -ENOEXEC;
}

static int map_segment(struct file *file, const struct segment *s)
{
    uintptr_t in_page = s->vaddr & ~PAGE_MASK, end = s->vaddr + s->filesz,
              page = ALIGN_UP(end, PAGE_SIZE);
    uintptr_t whole = ALIGN_UP(s->vaddr + s->memsz, PAGE_SIZE);
    struct map_request request = {
        .addr = s->vaddr - in_page,
        .length = s->filesz + in_page,
        .prot = PROT_READ | PROT_WRITE | PROT_EXEC,
        .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
        .flags = MAP_PRIVATE | MAP_FIXED_NOREPLACE,
        .object_page = (s->offset - in_page) >> PAGE_SHIFT,
    };

    if ((s->offset - in_page) & ~PAGE_MASK || end < s->vaddr)
        return -EINVAL;
    int error = file_mmap(file, &request);
    ssize_t at = error ? error : address_space_map(current->space, &request);
    if (at < 0)
        return (int)at;
    if (end != page && user_zero(end, page - end) < 0)
        return -EFAULT;
    if (whole <= page)
        return 0;
    request = (struct map_request){
        .addr = page,
        .length = whole - page,
        .prot = PROT_READ | PROT_WRITE,
        .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
        .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
    };
    at = address_space_map(current->space, &request);
    return at < 0 ? (int)at : 0;
}

static int open_library(const struct path *place, struct file **file)
{
    const struct inode *inode = place->dentry->inode;
    int error = inode_permission((struct inode *)inode, READ_AND_EXECUTE);

    if (error)
        return error;
    if ((inode->mode & S_IFMT) != S_IFREG || place->mount->flags & MS_NOEXEC)
        return -EACCES;
    return file_open_path(place, O_RDONLY, file);
}

SYSCALL(uselib, 1, SYSCALL_WHOLE, "")
{
    struct segment segment = {};
    struct path place;
    struct file *file;
    int error = user_lookup(AT_FDCWD, a0, 0, &place);

    if (error)
        return error;
    error = open_library(&place, &file);
    path_put(&place);
    if (error)
        return error;
    error = find_segment(file, &segment);
    if (!error)
        error = map_segment(file, &segment);
    file_put(file);
    return error;
}
