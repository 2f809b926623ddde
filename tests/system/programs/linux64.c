/* linux64.c: a second loader, to test the Linux 64-bit boot protocol where none speaks it.
 *
 * QEMU starts this 32-bit program by PVH. It loads the kernel that is embedded in it, translates
 * what it was given to boot_params, and enters the kernel as a microVM monitor does (Linux'
 * Documentation/arch/x86/boot.rst, "64-bit boot protocol"): long mode, the first GiB mapped one
 * to one, RSI = boot_params, nothing else promised. Built by tests/system/machines.sh.
 *
 * With -DFIRECRACKER it leaves everything where and as Firecracker does (its
 * src/vmm/src/arch/x86_64: regs.rs, layout.rs, mptable.rs, gdt.rs): boot_params, page tables,
 * descriptors, command line, stack, MP table, and CR0 with CD and NW. Built by
 * tests/system/firecracker.sh. With -DFIRECRACKER_ACPI also the ACPI tables that it has from 1.8
 * on: RSDP at 0xe0000, hardware-reduced, the devices in the DSDT.
 */
#include <stddef.h>
#include <stdint.h>

enum {
    BOOT_PARAMS = 0x50000, /* where no firmware keeps what it hands over */
    PAGE_TABLES = 0x51000,
    E820_MAX = 128,
    PT_LOAD = 1,
};

struct start_info { /* Xen: docs/misc/pvh.pandoc */
    uint32_t magic, version, flags, nr_modules;
    uint64_t modules, cmdline, rsdp, memmap;
    uint32_t memmap_entries;
};

struct module {
    uint64_t address, size, cmdline, reserved;
};

struct range {
    uint64_t address, size;
    uint32_t type, reserved;
};

struct elf64 {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum;
};

struct phdr64 {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

extern const uint8_t kernel_file[];
void enter(uint32_t entry, uint32_t boot_params, uint32_t page_tables);
void load_and_enter(const struct start_info *info);

static void copy(uint8_t *to, const uint8_t *from, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        to[i] = from[i];
}

static void clear(uint8_t *to, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        __asm__ volatile("movb $0, (%0)" ::"r"(to + i) : "memory");
}

static void put32(uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)(BOOT_PARAMS + offset) = value;
}

static void *low(uint64_t address)
{
    return (void *)(uint32_t)address;
}

static uint32_t load_kernel(void)
{
    const struct elf64 *elf = (const void *)kernel_file;

    for (int i = 0; i < elf->phnum; i++) {
        const struct phdr64 *ph =
            (const void *)(kernel_file + elf->phoff + (uint32_t)i * elf->phentsize);

        if (ph->type != PT_LOAD)
            continue;
        copy(low(ph->paddr), kernel_file + ph->offset, (uint32_t)ph->filesz);
        clear((uint8_t *)low(ph->paddr) + ph->filesz, (uint32_t)(ph->memsz - ph->filesz));
    }
    return (uint32_t)elf->entry;
}

static void fill_boot_params(const struct start_info *info)
{
    const struct range *map = low(info->memmap);
    const struct module *root = low(info->modules);
    uint32_t n = info->memmap_entries < E820_MAX ? info->memmap_entries : E820_MAX;

    clear((uint8_t *)BOOT_PARAMS, 4096);
    *(volatile uint8_t *)(BOOT_PARAMS + 0x1e8) = (uint8_t)n;
    for (uint32_t i = 0; i < n; i++)
        copy((uint8_t *)BOOT_PARAMS + 0x2d0 + i * 20, (const uint8_t *)&map[i], 20);
    *(volatile uint16_t *)(BOOT_PARAMS + 0x1fe) = 0xaa55;
    put32(0x202, 0x53726448); /* HdrS */
    *(volatile uint16_t *)(BOOT_PARAMS + 0x206) = 0x020c;
    *(volatile uint8_t *)(BOOT_PARAMS + 0x210) = 0xff;
    if (info->nr_modules > 0) {
        put32(0x218, (uint32_t)root->address);
        put32(0x21c, (uint32_t)root->size);
        put32(0xc0, (uint32_t)(root->address >> 32));
        put32(0xc4, (uint32_t)(root->size >> 32));
    }
    put32(0x228, (uint32_t)info->cmdline);
    put32(0xc8, (uint32_t)(info->cmdline >> 32));
    put32(0x230, 0x1000000);
    put32(0x238, 65536);
    put32(0x70, (uint32_t)info->rsdp);
}

