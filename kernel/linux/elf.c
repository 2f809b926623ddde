/* linux/elf.c: reading ELF headers. */
#include "linux/elf.h"

enum { NOT_EXECUTABLE = -8 /* -ENOEXEC */ };
enum { ET_EXEC = 2, ET_DYN = 3, EM_X86_64 = 62 };
enum { PT_LOAD = 1, PT_INTERP = 3 };
#define PT_GNU_STACK 0x6474e551u
#define PAGE         4096ull

/* Little-endian fields of size bytes (2, 4, 8) at any alignment; this processor is little-endian.
 */
static inline uint64_t get(const void *bytes, size_t offset, unsigned size)
{
    uint64_t value = 0;

    __builtin_memcpy(&value, (const uint8_t *)bytes + offset, size);
    return value;
}

int elf_header(const void *bytes, size_t n, uint64_t *phdr_offset, size_t *phdr_bytes)
{
    uint64_t type, count;

    if (n < ELF_HEADER_SIZE || get(bytes, 0, 4) != 0x464c457f)
        return NOT_EXECUTABLE;
    if (get(bytes, 4, 2) != 0x102 /* 64 bits, little-endian */)
        return NOT_EXECUTABLE;
    type = get(bytes, 16, 2);
    count = get(bytes, 56, 2);
    if ((type != ET_EXEC && type != ET_DYN) || get(bytes, 18, 2) != EM_X86_64)
        return NOT_EXECUTABLE;
    if (get(bytes, 54, 2) != ELF_PHDR_SIZE || count == 0 || count > ELF_PHDRS_MAX)
        return NOT_EXECUTABLE;
    *phdr_offset = get(bytes, 32, 8);
    *phdr_bytes = count * ELF_PHDR_SIZE;
    if (*phdr_offset > INT64_MAX - *phdr_bytes)
        return NOT_EXECUTABLE;
    return 0;
}

/* a + b, or false where that wraps or goes beyond limit. */
static bool sum_within(uint64_t a, uint64_t b, uint64_t limit)
{
    return a <= limit && b <= limit - a;
}

static int add_segment(struct elf_image *image, const struct elf_segment *s, uint64_t align,
                       uint64_t file_size, uint64_t limit)
{
    uint64_t start, end;

    if (s->memsz == 0)
        return 0;
    if (s->filesz > s->memsz || !sum_within(s->vaddr, s->memsz, limit - PAGE))
        return NOT_EXECUTABLE;
    if (s->filesz && !sum_within(s->offset, s->filesz, file_size))
        return NOT_EXECUTABLE;
    if (s->filesz && (s->vaddr ^ s->offset) % PAGE)
        return NOT_EXECUTABLE;
    start = s->vaddr / PAGE * PAGE;
    end = (s->vaddr + s->memsz + PAGE - 1) / PAGE * PAGE;
    if (image->nsegments == 0 || start < image->low)
        image->low = start;
    if (end > image->high)
        image->high = end;
    if (align > image->alignment && (align & (align - 1)) == 0)
        image->alignment = align;
    image->segments[image->nsegments++] = *s;
    return 0;
}

static int add_phdr(struct elf_image *image, const void *phdrs, size_t at, uint64_t file_size,
                    uint64_t limit)
{
    uint64_t type = get(phdrs, at, 4);
    struct elf_segment s = {
        .flags = (unsigned)get(phdrs, at + 4, 4) & 7,
        .offset = get(phdrs, at + 8, 8),
        .vaddr = get(phdrs, at + 16, 8),
        .filesz = get(phdrs, at + 32, 8),
        .memsz = get(phdrs, at + 40, 8),
    };

    switch (type) {
    case PT_LOAD:
        return add_segment(image, &s, get(phdrs, at + 48, 8), file_size, limit);
    case PT_INTERP:
        if (image->interp_size)
            return 0; /* the first one counts */
        if (s.filesz < 2 || s.filesz > ELF_INTERP_MAX || !sum_within(s.offset, s.filesz, file_size))
            return NOT_EXECUTABLE;
        image->interp_offset = s.offset;
        image->interp_size = s.filesz;
        return 0;
    case PT_GNU_STACK:
        image->stack_executable = s.flags & ELF_EXEC;
        return 0;
    default:
        return 0;
    }
}

int elf_parse(const void *header, const void *phdrs, size_t phdr_bytes, uint64_t file_size,
              uint64_t limit, struct elf_image *image)
{
    uint64_t phoff = get(header, 32, 8);
    int error;

    image->dynamic = get(header, 16, 2) == ET_DYN;
    image->entry = get(header, 24, 8);
    image->phnum = (unsigned)(phdr_bytes / ELF_PHDR_SIZE);
    image->stack_executable = false;
    image->interp_offset = image->interp_size = 0;
    image->low = image->high = 0;
    image->phdr_vaddr = 0;
    image->alignment = PAGE;
    image->nsegments = 0;
    if (image->phnum > ELF_PHDRS_MAX)
        return NOT_EXECUTABLE;
    for (unsigned i = 0; i < image->phnum; i++) {
        error = add_phdr(image, phdrs, i * ELF_PHDR_SIZE, file_size, limit);
        if (error)
            return error;
    }
    if (image->nsegments == 0 || image->entry >= limit || image->high - image->low > limit / 2)
        return NOT_EXECUTABLE;
    if (!image->dynamic && image->low < PAGE)
        return NOT_EXECUTABLE; /* page 0 is never mapped */
    if (image->alignment > 1ull << 30)
        image->alignment = 1ull << 30;
    for (unsigned i = 0; i < image->nsegments; i++) {
        const struct elf_segment *s = &image->segments[i];

        if (s->filesz && s->offset <= phoff && phoff - s->offset < s->filesz)
            image->phdr_vaddr = phoff - s->offset + s->vaddr;
    }
    return 0;
}
