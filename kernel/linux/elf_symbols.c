/* The symbol table is found through the section headers, or, where they are not at hand (they are
 * no part of what a program maps), through the dynamic section. */
#include "linux/elf_symbols.h"

enum {
    E_PHOFF = 32,
    E_SHOFF = 40,
    E_PHNUM = 56,
    E_SHENTSIZE = 58,
    E_SHNUM = 60,
    EHDR_SIZE = 64,
    PHDR_SIZE = 56,
    SHDR_SIZE = 64,
    SYM_SIZE = 24,
    DYN_SIZE = 16,
};
enum { PT_LOAD = 1, PT_DYNAMIC = 2, SHT_SYMTAB = 2, SHT_DYNSYM = 11 };
enum { DT_STRTAB = 5, DT_SYMTAB = 6 };
enum { STT_NOTYPE = 0, STT_FUNC = 2, STT_GNU_IFUNC = 10 };
/* More than any sound file has where it matters, and little enough for a panic. */
enum { SEGMENTS_MAX = 73, SECTIONS_MAX = 4096, SYMBOLS_MAX = 1 << 20, DYNAMIC_MAX = 256 };

struct table {
    uint64_t symbols, count, strings, strings_size;
};

static uint64_t get(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;
    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

/* The first program header of a type; of those of type PT_LOAD the one with this place in the file
 * (by_vaddr: in memory). */
static bool find_segment(struct elf_bytes *file, uint32_t type, bool by_vaddr, uint64_t place,
                         uint8_t header[PHDR_SIZE])
{
    uint8_t ehdr[EHDR_SIZE];
    if (!file->read(file, 0, ehdr, sizeof(ehdr)) || get(ehdr, 4) != 0x464c457f)
        return false;
    uint64_t at = get(ehdr + E_PHOFF, 8), n = get(ehdr + E_PHNUM, 2);
    for (uint64_t i = 0; i < n && i < SEGMENTS_MAX; i++) {
        if (!file->read(file, at + i * PHDR_SIZE, header, PHDR_SIZE))
            return false;
        uint64_t start = get(header + (by_vaddr ? 16 : 8), 8), size = get(header + 32, 8);
        if (get(header, 4) == type && (type != PT_LOAD || (place >= start && place - start < size)))
            return true;
    }
    return false;
}

/* Place in the file -> virtual address as linked, or the other way round. */
static bool translate(struct elf_bytes *file, bool from_vaddr, uint64_t place, uint64_t *result)
{
    uint8_t header[PHDR_SIZE];
    if (!find_segment(file, PT_LOAD, from_vaddr, place, header))
        return false;
    uint64_t offset = get(header + 8, 8), vaddr = get(header + 16, 8);
    *result = from_vaddr ? place - vaddr + offset : place - offset + vaddr;
    return true;
}

static bool table_by_sections(struct elf_bytes *file, uint32_t type, struct table *table)
{
    uint8_t ehdr[EHDR_SIZE], header[SHDR_SIZE], strings[SHDR_SIZE];
    if (!file->read(file, 0, ehdr, sizeof(ehdr)) || get(ehdr + E_SHENTSIZE, 2) != SHDR_SIZE)
        return false;
    uint64_t at = get(ehdr + E_SHOFF, 8), n = get(ehdr + E_SHNUM, 2);
    for (uint64_t i = 0; at && i < n && i < SECTIONS_MAX; i++) {
        if (!file->read(file, at + i * SHDR_SIZE, header, sizeof(header)))
            return false;
        if (get(header + 4, 4) != type)
            continue;
        if (!file->read(file, at + get(header + 40, 4) * SHDR_SIZE, strings, sizeof(strings)))
            return false;
        *table = (struct table){get(header + 24, 8), get(header + 32, 8) / SYM_SIZE,
                                get(strings + 24, 8), get(strings + 32, 8)};
        return true;
    }
    return false;
}

/* Nothing in there says how many symbols there are; the strings follow them in every file that a
 * linker made. */
static bool table_by_dynamic(struct elf_bytes *file, struct table *table)
{
    uint8_t header[PHDR_SIZE], entry[DYN_SIZE];
    uint64_t symbols = 0, strings = 0;
    if (!find_segment(file, PT_DYNAMIC, false, 0, header))
        return false;
    for (unsigned i = 0; i < DYNAMIC_MAX && (uint64_t)i * DYN_SIZE < get(header + 32, 8); i++) {
        if (!file->read(file, get(header + 8, 8) + i * DYN_SIZE, entry, sizeof(entry)))
            return false;
        if (get(entry, 8) == DT_STRTAB)
            strings = get(entry + 8, 8);
        else if (get(entry, 8) == DT_SYMTAB)
            symbols = get(entry + 8, 8);
    }
    if (!translate(file, true, symbols, &table->symbols) ||
        !translate(file, true, strings, &table->strings) || table->strings < table->symbols)
        return false;
    table->count = (table->strings - table->symbols) / SYM_SIZE;
    table->strings_size = UINT32_MAX;
    return true;
}

/* Does the symbol name a function at or below vaddr, nearer than *best? Its name's offset. */
static bool better(const uint8_t *symbol, uint64_t vaddr, uint64_t *best, uint32_t *name)
{
    unsigned type = symbol[4] & 15;
    uint64_t value = get(symbol + 8, 8), size = get(symbol + 16, 8);
    if ((type != STT_FUNC && type != STT_GNU_IFUNC && (type != STT_NOTYPE || size)) ||
        !get(symbol + 6, 2) || value > vaddr || vaddr - value >= *best)
        return false;
    if (size ? vaddr - value >= size : vaddr - value >= 4096)
        return false;
    *best = vaddr - value;
    *name = get(symbol, 4);
    return *name != 0;
}

static bool read_name(struct elf_bytes *file, const struct table *table, uint32_t name)
{
    size_t i = 0;
    if (name >= table->strings_size)
        return false;
    for (; i < sizeof(file->name) - 1; i++) {
        if (!file->read(file, table->strings + name + i, &file->name[i], 1) || !file->name[i])
            break;
        if (file->name[i] < ' ' || file->name[i] > '~')
            return false;
    }
    file->name[i] = 0;
    return i > 0;
}

static bool search(struct elf_bytes *file, const struct table *table, uint64_t vaddr)
{
    uint64_t best = UINT64_MAX;
    uint32_t name = 0;
    for (uint64_t i = 0; i < table->count && i < SYMBOLS_MAX; i += ELF_SYMBOL_CHUNK) {
        uint64_t n = table->count - i < ELF_SYMBOL_CHUNK ? table->count - i : ELF_SYMBOL_CHUNK;
        if (!file->read(file, table->symbols + i * SYM_SIZE, file->chunk, n * SYM_SIZE))
            continue;
        for (uint64_t k = 0; k < n; k++)
            better(file->chunk + k * SYM_SIZE, vaddr, &best, &name);
    }
    file->offset = best;
    return name && read_name(file, table, name);
}

bool elf_symbol_at(struct elf_bytes *file, uint64_t pos)
{
    uint64_t vaddr;
    struct table table;
    if (!translate(file, false, pos, &vaddr))
        return false;
    if (table_by_sections(file, SHT_SYMTAB, &table) && search(file, &table, vaddr))
        return true;
    if (table_by_sections(file, SHT_DYNSYM, &table))
        return search(file, &table, vaddr);
    return table_by_dynamic(file, &table) && search(file, &table, vaddr);
}