/* The first GiB in pages of 2 MiB, as Firecracker leaves it. */
static void map_low_memory(void)
{
    volatile uint64_t *top = (volatile uint64_t *)PAGE_TABLES;

    clear((uint8_t *)PAGE_TABLES, 3 * 4096);
    top[0] = (PAGE_TABLES + 0x1000) | 3;
    top[512] = (PAGE_TABLES + 0x2000) | 3;
    for (uint32_t i = 0; i < 512; i++)
        top[1024 + i] = (uint64_t)i << 21 | 0x83;
}

#ifdef FIRECRACKER
enum {
    GDT = 0x500,
    IDT = 0x520,
    PARAMS_AT = 0x7000,
    TABLES_AT = 0x9000,
    CMDLINE_AT = 0x20000,
    CMDLINE_MAX = 2048,
    MP_AT = 0x9fc00,
    IRQS = 24,
    FW_CFG = 0x510,
    FW_CPUS = 5,
};

static uint8_t *mp;
static uint32_t mp_entries;

static void mp_bytes(const void *bytes, uint32_t n)
{
    copy(mp, bytes, n);
    mp += n;
}

static uint8_t sum(const uint8_t *p, uint32_t n)
{
    uint8_t total = 0;

    while (n--)
        total += *p++;
    return total;
}

static uint32_t cpus(void)
{
    uint8_t low_byte, high;

    __asm__ volatile("outw %w0, %w1" ::"a"(FW_CPUS), "d"(FW_CFG));
    __asm__ volatile("inb %w1, %b0" : "=a"(low_byte) : "d"(FW_CFG + 1));
    __asm__ volatile("inb %w1, %b0" : "=a"(high) : "d"(FW_CFG + 1));
    return low_byte | (uint32_t)high << 8;
}

/* MultiProcessor Specification 1.4, chapter 4. */
static void make_mp_table(void)
{
    uint8_t *table = (uint8_t *)MP_AT + 16, n = (uint8_t)cpus();
    uint32_t address = (uint32_t)table;

    clear((uint8_t *)MP_AT, 1024);
    mp = table + 44;
    for (uint8_t i = 0; i < n; i++, mp_entries++)
        mp_bytes((uint8_t[20]){0, i, 0x14, i ? 1 : 3, 0, 6, 0, 0, 1, 2}, 20);
    mp_bytes("\1\0ISA   ", 8);
    mp_bytes((uint8_t[8]){2, (uint8_t)(n + 1), 0x14, 1, 0, 0, 0xc0, 0xfe}, 8);
    for (uint8_t i = 0; i < IRQS; i++, mp_entries++)
        mp_bytes((uint8_t[8]){3, 0, 0, 0, 0, i, (uint8_t)(n + 1), i}, 8);
    mp_bytes((uint8_t[8]){4, 3, 0, 0, 0, 0, 0, 0}, 8);
    mp_bytes((uint8_t[8]){4, 1, 0, 0, 0, 0, 0xff, 1}, 8);
    mp_entries += 4;
    uint16_t size = (uint16_t)(mp - table);
    copy(table, (const uint8_t *)"PCMP", 4);
    copy(table + 4, (const uint8_t *)&size, 2);
    table[6] = 4;
    copy(table + 8, (const uint8_t *)"FC      000000000000", 20);
    table[34] = (uint8_t)mp_entries;
    copy(table + 36, (uint8_t[4]){0, 0, 0xe0, 0xfe}, 4);
    table[7] = (uint8_t)-sum(table, size);
    copy((uint8_t *)MP_AT, (const uint8_t *)"_MP_", 4);
    copy((uint8_t *)MP_AT + 4, (const uint8_t *)&address, 4);
    *(uint8_t *)(MP_AT + 8) = 1;
    *(uint8_t *)(MP_AT + 9) = 4;
    *(uint8_t *)(MP_AT + 10) = (uint8_t)-sum((const uint8_t *)MP_AT, 16);
}

#ifdef FIRECRACKER_ACPI
enum {
    RSDP_AT = 0xe0000,
    XSDT_AT = 0xe0100,
    FADT_AT = 0xe0200,
    MADT_AT = 0xe0400,
    DSDT_AT = 0xe0800
};
enum { SLOTS_AT = 0xfeb00000, SLOT = 512, SLOTS = 8, FIRST_GSI = 5 };

