/* man 2 init_module, where no module fits: none is built for this kernel. */
#include "abi.h"
#include <elf.h>
#include <sys/mman.h>

static bool absent(void)
{
    char text[200] = "no module";
    return CALL(init_module, text, sizeof(text), "") < 0 &&
           (errno == ENOSYS || (errno != ENOEXEC && !inside_osprey()));
}

static void errors(void)
{
    Elf64_Ehdr head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, 1},
                       .e_type = ET_REL,
                       .e_machine = EM_X86_64,
                       .e_version = 1};
    char text[200] = "no module";

    if (absent())
        SKIP("a kernel without CONFIG_MODULES");
    CHECK_ERRNO(CALL(init_module, text, 10, ""), ENOEXEC);
    CHECK_ERRNO(CALL(init_module, text, sizeof(text), ""), ENOEXEC);
    CHECK_ERRNO(CALL(init_module, &head, sizeof(head), ""), ENOEXEC);
    CHECK_ERRNO(CALL(init_module, BAD, 4096, ""), EFAULT);
    become_nobody();
    CHECK_ERRNO(CALL(init_module, text, sizeof(text), ""), EPERM);
}

int main(void)
{
    promise_apart("init_module: errors", errors);
    return check_end();
}
