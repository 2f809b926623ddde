/* linux/elf.h: what an ELF file asks a loader to do (System V gABI; x86-64 psABI).
 *
 * Pure C without kernel dependencies: the bytes are foreign and are read through bounds checks
 * only. tests/unit/elf_test.c runs it on the host under sanitizers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ELF_HEADER_SIZE = 64,
    ELF_PHDR_SIZE = 56,
    ELF_PHDRS_MAX = 73, /* as Linux: a page of them */
    ELF_INTERP_MAX = 4096,
};
enum { ELF_READ = 4, ELF_WRITE = 2, ELF_EXEC = 1 }; /* PF_R, PF_W, PF_X */

struct elf_segment {
    uint64_t vaddr, offset, filesz, memsz;
    unsigned flags;
};
struct elf_image {
    bool dynamic; /* ET_DYN: may be loaded anywhere */
    bool stack_executable;
    uint64_t entry;
    uint64_t phdr_vaddr; /* of the program headers in memory; 0: in no segment */
    unsigned phnum;
    uint64_t interp_offset, interp_size; /* with its NUL; 0: none */
    uint64_t low, high;                  /* page-aligned range of all segments */
    uint64_t alignment;                  /* of an ET_DYN's load address: at least a page */
    unsigned nsegments;
    struct elf_segment segments[ELF_PHDRS_MAX];
};

/* Where the program headers are, from the first n bytes of the file. 0; -ENOEXEC for anything but a
 * sound little-endian 64-bit x86-64 executable or shared object. */
int elf_header(const void *bytes, size_t n, uint64_t *phdr_offset, size_t *phdr_bytes);

/* Read the header and the program headers (phdr_bytes of them) of a file of file_size bytes. 0 or
 * -ENOEXEC, *image is undefined then. limit: end of the addresses that a program may use. */
int elf_parse(const void *header, const void *phdrs, size_t phdr_bytes, uint64_t file_size,
              uint64_t limit, struct elf_image *image);