/* A table of which all but signature, length and checksum is there. */
static void finish_table(uint32_t at, const char *name, uint32_t size)
{
    uint8_t *table = (uint8_t *)at;

    copy(table, (const uint8_t *)name, 4);
    copy(table + 4, (const uint8_t *)&size, 4);
    table[8] = 2;
    copy(table + 10, (const uint8_t *)"FIRECKFCVM    ", 14);
    table[9] = 0;
    table[9] = (uint8_t)-sum(table, size);
}

/* Device (V000) { Name (_HID, "LNRO0005") Name (_CRS, Memory32Fixed, Interrupt) } */
static uint8_t *put_device(uint8_t *aml, uint32_t address, uint32_t gsi)
{
    static const uint8_t head[] = {0x5b, 0x82, 0x34, 'V', '0', '0',  '0',  0x08, '_', 'H', 'I',
                                   'D',  0x0d, 'L',  'N', 'R', 'O',  '0',  '0',  '0', '5', 0,
                                   0x08, '_',  'C',  'R', 'S', 0x11, 0x1a, 0x0a, 0x17};
    uint8_t resources[] = {0x86, 9, 0, 1, 0, 0, 0, 0, 0, 2,    0, 0,
                           0x89, 6, 0, 3, 1, 0, 0, 0, 0, 0x79, 0};

    resources[4] = (uint8_t)address, resources[5] = (uint8_t)(address >> 8);
    resources[6] = (uint8_t)(address >> 16), resources[7] = (uint8_t)(address >> 24);
    resources[17] = (uint8_t)gsi;
    copy(aml, head, sizeof(head));
    copy(aml + sizeof(head), resources, sizeof(resources));
    return aml + sizeof(head) + sizeof(resources);
}

static void make_acpi(void)
{
    uint8_t *madt = (uint8_t *)MADT_AT + 44, *aml = (uint8_t *)DSDT_AT + 36, n = (uint8_t)cpus();
    uint8_t *rsdp = (uint8_t *)RSDP_AT;

    clear(rsdp, 0x1000);
    for (uint8_t i = 0; i < n; i++, madt += 8)
        copy(madt, (uint8_t[8]){0, 8, i, i, 1, 0, 0, 0}, 8);
    copy(madt, (uint8_t[12]){1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0}, 12);
    copy((uint8_t *)MADT_AT + 36, (uint8_t[4]){0, 0, 0xe0, 0xfe}, 4);
    finish_table(MADT_AT, "APIC", (uint32_t)madt + 12 - MADT_AT);
    for (uint32_t i = 0; i < SLOTS; i++)
        if (*(volatile uint32_t *)(SLOTS_AT + i * SLOT + 8))
            aml = put_device(aml, SLOTS_AT + i * SLOT, FIRST_GSI + i);
    finish_table(DSDT_AT, "DSDT", (uint32_t)aml - DSDT_AT);
    *(uint32_t *)(FADT_AT + 112) =
        1 << 20 | 1 << 4 | 1 << 5; /* reduced; no buttons of the fixed kind */
    *(uint32_t *)(FADT_AT + 140) = DSDT_AT;
    finish_table(FADT_AT, "FACP", 276);
    *(uint32_t *)(XSDT_AT + 36) = FADT_AT;
    *(uint32_t *)(XSDT_AT + 44) = MADT_AT;
    finish_table(XSDT_AT, "XSDT", 52);
    copy(rsdp, (const uint8_t *)"RSD PTR ", 8);
    copy(rsdp + 9, (const uint8_t *)"FIRECK", 6);
    rsdp[15] = 2;
    *(uint32_t *)(RSDP_AT + 20) = 36;
    *(uint32_t *)(RSDP_AT + 24) = XSDT_AT;
    rsdp[8] = (uint8_t)-sum(rsdp, 20);
    rsdp[32] = (uint8_t)-sum(rsdp, 36);
    put32(0x70, RSDP_AT);
}
#endif

/* The map as Firecracker tells it: the first MiB in two pieces, then what there is above. */
static void make_map(const struct start_info *info)
{
    const struct range *map = low(info->memmap);
    struct range first[2] = {{0, MP_AT, 1, 0}, {MP_AT, 0x100000 - MP_AT, 2, 0}};
    uint8_t *to = (uint8_t *)BOOT_PARAMS + 0x2d0;
    uint8_t n = 2;

    copy(to, (const uint8_t *)&first[0], 20);
    copy(to + 20, (const uint8_t *)&first[1], 20);
    for (uint32_t i = 0; i < info->memmap_entries && i < 16; i++)
        if (map[i].address >= 0x100000 && map[i].type == 1)
            copy(to + 20 * n++, (const uint8_t *)&map[i], 20);
    *(volatile uint8_t *)(BOOT_PARAMS + 0x1e8) = n;
}

