#include "elf_image.h"

#include "say.h"

#include <linux/elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* kernel/boot/embedded.h: a struct in the kernel's data that says what lies behind the kernel. */
static const char embedded_magic[16] = "osprey-embedded";
struct embedded {
    char magic[16];
    uint64_t root, root_size, cmdline, cmdline_size;
};
enum { PAGE = 4096, PROGRAM_HEADERS = 16 };

struct bytes {
    uint8_t *data;
    size_t size;
};

static struct bytes read_file(const char *path)
{
    FILE *file = fopen(path, "re");
    struct stat st;
    struct bytes bytes;

    if (!file || fstat(fileno(file), &st))
        die(STATUS_FAILED, "%s: %s", path, strerror(errno));
    bytes = (struct bytes){make((size_t)st.st_size + 1), (size_t)st.st_size};
    if (fread(bytes.data, 1, bytes.size, file) != bytes.size)
        die(STATUS_FAILED, "%s: cannot be read", path);
    fclose(file);
    return bytes;
}

static size_t page_up(size_t n)
{
    return (n + PAGE - 1) / PAGE * PAGE;
}

/* Where in the file the struct is; 0: nowhere. */
static size_t find_embedded(const uint8_t *data, size_t size)
{
    const uint8_t *at = memmem(data, size, embedded_magic, sizeof embedded_magic);

    return at && size - (size_t)(at - data) >= sizeof(struct embedded) ? (size_t)(at - data) : 0;
}

/* The end of what the kernel loads, in physical memory. */
static uint64_t kernel_end(const Elf64_Ehdr *header, const Elf64_Phdr *segments)
{
    uint64_t end = 0;

    for (int i = 0; i < header->e_phnum; i++)
        if (segments[i].p_type == PT_LOAD && segments[i].p_paddr + segments[i].p_memsz > end)
            end = segments[i].p_paddr + segments[i].p_memsz;
    return page_up(end);
}

void elf_image_write(const struct parts *parts, const char *file)
{
    struct bytes kernel = read_file(parts->elf), root = read_file(parts->root);
    Elf64_Ehdr *header = (void *)kernel.data;
    Elf64_Phdr segments[PROGRAM_HEADERS] = {0};
    size_t place = find_embedded(kernel.data, kernel.size), cut = page_up(kernel.size);

    if (kernel.size < sizeof *header || header->e_phnum + 1 > PROGRAM_HEADERS || !place ||
        header->e_phoff + header->e_phnum * sizeof *segments > kernel.size)
        die(STATUS_FAILED, "%s: is not Osprey's kernel", parts->elf);
    memcpy(segments, kernel.data + header->e_phoff, header->e_phnum * sizeof *segments);
    /* Behind the kernel in the file: program headers, root, command line; the last two are loaded.
     */
    uint64_t end = kernel_end(header, segments);
    struct embedded about = {.root = end,
                             .root_size = page_up(root.size),
                             .cmdline = end + page_up(root.size),
                             .cmdline_size = CMDLINE_AREA};
    memcpy(about.magic, embedded_magic, sizeof about.magic);
    memcpy(kernel.data + place, &about, sizeof about);
    segments[header->e_phnum++] = (Elf64_Phdr){.p_type = PT_LOAD,
                                               .p_flags = PF_R,
                                               .p_offset = cut + PAGE,
                                               .p_vaddr = end,
                                               .p_paddr = end,
                                               .p_filesz = about.root_size + CMDLINE_AREA,
                                               .p_memsz = about.root_size + CMDLINE_AREA,
                                               .p_align = PAGE};
    header->e_phoff = cut;
    if (strlen(parts->cmdline) >= CMDLINE_AREA)
        die(STATUS_FAILED, "the command line is too long: %zu bytes, at most %d",
            strlen(parts->cmdline), CMDLINE_AREA - 1);
    FILE *out = fopen(file, "we");
    bool good = out && fwrite(kernel.data, 1, kernel.size, out) == kernel.size &&
                !fseek(out, (long)cut, SEEK_SET) &&
                fwrite(segments, 1, sizeof segments, out) == sizeof segments &&
                !fseek(out, (long)(cut + PAGE), SEEK_SET) &&
                fwrite(root.data, 1, root.size, out) == root.size &&
                !fseek(out, (long)(cut + PAGE + about.root_size), SEEK_SET) &&
                fputs(parts->cmdline, out) >= 0 && !fflush(out) &&
                !ftruncate(fileno(out), (off_t)(cut + PAGE + about.root_size + CMDLINE_AREA));
    if (!good || fclose(out))
        die(STATUS_FAILED, "%s: %s", file, strerror(errno));
    free(kernel.data);
    free(root.data);
}

/* Where the command line is in a file of ours; -1. */
static off_t cmdline_place(int fd)
{
    Elf64_Ehdr header;
    Elf64_Phdr last;
    off_t end = lseek(fd, 0, SEEK_END);

    if (pread(fd, &header, sizeof header, 0) != sizeof header ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) || !header.e_phnum ||
        pread(fd, &last, sizeof last,
              (off_t)(header.e_phoff + (header.e_phnum - 1u) * sizeof last)) != sizeof last)
        return -1;
    bool fits = last.p_type == PT_LOAD && last.p_vaddr == last.p_paddr &&
                last.p_filesz > CMDLINE_AREA && last.p_offset < (uint64_t)end &&
                last.p_filesz <= (uint64_t)end - last.p_offset;
    return fits ? (off_t)(last.p_offset + last.p_filesz - CMDLINE_AREA) : -1;
}

int elf_image_read_cmdline(int fd, char *line)
{
    off_t at = cmdline_place(fd);

    if (at < 0 || pread(fd, line, CMDLINE_AREA, at) != CMDLINE_AREA)
        return -1;
    line[CMDLINE_AREA - 1] = 0;
    return 0;
}

int elf_image_replace_cmdline(int fd, const char *line)
{
    static char area[CMDLINE_AREA];
    off_t at = cmdline_place(fd);

    if (at < 0 || strlen(line) >= CMDLINE_AREA)
        return -1;
    memset(area, 0, sizeof area);
    memcpy(area, line, strlen(line));
    return pwrite(fd, area, sizeof area, at) == sizeof area ? 0 : -1;
}
