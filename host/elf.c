#include "elf.h"

#include <string.h>

/* System V ABI, "Object Files": offsets in the file header, the program headers (56 bytes) and
 * the dynamic section (16 bytes an entry). */
enum {
    EI_CLASS_AT = 4,
    EI_DATA_AT = 5,
    E_TYPE_AT = 16,
    E_MACHINE_AT = 18,
    E_ENTRY_AT = 24,
    E_PHOFF_AT = 32,
    E_PHENTSIZE_AT = 54,
    E_PHNUM_AT = 56,
    FILE_HEADER_SIZE = 64,

    P_TYPE_AT = 0,
    P_OFFSET_AT = 8,
    P_VADDR_AT = 16,
    P_FILESZ_AT = 32,
    P_MEMSZ_AT = 40,
    PROGRAM_HEADER_SIZE = 56,

    PT_LOAD = 1,
    PT_DYNAMIC = 2,
    PT_INTERP = 3,

    DYNAMIC_ENTRY_SIZE = 16,
    DT_NULL = 0,
    DT_NEEDED = 1,
    DT_STRTAB = 5,
    DT_STRSZ = 10,
    DT_SONAME = 14,
    DT_RPATH = 15,
    DT_RUNPATH = 29,

    CLASS_64 = 2,
    DATA_LITTLE = 1,
    MACHINE_X86_64 = 62,
};

static bool inside(const struct elf *elf, uint64_t offset, uint64_t size)
{
    return offset <= elf->size && size <= elf->size - offset;
}

/* Little-endian integer of `bytes` bytes; 0 outside the file. */
static uint64_t number(const struct elf *elf, uint64_t offset, unsigned bytes)
{
    uint64_t value = 0;

    if (!inside(elf, offset, bytes))
        return 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)elf->data[offset + i] << (8 * i);
    return value;
}

static uint64_t header_field(const struct elf *elf, unsigned index, unsigned at, unsigned bytes)
{
    uint64_t header = elf->program_headers + (uint64_t)index * PROGRAM_HEADER_SIZE;

    return number(elf, header + at, bytes);
}

static const char *machine_fault(uint64_t machine)
{
    switch (machine) {
    case 3:
        return "is a program for i386, not for x86-64";
    case 8:
        return "is a program for MIPS, not for x86-64";
    case 20:
    case 21:
        return "is a program for PowerPC, not for x86-64";
    case 22:
        return "is a program for s390, not for x86-64";
    case 40:
        return "is a program for ARM, not for x86-64";
    case 183:
        return "is a program for AArch64, not for x86-64";
    case 243:
        return "is a program for RISC-V, not for x86-64";
    case 258:
        return "is a program for LoongArch, not for x86-64";
    default:
        return "is a program for another processor, not for x86-64";
    }
}

static const char *ident_fault(const struct elf *elf)
{
    if (elf->size < FILE_HEADER_SIZE)
        return "is a truncated ELF file";
    bool little = elf->data[EI_DATA_AT] == DATA_LITTLE;
    uint64_t machine = little
                           ? number(elf, E_MACHINE_AT, 2)
                           : (uint64_t)elf->data[E_MACHINE_AT] << 8 | elf->data[E_MACHINE_AT + 1];
    if (machine != MACHINE_X86_64)
        return machine_fault(machine);
    if (elf->data[EI_CLASS_AT] != CLASS_64)
        return "is a program for x32 (a 32-bit ABI), not for x86-64";
    if (!little)
        return "is a big-endian ELF file";
    if (number(elf, E_PHNUM_AT, 2) && number(elf, E_PHENTSIZE_AT, 2) != PROGRAM_HEADER_SIZE)
        return "is a damaged ELF file (program header size)";
    return NULL;
}

/* A string at `offset` that ends before `limit`, or NULL. */
static const char *string_at(const struct elf *elf, uint64_t offset, uint64_t limit)
{
    if (limit > elf->size || offset >= limit)
        return NULL;
    const char *string = (const char *)elf->data + offset;
    return memchr(string, 0, limit - offset) ? string : NULL;
}

/* Where in the file the loaded segments put this address; the file's size if nowhere. */
static uint64_t file_offset(const struct elf *elf, uint64_t address)
{
    for (unsigned i = 0; i < elf->program_header_count; i++) {
        uint64_t start = header_field(elf, i, P_VADDR_AT, 8);
        if (header_field(elf, i, P_TYPE_AT, 4) != PT_LOAD || address < start)
            continue;
        if (address - start < header_field(elf, i, P_FILESZ_AT, 8))
            return header_field(elf, i, P_OFFSET_AT, 8) + (address - start);
    }
    return elf->size;
}

