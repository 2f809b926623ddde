/* host/elf.h: what the command needs to know of an ELF64 file for x86-64.
 *
 * The bytes are foreign: every read is bounded and nothing is cast. No allocation; the strings
 * point into the file's bytes, are ended by a NUL inside them, and live as long as those.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum elf_type { ELF_RELOCATABLE = 1, ELF_EXECUTABLE = 2, ELF_SHARED = 3, ELF_CORE = 4 };

struct elf {
    const uint8_t *data;
    size_t size;
    enum elf_type type;
    uint64_t entry;
    const char *interpreter; /* PT_INTERP, or NULL */
    const char *soname;      /* the DT_ strings, or NULL */
    const char *rpath;
    const char *runpath;
    uint64_t memory_size; /* sum of the loaded segments' sizes in memory */

    uint64_t program_headers; /* file offset, 56 bytes each */
    unsigned program_header_count;
    uint64_t dynamic; /* file offset and size of the dynamic section, size 0 if none */
    uint64_t dynamic_size;
    uint64_t strings; /* file offset and size of its string table */
    uint64_t strings_size;
};

/* Whether the bytes start as an ELF file of any kind does. */
bool elf_magic(const void *data, size_t size);

/* Read the headers. NULL on success; otherwise why it cannot be used, as the end of a sentence
 * that starts with the file's name ("is truncated"), and `elf` is not to be read. */
const char *elf_parse(struct elf *elf, const void *data, size_t size);

/* The DT_NEEDED strings: start with *cursor = 0, each call returns the next one, NULL at the end.
 * Entries whose string lies outside the string table are passed over. */
const char *elf_needed(const struct elf *elf, size_t *cursor);
