/* man 2 uselib */
#include "abi.h"
#include <elf.h>
#include <sys/mman.h>

#define AT 0x7100000000ul

struct library {
    Elf64_Ehdr head;
    Elf64_Phdr segment[2];
    char text[32];
};

static void make(const char *name, const struct library *library)
{
    int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0755);

    CHECK(write(fd, library, sizeof(*library)) == (ssize_t)sizeof(*library));
    close(fd);
}

static struct library sample(void)
{
    struct library l = {
        .head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, 1},
                 .e_type = ET_EXEC,
                 .e_machine = EM_X86_64,
                 .e_version = 1,
                 .e_phoff = sizeof(Elf64_Ehdr),
                 .e_phentsize = sizeof(Elf64_Phdr),
                 .e_phnum = 1},
        .segment = {{.p_type = PT_LOAD,
                     .p_vaddr = AT,
                     .p_filesz = sizeof(struct library),
                     .p_memsz = 0x3000,
                     .p_flags = PF_R | PF_W | PF_X}},
        .text = "here is the library"};
    return l;
}

static void results(void)
{
    struct library l = sample();

    make("library", &l);
    if (CALL(uselib, "library") < 0 && errno == ENOSYS)
        SKIP("a kernel without CONFIG_USELIB");
    const struct library *mapped = (const void *)AT;
    CHECK(!strcmp(mapped->text, l.text));
    CHECK_EQ(*(const char *)(AT + sizeof(l)), 0); /* the rest of the page, and what follows */
    *(volatile char *)(AT + 0x2fff) = 1;
    CHECK_ERRNO(CALL(uselib, "library"), EEXIST);
    CHECK_EQ(munmap((void *)AT, 0x3000), 0);
}

static void errors(void)
{
    struct library l = sample();

    make("library", &l);
    if (CALL(uselib, "nothing") < 0 && errno == ENOSYS)
        SKIP("a kernel without CONFIG_USELIB");
    CHECK_ERRNO(CALL(uselib, "nothing"), ENOENT);
    CHECK_ERRNO(CALL(uselib, BAD), EFAULT);
    CHECK_ERRNO(CALL(uselib, "."), EACCES);
    l.head.e_type = ET_DYN;
    make("dynamic", &l);
    CHECK_ERRNO(CALL(uselib, "dynamic"), ENOEXEC);
    l = sample();
    l.head.e_phnum = 2;
    l.segment[1] = l.segment[0];
    make("two", &l);
    CHECK_ERRNO(CALL(uselib, "two"), ENOEXEC);
    l = sample();
    l.head.e_ident[0] = 0;
    make("none", &l);
    CHECK_ERRNO(CALL(uselib, "none"), ENOEXEC);
    CHECK_EQ(chmod("library", 0644), 0);
    become_nobody();
    CHECK_ERRNO(CALL(uselib, "library"), EACCES);
}

int main(void)
{
    enter_fresh_dir();
    promise("uselib: a library where it says", results);
    promise_apart("uselib: errors", errors);
    return check_end();
}
