/* linux/exec_map.c: an ELF file's segments in memory, at random places as on Linux. */
#include "core/boot.h"
#include "core/random.h"
#include "linux/exec.h"

enum { MMAP_RANDOM_BITS = 28, STACK_RANDOM_PAGES = 0x3fffff, BRK_RANDOM_PAGES = 0x2000 };
#define DYNAMIC_BASE     0x555555554000ul /* two thirds of the program's half */
#define DYNAMIC_SPAN_MAX (1ull << 44)
#define GAP_MIN          (128ul << 20)
#define GAP_MAX          (USER_END / 6 * 5)
#define GUARD_GAP        (1ul << 20)

static uint64_t random_pages(const struct exec_layout *layout, uint64_t mask)
{
    return layout->randomize ? (random_u64() & mask) << PAGE_SHIFT : 0;
}

void exec_layout(struct process *process, struct exec_layout *layout)
{
    struct address_space *space = process->space;
    uint64_t gap = process->limits[LIMIT_STACK][0];
    uint64_t pad = GUARD_GAP;

    layout->randomize =
        !boot_param("norandmaps") && !(process->personality & PERSONALITY_NO_RANDOMIZE);
    if (layout->randomize)
        pad += (uint64_t)STACK_RANDOM_PAGES << PAGE_SHIFT;
    if (gap + pad > gap)
        gap += pad;
    gap = MAX(GAP_MIN, MIN(gap, GAP_MAX));
    layout->stack_top = USER_END - random_pages(layout, STACK_RANDOM_PAGES);
    space->mmap_base =
        ALIGN_DOWN(USER_END - gap - random_pages(layout, (1ul << MMAP_RANDOM_BITS) - 1), PAGE_SIZE);
    space->bottom_up = process->personality & PERSONALITY_COMPAT_LAYOUT;
    if (unlikely(space->bottom_up))
        space->mmap_base =
            ALIGN_UP(USER_END / 3, PAGE_SIZE) + random_pages(layout, (1ul << MMAP_RANDOM_BITS) - 1);
    space->stack_limit = process->limits[LIMIT_STACK][0];
    space->as_limit = process->limits[LIMIT_AS][0];
    space->data_limit = process->limits[LIMIT_DATA][0];
}

static unsigned protection(unsigned flags)
{
    return (flags & ELF_READ ? PROT_READ : 0) | (flags & ELF_WRITE ? PROT_WRITE : 0) |
           (flags & ELF_EXEC ? PROT_EXEC : 0);
}

static int map_file_part(struct exec_file *it, struct address_space *space,
                         const struct elf_segment *s, unsigned prot)
{
    uintptr_t start = s->vaddr + it->bias, page = ALIGN_DOWN(start, PAGE_SIZE);
    struct map_request request = {
        .addr = page,
        .length = ALIGN_UP(start + s->filesz, PAGE_SIZE) - page,
        .prot = prot,
        .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
        .flags = MAP_PRIVATE | MAP_FIXED,
        .object_page = s->offset >> PAGE_SHIFT,
    };
    int error = file_mmap(it->file, &request);
    ssize_t at = error ? error : address_space_map(space, &request);

    return at < 0 ? (int)at : 0;
}

/* Zeroes behind the file's part: the rest of its last page, then pages of their own. */
static int map_zero_part(struct exec_file *it, struct address_space *space,
                         const struct elf_segment *s, unsigned prot)
{
    uintptr_t end = s->vaddr + it->bias + s->filesz, page = ALIGN_UP(end, PAGE_SIZE);
    uintptr_t whole = ALIGN_UP(s->vaddr + it->bias + s->memsz, PAGE_SIZE);
    struct map_request request = {
        .addr = s->filesz ? page : ALIGN_DOWN(end, PAGE_SIZE),
        .prot = prot,
        .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
        .flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS,
    };
    ssize_t at;

    if (s->filesz && end != page && prot & PROT_WRITE && user_zero(end, page - end) < 0)
        return -EFAULT;
    if (whole <= request.addr)
        return 0;
    request.length = whole - request.addr;
    at = address_space_map(space, &request);
    return at < 0 ? (int)at : 0;
}

static int map_segments(struct exec_file *it, struct address_space *space)
{
    const struct elf_image *image = &it->image;

    for (unsigned i = 0; i < image->nsegments; i++) {
        const struct elf_segment *s = &image->segments[i];
        unsigned prot = protection(s->flags);
        int error = s->filesz ? map_file_part(it, space, s, prot) : 0;

        if (!error && s->memsz > s->filesz)
            error = map_zero_part(it, space, s, prot);
        if (error)
            return error;
    }
    return 0;
}

/* The first free place at mmap_base: nothing else has been mapped there yet. */
static int bias_at_mmap_base(struct exec_file *it, struct address_space *space)
{
    const struct elf_image *image = &it->image;
    uint64_t span = image->high - image->low;
    uintptr_t base;

    if (span > space->mmap_base / 2)
        return -ENOMEM;
    base = space->bottom_up ? ALIGN_UP(space->mmap_base, image->alignment)
                            : ALIGN_DOWN(space->mmap_base - span, image->alignment);
    it->bias = base - image->low;
    return 0;
}

static int choose_bias(struct exec *exec, struct address_space *space,
                       const struct exec_layout *layout)
{
    struct exec_file *program = &exec->program;
    const struct elf_image *image = &program->image;

    program->bias = 0;
    if (!image->dynamic)
        return 0;
    if (!exec->interp.file)
        return bias_at_mmap_base(program, space);
    program->bias = DYNAMIC_BASE + random_pages(layout, (1ul << MMAP_RANDOM_BITS) - 1);
    program->bias = ALIGN_DOWN(program->bias - image->low, image->alignment);
    return image->high - image->low > DYNAMIC_SPAN_MAX ? -ENOMEM : 0;
}

static void note_ranges(struct exec *exec, struct address_space *space,
                        const struct exec_layout *layout)
{
    const struct exec_file *program = &exec->program;
    const struct elf_image *image = &program->image;
    uintptr_t brk = image->high + program->bias;

    space->start_code = UINTPTR_MAX;
    space->end_code = space->start_data = space->end_data = 0;
    for (unsigned i = 0; i < image->nsegments; i++) {
        const struct elf_segment *s = &image->segments[i];
        uintptr_t start = s->vaddr + program->bias;

        space->start_code = MIN(space->start_code, start);
        space->start_data = MAX(space->start_data, start);
        if (s->flags & ELF_EXEC)
            space->end_code = MAX(space->end_code, start + s->filesz);
        space->end_data = MAX(space->end_data, start + s->filesz);
    }
    if (image->dynamic && !exec->interp.file)
        brk = DYNAMIC_BASE; /* away from the mappings that the program sits among */
    space->brk_start = space->brk = brk + random_pages(layout, BRK_RANDOM_PAGES - 1);
}

int exec_map(struct exec *exec, struct address_space *space, const struct exec_layout *layout)
{
    int error = choose_bias(exec, space, layout);

    if (error)
        return error;
    error = map_segments(&exec->program, space);
    if (!error && exec->interp.file) {
        error = exec->interp.image.dynamic ? bias_at_mmap_base(&exec->interp, space) : 0;
        if (!error)
            error = map_segments(&exec->interp, space);
    }
    if (!error)
        note_ranges(exec, space, layout);
    return error;
}
