/* linux/exec_stack.c: the first stack of a program: strings, argc, argv, envp and the auxiliary
 * vector, laid out as Linux does (fs/binfmt: create_elf_tables as the ABI documents it). */
#include "arch/x86_64/cpu.h"
#include "core/random.h"
#include "lib/string.h"
#include "linux/exec.h"
#include "linux/vdso/vdso.h"
#include "mm/heap.h"

enum {
    AT_NULL,
    AT_PHDR = 3,
    AT_PHENT,
    AT_PHNUM,
    AT_PAGESZ,
    AT_BASE,
    AT_FLAGS,
    AT_ENTRY,
    AT_UID = 11,
    AT_EUID,
    AT_GID,
    AT_EGID,
    AT_PLATFORM,
    AT_HWCAP,
    AT_CLKTCK,
    AT_SECURE = 23,
    AT_RANDOM = 25,
    AT_HWCAP2,
    AT_EXECFN = 31,
    AT_SYSINFO_EHDR = 33,
    AT_MINSIGSTKSZ = 51,
};
enum { STACK_INITIAL = 132 << 10, STACK_SHIFT_MASK = 8191, TICKS_PER_SECOND = 100 };
enum { AUXV_PAIRS = 22, TABLE_WORDS_SMALL = 256 };

static const char platform[] = "x86_64";

struct builder {
    struct exec *exec;
    uint64_t *table; /* argc, argv, 0, envp, 0, auxv: built here, copied once */
    size_t words;
    uintptr_t strings, execfn, platform, random;
};

static int map_stack(struct exec *exec, struct address_space *space, uintptr_t top)
{
    struct map_request request = {
        .length = STACK_INITIAL,
        .addr = top - STACK_INITIAL,
        .prot = PROT_READ | PROT_WRITE | (exec->program.image.stack_executable ? PROT_EXEC : 0),
        .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
        .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN,
        .label = "[stack]",
    };
    size_t strings = exec->args->len;
    ssize_t at;

    if (strings > STACK_INITIAL / 2) {
        request.length +=
            ALIGN_UP(2 * strings + exec->args->argc * 8ul + exec->args->envc * 8ul, PAGE_SIZE);
        request.addr = top - request.length;
    }
    at = address_space_map(space, &request);
    return at < 0 ? (int)at : 0;
}

/* How many bytes of the argument block stay: all but argv[0], if scripts took its place. */
static size_t skipped(const struct exec *exec)
{
    return exec->drop_first && exec->args->argc ? exec->args->first_len : 0;
}

/* Strings from the top down: the file's name, the block, the words in front. */
static int put_strings(struct builder *b, uintptr_t top)
{
    struct exec *exec = b->exec;
    size_t n = strlen(exec->name) + 1, skip = skipped(exec);
    uintptr_t at = top - sizeof(uint64_t) - n;
    int error;

    b->execfn = at;
    error = user_write(at, exec->name, n);
    at -= exec->args->len - skip;
    if (!error && exec->args->len > skip)
        error = user_write(at, exec->args->strings + skip, exec->args->len - skip);
    for (unsigned i = exec->nfront; !error && i-- > 0;) {
        n = strlen(exec->front[i]) + 1;
        at -= n;
        error = user_write(at, exec->front[i], n);
    }
    b->strings = at;
    return error;
}

/* Platform name and random bytes; returns the place below them, or -EFAULT. */
static ssize_t put_constants(struct builder *b, uintptr_t at)
{
    uint64_t random[2] = {random_u64(), random_u64()};

    b->platform = at - sizeof(platform);
    b->random = b->platform - sizeof(random);
    if (user_write(b->platform, platform, sizeof(platform)) < 0 ||
        user_write(b->random, random, sizeof(random)) < 0)
        return -EFAULT;
    return (ssize_t)b->random;
}

static void word(struct builder *b, uint64_t value)
{
    b->table[b->words++] = value;
}

