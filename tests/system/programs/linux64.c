/* linux64.c: a second loader, to test the Linux 64-bit boot protocol where none speaks it.
 *
 * QEMU starts this 32-bit program by PVH. It loads the kernel that is embedded in it, translates
 * what it was given to boot_params, and enters the kernel as a microVM monitor does (Linux'
 * Documentation/arch/x86/boot.rst, "64-bit boot protocol"): long mode, the first GiB mapped one
 * to one, RSI = boot_params, nothing else promised. Built by tests/system/machines.sh.
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

void load_and_enter(const struct start_info *info)
{
    uint32_t entry = load_kernel();

    fill_boot_params(info);
    map_low_memory();
    enter(entry, BOOT_PARAMS, PAGE_TABLES);
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
        "lgdt gdt_pointer\n"
        "mov $0xe0000011, %eax\n mov %eax, %cr0\n"
        "mov $0x10, %eax\n mov %eax, %ds\n mov %eax, %es\n mov %eax, %ss\n"
        "ljmp $8, $1f\n"
        ".code64\n"
        "1: mov %edi, %edi\n mov %esi, %esi\n xor %eax, %eax\n xor %ebx, %ebx\n xor %ebp, %ebp\n"
        "mov $0x5fff0, %esp\n push %rdi\n xor %edi, %edi\n ret\n"
        ".code32\n"
        ".data\n .balign 8\n"
        "gdt: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff\n"
        "gdt_pointer: .word 23\n .long gdt\n"
        ".globl kernel_file\n .balign 4096\n"
        "kernel_file: .incbin \"" KERNEL_FILE "\"\n"
        ".bss\n .balign 16\n .skip 4096\nstack_top:\n"
        ".text\n");
