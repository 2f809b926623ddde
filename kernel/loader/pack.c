/* pack.c (on the host): osprey.elf, the set-up and the loader become osprey.bin, or
 * osprey-lzma.bin.
 *
 *   pack lz4|lzma OSPREY.ELF SETUP.BIN LOADER.ELF OSPREY.BIN */
#include "loader/layout.h"

#include <elf.h>
#include <err.h>
#include <lz4hc.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/crc32c.h"
#include "lib/endian.h"
#include "loader/loader.h"

enum { /* fields of setup.S: PE/COFF and Linux' header */
       PE_CODE_SIZE = 0x5c,
       PE_ENTRY = 0x68,
       PE_IMAGE_SIZE = 0x90,
       PE_TEXT_MEMORY = 0x128,
       PE_TEXT_FILE = 0x130,
       HDR_SYSSIZE = 0x1f4,
       HDR_INIT_SIZE = 0x260,
       PAYLOAD_MAX = 0x100000, /* where loader.ld puts .bss */
};

struct bytes {
    uint8_t *data;
    size_t n;
};

static struct bytes read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    struct bytes bytes;

    if (!file || fstat(fileno(file), &st))
        err(1, "%s", path);
    bytes = (struct bytes){malloc((size_t)st.st_size + 1), (size_t)st.st_size};
    if (!bytes.data || fread(bytes.data, 1, bytes.n, file) != bytes.n)
        err(1, "%s", path);
    fclose(file);
    return bytes;
}

/* The loaded bytes from physical address base on; *memory: with what is zeroed behind them. */
static struct bytes flatten(const char *path, struct bytes elf, uint64_t base, uint32_t *memory)
{
    const Elf64_Ehdr *header = (const void *)elf.data;
    const Elf64_Phdr *segment = (const void *)(elf.data + header->e_phoff);
    struct bytes flat = {calloc(1, 64 << 20), 0};

    *memory = 0;
    for (int i = 0; i < header->e_phnum; i++, segment++) {
        if (segment->p_type != PT_LOAD)
            continue;
        uint64_t at = segment->p_paddr - base;
        if (segment->p_paddr < base || at + segment->p_memsz > 64 << 20)
            errx(1, "%s: a segment at %#lx", path, (unsigned long)segment->p_paddr);
        memcpy(flat.data + at, elf.data + segment->p_offset, segment->p_filesz);
        if (segment->p_filesz && at + segment->p_filesz > flat.n)
            flat.n = at + segment->p_filesz;
        if (at + segment->p_memsz > *memory)
            *memory = (uint32_t)(at + segment->p_memsz);
    }
    return flat;
}

static uint64_t symbol(const char *path, struct bytes elf, const char *name)
{
    const Elf64_Ehdr *header = (const void *)elf.data;
    const Elf64_Shdr *sections = (const void *)(elf.data + header->e_shoff);

    for (int i = 0; i < header->e_shnum; i++) {
        if (sections[i].sh_type != SHT_SYMTAB)
            continue;
        const Elf64_Sym *symbols = (const void *)(elf.data + sections[i].sh_offset);
        const char *names = (const char *)elf.data + sections[sections[i].sh_link].sh_offset;
        for (size_t n = 0; n < sections[i].sh_size / sizeof(*symbols); n++)
            if (strcmp(names + symbols[n].st_name, name) == 0)
                return symbols[n].st_value;
    }
    errx(1, "%s: no symbol %s", path, name);
}

/* The packed bytes; 0: there is no room for them. */
static size_t pack_lz4(struct bytes kernel, uint8_t *to, size_t room)
{
    int n = LZ4_compress_HC((const char *)kernel.data, (char *)to, (int)kernel.n, (int)room,
                            LZ4HC_CLEVEL_MAX);
    return n > 0 ? (size_t)n : 0;
}