/* Pointers to argv and envp; their strings lie one after the other. */
static void put_pointers(struct builder *b, struct address_space *space)
{
    struct exec *exec = b->exec;
    const struct exec_args *args = exec->args;
    unsigned kept = args->argc - (skipped(exec) ? 1 : 0);
    const char *s = args->strings + skipped(exec);
    uintptr_t at = b->strings;

    word(b, exec->nfront + kept);
    space->arg_start = at;
    for (unsigned i = 0; i < exec->nfront; i++) {
        word(b, at);
        at += strlen(exec->front[i]) + 1;
    }
    for (unsigned i = 0; i < kept + args->envc; i++) {
        size_t n = strlen(s) + 1;

        if (i == kept) {
            word(b, 0);
            space->env_start = at;
        }
        word(b, at);
        at += n;
        s += n;
    }
    if (args->envc == 0) {
        word(b, 0);
        space->env_start = at;
    }
    word(b, 0);
    space->arg_end = space->env_start;
    space->env_end = at;
}

static void put_auxv(struct builder *b, struct process *process)
{
    const struct exec *exec = b->exec;
    const struct elf_image *image = &exec->program.image;
    size_t first = b->words;
    const uint64_t auxv[][2] = {
        {AT_SYSINFO_EHDR, process->vdso},
        {AT_HWCAP, cpuid(1, 0).edx},
        {AT_PAGESZ, PAGE_SIZE},
        {AT_CLKTCK, TICKS_PER_SECOND},
        {AT_PHDR, image->phdr_vaddr ? image->phdr_vaddr + exec->program.bias : 0},
        {AT_PHENT, ELF_PHDR_SIZE},
        {AT_PHNUM, image->phnum},
        {AT_BASE, exec->interp.file ? exec->interp.bias : 0},
        {AT_FLAGS, 0},
        {AT_ENTRY, image->entry + exec->program.bias},
        {AT_UID, exec->cred.uid},
        {AT_EUID, exec->cred.euid},
        {AT_GID, exec->cred.gid},
        {AT_EGID, exec->cred.egid},
        {AT_SECURE, exec->secure},
        {AT_RANDOM, b->random},
        {AT_HWCAP2, 0}, /* no FSGSBASE: GS is set by a call */
        {AT_EXECFN, b->execfn},
        {AT_PLATFORM, b->platform},
        {AT_MINSIGSTKSZ, signal_frame_max()},
        {AT_NULL, 0},
    };

    for (unsigned i = process->vdso ? 0 : 1; i < ARRAY_SIZE(auxv); i++) {
        word(b, auxv[i][0]);
        word(b, auxv[i][1]);
    }
    process->auxv_words = (unsigned)(b->words - first);
    memcpy(process->auxv, b->table + first, process->auxv_words * sizeof(uint64_t));
}

static ssize_t put_table(struct builder *b, struct process *process, uintptr_t below)
{
    uintptr_t rsp;

    put_pointers(b, process->space);
    put_auxv(b, process);
    rsp = ALIGN_DOWN(below - b->words * sizeof(uint64_t), 16ul);
    if (user_write(rsp, b->table, b->words * sizeof(uint64_t)) < 0)
        return -EFAULT;
    process->space->start_stack = rsp;
    return (ssize_t)rsp;
}

ssize_t exec_stack(struct exec *exec, struct process *process, const struct exec_layout *layout)
{
    uint64_t small[TABLE_WORDS_SMALL];
    size_t words = exec->nfront + exec->args->argc + exec->args->envc + 3ul + 2ul * AUXV_PAIRS;
    struct builder b = {.exec = exec, .table = small};
    uintptr_t at;
    ssize_t result = map_stack(exec, process->space, layout->stack_top);

    if (!result)
        result = put_strings(&b, layout->stack_top);
    if (result)
        return result;
    if (words > ARRAY_SIZE(small) && !(b.table = kmalloc(words * sizeof(uint64_t))))
        return -ENOMEM;
    at = b.strings - (layout->randomize ? random_u64() & STACK_SHIFT_MASK : 0);
    result = put_constants(&b, ALIGN_DOWN(at, 16ul));
    if (result > 0)
        result = put_table(&b, process, (uintptr_t)result);
    if (b.table != small)
        kfree(b.table);
    return result;
}
