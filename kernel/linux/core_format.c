/* linux/core_format.c: ELF header, program headers and notes of a core file. */
#include "linux/core_format.h"

enum { EHDR = 64, PHDR = 56, NHDR = 12, OWNER = 8, PRSTATUS = 336, PRPSINFO = 136, FPREGS = 512 };
enum { ET_CORE = 4, EM_X86_64 = 62, PT_LOAD = 1, PT_NOTE = 4 };
enum {
    NT_PRSTATUS = 1,
    NT_FPREGSET = 2,
    NT_PRPSINFO = 3,
    NT_AUXV = 6,
    NT_X86_XSTATE = 0x202,
    NT_SIGINFO = 0x53494749,
    NT_FILE = 0x46494c45,
};
/* Offsets in FXSAVE's area (SDM 1, 10.5.1) and behind it (13.4.2). */
enum {
    FX_FCW = 0,
    FX_POINTERS_END = 24,
    FX_ST = 32,
    FX_XMM = 160,
    FX_XMM_END = 416,
    FX_SW_BYTES = 464, /* where Linux tells debuggers XCR0 */
    XSTATE_BV = 512,
    STATE_X87 = 1,
    STATE_SSE = 2,
    FCW_INITIAL = 0x37f,
};

/* --- bytes --- */

static size_t up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* Little-endian, as this processor is. */
static void set(uint8_t *bytes, size_t offset, uint64_t value, unsigned size)
{
    __builtin_memcpy(bytes + offset, &value, size);
}

static int put(const struct core_info *info, const void *bytes, size_t n)
{
    return n ? info->put(info->arg, bytes, n) : 0;
}

static int put_zeros(const struct core_info *info, size_t n)
{
    static const uint8_t zeros[256];
    int error = 0;

    for (; n && !error; n -= n < sizeof(zeros) ? n : sizeof(zeros))
        error = put(info, zeros, n < sizeof(zeros) ? n : sizeof(zeros));
    return error;
}

/* --- sizes --- */

static size_t note_size(size_t n)
{
    return NHDR + OWNER + up(n, 4);
}

static bool has_xsave(const struct core_info *info)
{
    return info->extended_size > FPREGS;
}

static size_t file_note_size(const struct core_info *info)
{
    return 16 + 24ul * info->nfiles + info->names_size;
}

static uint64_t notes_size(const struct core_info *info)
{
    uint64_t thread = note_size(PRSTATUS) + note_size(FPREGS);

    if (has_xsave(info))
        thread += note_size(info->extended_size);
    return thread * info->nthreads + note_size(PRPSINFO) + note_size(CORE_SIGINFO) +
           note_size(info->auxv_words * 8) + (info->nfiles ? note_size(file_note_size(info)) : 0);
}

static uint64_t notes_offset(const struct core_info *info)
{
    return EHDR + PHDR * (1ull + info->nsegments);
}

uint64_t core_head_size(const struct core_info *info)
{
    return up(notes_offset(info) + notes_size(info), CORE_PAGE);
}

/* --- headers --- */

static int put_elf_header(const struct core_info *info)
{
    static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    uint8_t bytes[EHDR] = {0};

    __builtin_memcpy(bytes, ident, sizeof(ident));
    set(bytes, 16, ET_CORE, 2);
    set(bytes, 18, EM_X86_64, 2);
    set(bytes, 20, 1, 4);
    set(bytes, 32, EHDR, 8);
    set(bytes, 52, EHDR, 2);
    set(bytes, 54, PHDR, 2);
    set(bytes, 56, 1 + info->nsegments, 2);
    return put(info, bytes, sizeof(bytes));
}

static int put_program_header(const struct core_info *info, uint32_t type, unsigned flags,
                              uint64_t offset, uint64_t vaddr, uint64_t file, uint64_t memory)
{
    uint8_t bytes[PHDR] = {0};

    set(bytes, 0, type, 4);
    set(bytes, 4, flags, 4);
    set(bytes, 8, offset, 8);
    set(bytes, 16, vaddr, 8);
    set(bytes, 32, file, 8);
    set(bytes, 40, memory, 8);
    set(bytes, 48, type == PT_LOAD ? CORE_PAGE : 4, 8);
    return put(info, bytes, sizeof(bytes));
}