/* Code has no places of four bytes (pb), and says nothing of the kernel's (lp). */
static size_t pack_lzma(struct bytes kernel, uint8_t *to, size_t room)
{
    lzma_options_lzma options;
    const lzma_filter filters[] = {{LZMA_FILTER_LZMA1, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    struct bytes turned = {malloc(kernel.n), kernel.n};
    size_t n = 1;

    if (!turned.data || lzma_lzma_preset(&options, 9 | LZMA_PRESET_EXTREME))
        errx(1, "liblzma does not know its presets");
    options.pb = options.lp = 0;
    options.nice_len = 273;
    options.depth = 1000;
    memcpy(turned.data, kernel.data, kernel.n);
    branches_turn(turned.data, (uint32_t)kernel.n, false);
    to[0] = (uint8_t)((options.pb * 5 + options.lp) * 9 + options.lc);
    lzma_ret fault = lzma_raw_buffer_encode(filters, NULL, turned.data, turned.n, to, &n, room);
    free(turned.data);
    return fault == LZMA_OK ? n : 0;
}

int main(int argc, char **argv)
{
    uint32_t memory, loader_memory;
    bool lzma = argc > 1 && strcmp(argv[1], "lzma") == 0;

    if (argc != 6 || (!lzma && strcmp(argv[1], "lz4") != 0))
        errx(2, "usage: pack lz4|lzma OSPREY.ELF SETUP.BIN LOADER.ELF OSPREY.BIN");
    argv++;
    struct bytes elf = read_whole(argv[1]), setup = read_whole(argv[2]);
    struct bytes loader_elf = read_whole(argv[3]);
    struct bytes kernel = flatten(argv[1], elf, PAYLOAD_AT, &memory);
    struct bytes loader = flatten(argv[3], loader_elf, 0, &loader_memory);
    struct bytes out = {calloc(1, PAYLOAD_MAX + SETUP_BYTES), SETUP_BYTES};

    loader.n = symbol(argv[3], loader_elf, "loader_end");
    loader_memory = (uint32_t)symbol(argv[3], loader_elf, "loader_memory");
    memcpy(out.data, setup.data, SETUP_BYTES);
    uint8_t *payload = out.data + SETUP_BYTES;
    memcpy(payload, loader.data, loader.n);
    size_t packed =
        (lzma ? pack_lzma : pack_lz4)(kernel, payload + loader.n, PAYLOAD_MAX - loader.n - 512);
    if (!packed || setup.n != SETUP_BYTES || memory > STUB_AT - PAYLOAD_AT)
        errx(1, "the kernel does not fit");
    uint32_t total = (uint32_t)(loader.n + packed + 511) & ~511u;
    struct packed_kernel *about = (void *)(payload + PACKED);
    *about = (struct packed_kernel){
        .magic = PACKED_MAGIC,
        .offset = (uint32_t)loader.n,
        .packed_len = (uint32_t)packed,
        .len = (uint32_t)kernel.n,
        .memory = memory,
        .entry = (uint32_t)((const Elf64_Ehdr *)(const void *)elf.data)->e_entry,
        .crc = crc32c(~0u, payload + loader.n, packed),
        .total = total,
    };
    put_le32(out.data + PE_CODE_SIZE, total);
    put_le32(out.data + PE_ENTRY, SETUP_BYTES + (uint32_t)symbol(argv[3], loader_elf, "efi_entry"));
    put_le32(out.data + PE_IMAGE_SIZE, (SETUP_BYTES + loader_memory + 4095) & ~4095u);
    put_le32(out.data + PE_TEXT_MEMORY, loader_memory);
    put_le32(out.data + PE_TEXT_FILE, total);
    put_le32(out.data + HDR_SYSSIZE, total / 16);
    put_le32(out.data + HDR_INIT_SIZE, STUB_AT + 0x200000 - PAYLOAD_AT);
    out.n = SETUP_BYTES + total;
    FILE *file = fopen(argv[4], "wb");
    if (!file || fwrite(out.data, 1, out.n, file) != out.n || fclose(file))
        err(1, "%s", argv[4]);
    return 0;
}
