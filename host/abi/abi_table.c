/* abi_table.c: print docs/abi.md from what the kernel file has for debuggers and for this:
 * abi_table build/osprey.debug */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CALLS = 512, LAST_CALL = 450 };
enum { WHOLE, PARTIAL, MISSING, NONE, ABSENT, STATES, STATE_MASK = 15 };
static const char *const state_names[] = {"whole", "partial", "missing", "as Linux", "absent"};

/* kernel/linux/syscall.h: SYSCALL_ENTRY() */
struct __attribute__((packed)) entry {
    uint16_t nr, state;
    char lacks[];
};

static const unsigned char *file;
static size_t file_size;

static void fail(const char *why)
{
    fprintf(stderr, "abi_table: %s\n", why);
    exit(1);
}

static const void *bytes(uint64_t offset, uint64_t n)
{
    if (offset > file_size || n > file_size - offset)
        fail("the kernel file is cut off");
    return file + offset;
}

static const void *at_address(uint64_t addr, uint64_t n)
{
    const Elf64_Ehdr *e = bytes(0, sizeof(*e));
    for (unsigned i = 0; i < e->e_phnum; i++) {
        const Elf64_Phdr *p = bytes(e->e_phoff + i * sizeof(*p), sizeof(*p));
        if (p->p_type == PT_LOAD && addr >= p->p_vaddr && addr + n <= p->p_vaddr + p->p_filesz)
            return bytes(p->p_offset + addr - p->p_vaddr, n);
    }
    fail("an address outside the kernel file");
    return NULL;
}

static const char *string_at(uint64_t addr)
{
    const char *s = at_address(addr, 1);
    if (!memchr(s, 0, file + file_size - (const unsigned char *)s))
        fail("a string without an end");
    return s;
}

static uint64_t symbol(const char *name)
{
    const Elf64_Ehdr *e = bytes(0, sizeof(*e));
    for (unsigned i = 0; i < e->e_shnum; i++) {
        const Elf64_Shdr *s = bytes(e->e_shoff + i * sizeof(*s), sizeof(*s));
        if (s->sh_type != SHT_SYMTAB)
            continue;
        const Elf64_Shdr *strings = bytes(e->e_shoff + s->sh_link * sizeof(*s), sizeof(*s));
        const Elf64_Sym *symbols = bytes(s->sh_offset, s->sh_size);
        const char *names = bytes(strings->sh_offset, strings->sh_size);
        for (uint64_t k = 0; k < s->sh_size / sizeof(*symbols); k++)
            if (symbols[k].st_name < strings->sh_size && !strcmp(names + symbols[k].st_name, name))
                return symbols[k].st_value;
    }
    fail("the kernel file has no symbol table of calls");
    return 0;
}

static const Elf64_Shdr *section(const char *name)
{
    const Elf64_Ehdr *e = bytes(0, sizeof(*e));
    const Elf64_Shdr *all = bytes(e->e_shoff, e->e_shnum * sizeof(*all));
    const Elf64_Shdr *strings = e->e_shstrndx < e->e_shnum ? &all[e->e_shstrndx] : all;
    const char *names = bytes(strings->sh_offset, strings->sh_size);
    for (unsigned i = 0; i < e->e_shnum; i++)
        if (all[i].sh_name < strings->sh_size && !strcmp(names + all[i].sh_name, name))
            return &all[i];
    fail("the kernel file has no table of calls");
    return NULL;
}

/* kernel/linux/names.c */
static const char *name_of(unsigned nr)
{
    static const uint16_t *places;
    if (!places)
        places = at_address(symbol("syscall_name_places"), CALLS * sizeof(*places));
    return places[nr] ? string_at(symbol("syscall_name_texts") + places[nr] - 1) : NULL;
}

static void print_table(const struct entry *const calls[])
{
    for (unsigned nr = 0; nr <= LAST_CALL; nr++) {
        if (calls[nr])
            printf("| %u | %s | %s | %s |\n", nr, name_of(nr),
                   state_names[calls[nr]->state & STATE_MASK], calls[nr]->lacks);
        else if (name_of(nr))
            printf("| %u | %s | missing | |\n", nr, name_of(nr));
    }
}

int main(int argc, char **argv)
{
    int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    struct stat st;
    if (fd < 0 || fstat(fd, &st) || st.st_size < (off_t)sizeof(Elf64_Ehdr))
        fail("usage: abi_table KERNEL-ELF");
    file_size = st.st_size;
    file = mmap(NULL, file_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file == MAP_FAILED)
        fail("cannot map the kernel file");

    const struct entry *calls[CALLS] = {0};
    const Elf64_Shdr *table = section(".debug_syscalls");
    const char *start = bytes(table->sh_offset, table->sh_size), *end = start + table->sh_size;
    unsigned known = 0, of_state[STATES] = {0};
    for (const struct entry *e; start < end; start = e->lacks + strlen(e->lacks) + 1) {
        e = (const struct entry *)start;
        if (end - start < (long)sizeof(*e) || !memchr(e->lacks, 0, end - e->lacks))
            fail("the table of calls is cut off");
        if (e->nr >= CALLS || calls[e->nr])
            fail("a call stands twice in the table");
        if (!name_of(e->nr))
            fail("a call without a name");
        calls[e->nr] = e;
        if ((e->state & STATE_MASK) >= STATES)
            fail("a call of an unknown state");
        of_state[e->state & STATE_MASK]++;
    }
    for (unsigned nr = 0; nr <= LAST_CALL; nr++)
        known += name_of(nr) != NULL;
    printf(
        "# The x86-64 system calls\n\n"
        "Made by `make abi` from the kernel's own table (`SYSCALL()` in `kernel/linux/`); a test\n"
        "compares. Of %u calls %u answer as Linux does: %u are whole, and %u return ENOSYS in\n"
        "every Linux 6.x too (as Linux). %u are absent, ENOSYS as in a Linux built without the\n"
        "named option; partial: %u; missing: %u (ENOSYS, said once on the console).\n\n"
        "| number | call | state | what lacks |\n| --- | --- | --- | --- |\n",
        known, of_state[WHOLE] + of_state[NONE], of_state[WHOLE], of_state[NONE], of_state[ABSENT],
        of_state[PARTIAL],
        known - of_state[WHOLE] - of_state[NONE] - of_state[ABSENT] - of_state[PARTIAL]);
    print_table(calls);
    return 0;
}