static void arrange(const struct start_info *info)
{
    static const uint64_t gdt[4] = {0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x008f8b000000ffff};
    const uint8_t *line = low(info->cmdline);
    uint32_t n = 0;

    make_map(info);
    while (line[n] && n + 1 < CMDLINE_MAX)
        n++;
    copy((uint8_t *)CMDLINE_AT, line, n);
    *(volatile uint8_t *)(CMDLINE_AT + n) = 0;
    put32(0x228, CMDLINE_AT);
    put32(0xc8, 0);
    put32(0x238, CMDLINE_MAX);
    put32(0x70, 0); /* as before 1.8: the MP table alone */
    make_mp_table();
#ifdef FIRECRACKER_ACPI
    make_acpi();
#endif
    copy((uint8_t *)PARAMS_AT, (const uint8_t *)BOOT_PARAMS, 4096);
    copy((uint8_t *)GDT, (const uint8_t *)gdt, sizeof(gdt));
    clear((uint8_t *)IDT, 8);
}
#endif

void load_and_enter(const struct start_info *info)
{
    uint32_t entry = load_kernel();

    fill_boot_params(info);
#ifdef FIRECRACKER
    arrange(info);
    clear((uint8_t *)TABLES_AT, 3 * 4096);
    *(volatile uint64_t *)TABLES_AT = (TABLES_AT + 0x1000) | 3;
    *(volatile uint64_t *)(TABLES_AT + 0x1000) = (TABLES_AT + 0x2000) | 3;
    for (uint32_t i = 0; i < 512; i++)
        *(volatile uint64_t *)(TABLES_AT + 0x2000 + i * 8) = (uint64_t)i << 21 | 0x83;
    enter(entry, PARAMS_AT, TABLES_AT);
#else
    map_low_memory();
    enter(entry, BOOT_PARAMS, PAGE_TABLES);
#endif
}

__asm__(".section .note.Xen, \"a\", @note\n"
        ".long 4, 8, 18\n .ascii \"Xen\\0\"\n .long start32, 0\n"
        ".text\n"
        ".globl start32\n"
        "start32: mov $stack_top, %esp\n push %ebx\n call load_and_enter\n"
        ".globl enter\n" /* (entry, boot_params, page_tables) */
        "enter: mov 4(%esp), %edi\n mov 8(%esp), %esi\n mov 12(%esp), %eax\n"
        "mov %eax, %cr3\n"
        "mov $0x20, %eax\n mov %eax, %cr4\n"                                  /* PAE alone */
        "mov $0xc0000080, %ecx\n xor %edx, %edx\n mov $0x100, %eax\n wrmsr\n" /* LME */
#ifdef FIRECRACKER
        "lgdt gdt_at_500\n lidt idt_at_520\n"
#else
        "lgdt gdt_pointer\n"
#endif
        "mov $0xe0000011, %eax\n mov %eax, %cr0\n"
        "mov $0x10, %eax\n mov %eax, %ds\n mov %eax, %es\n mov %eax, %ss\n"
        "ljmp $8, $1f\n"
        ".code64\n"
        "1: mov %edi, %edi\n mov %esi, %esi\n xor %eax, %eax\n xor %ebx, %ebx\n xor %ebp, %ebp\n"
#ifdef FIRECRACKER
        "mov $0x8ff0, %esp\n mov %esp, %ebp\n jmp *%rdi\n"
#else
        "mov $0x5fff0, %esp\n push %rdi\n xor %edi, %edi\n ret\n"
#endif
        ".code32\n"
        ".data\n .balign 8\n"
        "gdt: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff\n"
        "gdt_pointer: .word 23\n .long gdt\n"
        "gdt_at_500: .word 31\n .long 0x500\n"
        "idt_at_520: .word 7\n .long 0x520\n"
        ".globl kernel_file\n .balign 4096\n"
        "kernel_file: .incbin \"" KERNEL_FILE "\"\n"
        ".bss\n .balign 16\n .skip 4096\nstack_top:\n"
        ".text\n");
