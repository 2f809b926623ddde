// sources: kernel/linux/elf.c
// flags: -Ikernel
/* The loader's ELF parser: what it says about real files, and 10,000 mutants of them: none may be
 * accepted with a segment outside the file or the program's half, none may make it read where it
 * should not (the sanitizers watch). */
#include "linux/elf.h"
#include "need.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MUTANTS = 10000, NO = -8 };
#define LIMIT 0x00007ffffffff000ull

struct seed {
    uint8_t *bytes;
    size_t size;
};

static struct seed read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct seed seed = {malloc(1 << 25), 0};

    NEED(file && seed.bytes);
    seed.size = fread(seed.bytes, 1, 1 << 25, file);
    fclose(file);
    return seed;
}

/* A static program, made here with the compiler that built the test. */
static struct seed static_program(void)
{
    char dir[] = "/tmp/elf_test.XXXXXX", command[256], path[64];
    struct seed seed;

    NEED(mkdtemp(dir));
    snprintf(command, sizeof(command),
             "echo 'int main(void) { return 0; }' | gcc -static -x c -o %s/a -", dir);
    NEED(system(command) == 0);
    snprintf(path, sizeof(path), "%s/a", dir);
    seed = read_file(path);
    unlink(path);
    rmdir(dir);
    return seed;
}

static uint64_t state = 0x9e3779b97f4a7c15ull;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* As linux/exec_file.c does it, with buffers of the exact size, so that a byte too many is seen. */
static int parse(const uint8_t *file, size_t size, struct elf_image *image)
{
    size_t head_len = size < 1024 ? size : 1024, bytes;
    uint8_t *head = malloc(head_len + 1), *phdrs = NULL;
    uint64_t offset;
    int error;

    memcpy(head, file, head_len);
    error = elf_header(head, head_len, &offset, &bytes);
    if (!error && (offset > size || bytes > size - offset))
        error = NO;
    if (!error) {
        phdrs = malloc(bytes);
        memcpy(phdrs, file + offset, bytes);
        error = elf_parse(head, phdrs, bytes, size, LIMIT, image);
    }
    free(head);
    free(phdrs);
    return error;
}

/* What the loader relies on in an image that was accepted. */
static void check_image(const struct elf_image *image, size_t size)
{
    NEED(image->nsegments >= 1 && image->nsegments <= ELF_PHDRS_MAX);
    NEED(image->low < image->high && image->high <= LIMIT);
    NEED(image->low % 4096 == 0 && image->high % 4096 == 0);
    NEED(image->dynamic || image->low >= 4096);
    NEED(image->alignment >= 4096 && (image->alignment & (image->alignment - 1)) == 0);
    NEED(image->entry < LIMIT);
    NEED(image->interp_size <= ELF_INTERP_MAX);
    NEED(image->interp_size == 0 ||
         (image->interp_offset <= size && image->interp_size <= size - image->interp_offset));
    for (unsigned i = 0; i < image->nsegments; i++) {
        const struct elf_segment *s = &image->segments[i];

        NEED(s->memsz > 0 && s->filesz <= s->memsz && s->flags <= 7);
        NEED(s->vaddr >= image->low && s->vaddr + s->memsz > s->vaddr &&
             s->vaddr + s->memsz <= image->high);
        NEED(s->filesz == 0 || (s->offset <= size && s->filesz <= size - s->offset &&
                                s->offset % 4096 == s->vaddr % 4096));
    }
}

/* Some bytes of headers changed, sometimes the file cut off. */
static size_t mutate(uint8_t *file, const struct seed *seed)
{
    static const uint64_t nasty[] = {0,          1,     4095,  4096,      0x7fffffff,   0xffffffff,
                                     1ull << 63, ~0ull, LIMIT, LIMIT - 1, LIMIT - 4096, ~4095ull};
    size_t headers = 64 + 56 * 16, size = seed->size;
    unsigned changes = 1 + next_random() % 6;

    memcpy(file, seed->bytes, seed->size);
    while (changes--) {
        size_t at = next_random() % headers;
        uint64_t word = nasty[next_random() % (sizeof(nasty) / sizeof(nasty[0]))];

        switch (next_random() % 4) {
        case 0:
            file[at] ^= (uint8_t)(1u << next_random() % 8);
            break;
        case 1:
            file[at] = (uint8_t)next_random();
            break;
        case 2:
            memcpy(file + at / 8 * 8, &word, 8);
            break;
        default:
            memcpy(file + at / 4 * 4, &word, 4);
            break;
        }
    }
    if (next_random() % 8 == 0)
        size = next_random() % (next_random() % 2 ? headers : seed->size);
    return size;
}

static void mutants(const struct seed *seed, unsigned n)
{
    uint8_t *file = malloc(seed->size);
    unsigned accepted = 0;
    struct elf_image image;

    for (unsigned i = 0; i < n; i++) {
        size_t size = mutate(file, seed);
        int error = parse(file, size, &image);

        NEED(error == 0 || error == NO);
        if (!error) {
            accepted++;
            check_image(&image, size);
        }
    }
    NEED(accepted > n / 100 && accepted < n); /* else the mutants are not mutants */
    free(file);
}

static void real_files(const struct seed *dynamic, const struct seed *fixed)
{
    struct elf_image image;

    NEED(parse(dynamic->bytes, dynamic->size, &image) == 0);
    check_image(&image, dynamic->size);
    NEED(image.dynamic && image.interp_size > 10 && image.phdr_vaddr == 64);
    NEED(!strcmp((char *)dynamic->bytes + image.interp_offset, "/lib64/ld-linux-x86-64.so.2"));
    NEED(!image.stack_executable);
    NEED(parse(fixed->bytes, fixed->size, &image) == 0);
    check_image(&image, fixed->size);
    NEED(!image.dynamic && image.interp_size == 0 && image.low == 0x400000);
}

static void refusals(const struct seed *seed)
{
    struct elf_image image;
    uint8_t *copy = malloc(seed->size);

    NEED(parse((const uint8_t *)"#!/bin/sh\n", 10, &image) == NO);
    NEED(parse(seed->bytes, 0, &image) == NO);
    NEED(parse(seed->bytes, 63, &image) == NO);
    NEED(parse(seed->bytes, 200, &image) == NO);
    NEED(parse(seed->bytes, seed->size / 2, &image) == NO);
    memcpy(copy, seed->bytes, seed->size);
    copy[18] = 183; /* another machine: AArch64 */
    NEED(parse(copy, seed->size, &image) == NO);
    memcpy(copy, seed->bytes, seed->size);
    copy[4] = 1; /* 32 bits */
    NEED(parse(copy, seed->size, &image) == NO);
    memcpy(copy, seed->bytes, seed->size);
    copy[16] = 1; /* an object file */
    NEED(parse(copy, seed->size, &image) == NO);
    free(copy);
}

int main(void)
{
    struct seed dynamic = read_file("/bin/true"), fixed = static_program();

    real_files(&dynamic, &fixed);
    printf("ok - ELF headers of real programs are read\n");
    refusals(&dynamic);
    printf("ok - what is no program for this machine is refused\n");
    mutants(&dynamic, MUTANTS / 2);
    mutants(&fixed, MUTANTS / 2);
    printf("ok - %d mutants do no harm\n", MUTANTS);
    free(dynamic.bytes);
    free(fixed.bytes);
    return 0;
}
