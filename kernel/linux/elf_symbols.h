/* linux/elf_symbols.h: which function of an ELF file lies at a place in it (System V gABI).
 *
 * Pure C without kernel dependencies, for a panic too: no allocation, no state but the caller's,
 * bounded in time; the bytes are foreign. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ELF_SYMBOL_NAME = 96, ELF_SYMBOL_CHUNK = 32 };

/* The file as far as it is at hand, and room to work in. */
struct elf_bytes {
    /* Copy n bytes at pos; false where they are not to be had. */
    bool (*read)(struct elf_bytes *file, uint64_t pos, void *buf, size_t n);
    uint8_t chunk[ELF_SYMBOL_CHUNK * 24];
    char name[ELF_SYMBOL_NAME]; /* the answer */
    uint64_t offset;            /* from the function's start */
};

/* The function at file offset pos, from .symtab if the file has it, else from .dynsym: file->name
 * and file->offset. false: none is known. */
bool elf_symbol_at(struct elf_bytes *file, uint64_t pos);