/* PROT_READ 1, EXEC 4 are PF_R 4, PF_X 1. */
static unsigned segment_flags(unsigned prot)
{
    return (prot & 1) << 2 | (prot & 2) | (prot & 4) >> 2;
}

static int put_headers(const struct core_info *info)
{
    uint64_t offset = core_head_size(info);
    int error = put_elf_header(info);

    if (!error)
        error = put_program_header(info, PT_NOTE, 0, notes_offset(info), 0, notes_size(info), 0);
    for (unsigned i = 0; i < info->nsegments && !error; i++) {
        const struct core_segment *s = &info->segments[i];

        error = put_program_header(info, PT_LOAD, segment_flags(s->prot), offset, s->start,
                                   s->file_bytes, s->end - s->start);
        offset += s->file_bytes;
    }
    return error;
}

/* --- notes --- */

static int begin_note(const struct core_info *info, const char *owner, uint32_t type, size_t n)
{
    uint8_t bytes[NHDR + OWNER] = {0};
    size_t len = __builtin_strlen(owner) + 1;

    set(bytes, 0, len, 4);
    set(bytes, 4, n, 4);
    set(bytes, 8, type, 4);
    __builtin_memcpy(bytes + NHDR, owner, len);
    return put(info, bytes, sizeof(bytes));
}

static int end_note(const struct core_info *info, size_t n)
{
    return put_zeros(info, up(n, 4) - n);
}

static int put_note(const struct core_info *info, const char *owner, uint32_t type,
                    const void *bytes, size_t n)
{
    int error = begin_note(info, owner, type, n);

    if (!error)
        error = put(info, bytes, n);
    return error ? error : end_note(info, n);
}

static void set_time(uint8_t *bytes, size_t offset, uint64_t us)
{
    set(bytes, offset, us / 1000000, 8);
    set(bytes, offset + 8, us % 1000000, 8);
}

/* struct elf_prstatus */
static int put_status(const struct core_info *info, const struct core_thread *t)
{
    const struct core_process *p = &info->process;
    uint8_t bytes[PRSTATUS] = {0};

    set(bytes, 0, (uint64_t)info->signo, 4);
    set(bytes, 12, (uint64_t)info->signo, 2);
    set(bytes, 16, t->pending, 8);
    set(bytes, 24, t->blocked, 8);
    set(bytes, 32, (uint64_t)t->tid, 4);
    set(bytes, 36, (uint64_t)p->ppid, 4);
    set(bytes, 40, (uint64_t)p->pgid, 4);
    set(bytes, 44, (uint64_t)p->sid, 4);
    set_time(bytes, 48, t->user_us);
    set_time(bytes, 64, t->system_us);
    set_time(bytes, 80, p->children_user_us);
    set_time(bytes, 96, p->children_system_us);
    __builtin_memcpy(bytes + 112, t->regs, sizeof(t->regs));
    set(bytes, 328, 1, 4);
    return put_note(info, "CORE", NT_PRSTATUS, bytes, sizeof(bytes));
}