static const char *read_segments(struct elf *elf)
{
    for (unsigned i = 0; i < elf->program_header_count; i++) {
        uint64_t type = header_field(elf, i, P_TYPE_AT, 4);
        uint64_t offset = header_field(elf, i, P_OFFSET_AT, 8);
        uint64_t size = header_field(elf, i, P_FILESZ_AT, 8);

        if (type != PT_LOAD && type != PT_DYNAMIC && type != PT_INTERP)
            continue;
        if (!inside(elf, offset, size))
            return "is a truncated ELF file";
        if (type == PT_LOAD)
            elf->memory_size += header_field(elf, i, P_MEMSZ_AT, 8);
        if (type == PT_INTERP && !elf->interpreter) {
            elf->interpreter = string_at(elf, offset, offset + size);
            if (!elf->interpreter || !*elf->interpreter)
                return "is a damaged ELF file (interpreter)";
        }
        if (type == PT_DYNAMIC) {
            elf->dynamic = offset;
            elf->dynamic_size = size;
        }
    }
    return NULL;
}

/* Step through the dynamic section: false at its end. */
static bool dynamic_next(const struct elf *elf, size_t *cursor, uint64_t *tag, uint64_t *value)
{
    uint64_t at = (uint64_t)*cursor * DYNAMIC_ENTRY_SIZE;

    if (at > elf->dynamic_size || elf->dynamic_size - at < DYNAMIC_ENTRY_SIZE)
        return false;
    *tag = number(elf, elf->dynamic + at, 8);
    *value = number(elf, elf->dynamic + at + 8, 8);
    ++*cursor;
    return *tag != DT_NULL;
}

static const char *dynamic_string(const struct elf *elf, uint64_t index)
{
    if (index >= elf->strings_size)
        return NULL;
    return string_at(elf, elf->strings + index, elf->strings + elf->strings_size);
}

static void find_strings(struct elf *elf)
{
    uint64_t tag, value;
    size_t cursor = 0;

    elf->strings = elf->size;
    while (dynamic_next(elf, &cursor, &tag, &value)) {
        if (tag == DT_STRTAB)
            elf->strings = file_offset(elf, value);
        if (tag == DT_STRSZ)
            elf->strings_size = value;
    }
    if (!inside(elf, elf->strings, elf->strings_size))
        elf->strings_size = 0;
}

static void read_dynamic(struct elf *elf)
{
    uint64_t tag, value;
    size_t cursor = 0;

    find_strings(elf);
    while (dynamic_next(elf, &cursor, &tag, &value)) {
        if (tag == DT_SONAME)
            elf->soname = dynamic_string(elf, value);
        if (tag == DT_RPATH)
            elf->rpath = dynamic_string(elf, value);
        if (tag == DT_RUNPATH)
            elf->runpath = dynamic_string(elf, value);
    }
}

bool elf_magic(const void *data, size_t size)
{
    return size >= 4 && !memcmp(data, "\177ELF", 4);
}

const char *elf_parse(struct elf *elf, const void *data, size_t size)
{
    *elf = (struct elf){.data = data, .size = size};
    if (!elf_magic(data, size))
        return "is not an ELF file";
    const char *fault = ident_fault(elf);
    if (fault)
        return fault;
    elf->type = (enum elf_type)number(elf, E_TYPE_AT, 2);
    elf->entry = number(elf, E_ENTRY_AT, 8);
    elf->program_headers = number(elf, E_PHOFF_AT, 8);
    elf->program_header_count = (unsigned)number(elf, E_PHNUM_AT, 2);
    if (!inside(elf, elf->program_headers,
                (uint64_t)elf->program_header_count * PROGRAM_HEADER_SIZE))
        return "is a truncated ELF file";
    fault = read_segments(elf);
    if (!fault)
        read_dynamic(elf);
    return fault;
}

const char *elf_needed(const struct elf *elf, size_t *cursor)
{
    uint64_t tag, value;

    while (dynamic_next(elf, cursor, &tag, &value)) {
        const char *name = tag == DT_NEEDED ? dynamic_string(elf, value) : NULL;
        if (name && *name)
            return name;
    }
    return NULL;
}