/* struct elf_prpsinfo */
static int put_process(const struct core_info *info)
{
    static const char states[] = "RSDTZW";
    const struct core_process *p = &info->process;
    const char *at = p->state ? __builtin_strchr(states, p->state) : NULL;
    uint8_t bytes[PRPSINFO] = {0};

    set(bytes, 0, at ? (uint64_t)(at - states) : 0, 1);
    set(bytes, 1, at ? (uint8_t)p->state : '.', 1);
    set(bytes, 2, p->state == 'Z', 1);
    set(bytes, 3, (uint64_t)p->nice, 1);
    set(bytes, 8, p->flags, 8);
    set(bytes, 16, p->uid, 4);
    set(bytes, 20, p->gid, 4);
    set(bytes, 24, (uint64_t)p->pid, 4);
    set(bytes, 28, (uint64_t)p->ppid, 4);
    set(bytes, 32, (uint64_t)p->pgid, 4);
    set(bytes, 36, (uint64_t)p->sid, 4);
    __builtin_memcpy(bytes + 40, p->name, CORE_NAME);
    __builtin_memcpy(bytes + 56, p->args, CORE_ARGS);
    return put_note(info, "CORE", NT_PRPSINFO, bytes, sizeof(bytes));
}

static int put_files(const struct core_info *info)
{
    uint64_t head[2] = {info->nfiles, CORE_PAGE};
    size_t n = file_note_size(info);
    int error;

    if (!info->nfiles)
        return 0;
    error = begin_note(info, "CORE", NT_FILE, n);
    if (!error)
        error = put(info, head, sizeof(head));
    for (unsigned i = 0; i < info->nfiles && !error; i++) {
        const struct core_file *f = &info->files[i];
        uint64_t words[3] = {f->start, f->end, f->page};

        error = put(info, words, sizeof(words));
    }
    if (!error)
        error = put(info, info->names, info->names_size);
    return error ? error : end_note(info, n);
}

/* FXSAVE's part. What XSAVE left out because it is in its initial state has to be said. */
static void legacy_state(const struct core_info *info, const uint8_t *area, uint8_t fx[FPREGS])
{
    uint64_t states = STATE_X87 | STATE_SSE;

    __builtin_memcpy(fx, area, FPREGS);
    if (has_xsave(info))
        __builtin_memcpy(&states, area + XSTATE_BV, sizeof(states));
    if (!(states & STATE_X87)) {
        __builtin_memset(fx, 0, FX_POINTERS_END);
        __builtin_memset(fx + FX_ST, 0, FX_XMM - FX_ST);
        set(fx, FX_FCW, FCW_INITIAL, 2);
    }
    if (!(states & STATE_SSE))
        __builtin_memset(fx + FX_XMM, 0, FX_XMM_END - FX_XMM);
    __builtin_memset(fx + FX_XMM_END, 0, FPREGS - FX_XMM_END);
}

static int put_extended(const struct core_info *info, const struct core_thread *t)
{
    const uint8_t *area = t->extended;
    uint8_t fx[FPREGS];
    size_t n = info->extended_size;
    int error;

    legacy_state(info, area, fx);
    error = put_note(info, "CORE", NT_FPREGSET, fx, sizeof(fx));
    if (error || !has_xsave(info))
        return error;
    set(fx, FX_SW_BYTES, info->extended_mask, 8);
    error = begin_note(info, "LINUX", NT_X86_XSTATE, n);
    if (!error)
        error = put(info, fx, sizeof(fx));
    if (!error)
        error = put(info, area + FPREGS, n - FPREGS);
    return error ? error : end_note(info, n);
}

static int put_thread(const struct core_info *info, unsigned i)
{
    struct core_thread thread = {0};
    int error = info->thread(info->arg, i, &thread);

    if (!error)
        error = put_status(info, &thread);
    if (!error && i == 0)
        error = put_process(info);
    if (!error && i == 0)
        error = put_note(info, "CORE", NT_SIGINFO, info->siginfo, CORE_SIGINFO);
    if (!error && i == 0)
        error = put_note(info, "CORE", NT_AUXV, info->auxv, info->auxv_words * 8);
    if (!error && i == 0)
        error = put_files(info);
    return error ? error : put_extended(info, &thread);
}

int core_write_head(const struct core_info *info)
{
    uint64_t used = notes_offset(info) + notes_size(info);
    int error = put_headers(info);

    for (unsigned i = 0; i < info->nthreads && !error; i++)
        error = put_thread(info, i);
    return error ? error : put_zeros(info, core_head_size(info) - used);
}
