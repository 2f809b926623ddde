#include "linux/report.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/memory_map.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/trap.h"
#include "core/boot.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/symbols.h"
#include "lib/string.h"
#include "linux/elf_symbols.h"
#include "linux/names.h"
#include "linux/procfs.h"
#include "linux/task.h"

enum { NAME = 160, DEPTH_MAX = 128, FRAMES_MAX = 24, GUESSES_MAX = 12, SCAN_BYTES = 16384 };
enum { VECTOR_PAGE_FAULT = 14, NEIGHBOURS = 8 };

/* Room to work in: a stack may be nearly spent. */
struct report {
    const struct task *task;
    const struct address_space *space;
    int level;
    unsigned lines, guesses;
    char name[NAME];
    struct elf_bytes symbols;
    const struct mapping *file; /* whose object `symbols` reads */
};

static bool long_form __after_boot_readonly;

/* --- memory that is there, whatever else is broken -----------------------------------------------
 */

/* The bytes at an address and how many of them lie in one piece; NULL: not present, or a device. */
static const void *look(pte_t *pml4, uintptr_t addr, size_t *n)
{
    unsigned level = 1;
    if (addr >= USER_END && addr < DIRECT_MAP_BASE)
        return NULL;
    pte_t *entry = paging_walk(pml4, addr, &level, false);
    pte_t pte = entry ? __atomic_load_n(entry, __ATOMIC_ACQUIRE) : 0;
    if (!(pte & PTE_PRESENT) || pte & PTE_NOCACHE)
        return NULL;
    size_t size = PAGE_SIZE << 9 * (level - 1);
    paddr_t frame = pte & PTE_ADDR_MASK & ~(paddr_t)(size - 1);
    *n = size - (addr & (size - 1));
    return (const char *)phys_to_virt(frame) + (addr & (size - 1));
}

static bool peek(pte_t *pml4, uintptr_t addr, void *buf, size_t size)
{
    for (char *to = buf; size;) {
        size_t n;
        const void *from = look(pml4, addr, &n);
        if (!from)
            return false;
        n = MIN(n, size);
        memcpy(to, from, n);
        to += n;
        addr += n;
        size -= n;
    }
    return true;
}

/* May the kernel's object be read? (Large pages of the direct map end where no object crosses.) */
static bool sound(const void *object, size_t size)
{
    uintptr_t addr = (uintptr_t)object;
    size_t n;
    return (int64_t)addr < 0 && addr % 8 == 0 && look(kernel_pml4, addr, &n) &&
           look(kernel_pml4, addr + size - 1, &n);
}

/* --- mappings ------------------------------------------------------------------------------------
 */

/* The mapping at addr, by a walk that a broken tree cannot lead astray. */
static const struct mapping *find(const struct address_space *space, uintptr_t addr)
{
    struct rb_node *node = space->mappings.root;
    for (int depth = 0; node && depth < DEPTH_MAX; depth++) {
        const struct mapping *mapping = container_of(node, struct mapping, node);
        if (!sound(mapping, sizeof(*mapping)))
            return NULL;
        if (addr >= mapping->start && addr < mapping->end)
            return mapping;
        node = addr < mapping->start ? node->left : node->right;
    }
    return NULL;
}

/* One name more in front of *at; false: no room, or nothing sound. */
static bool put_name(char *buf, char **at, const struct dentry *dentry)
{
    const char *name = dentry->name;
    size_t len = dentry->name_len;
    if ((size_t)(*at - buf) < len + 1 || !peek(kernel_pml4, (uintptr_t)name, *at - len, len))
        return false;
    *at -= len;
    *--*at = '/';
    return true;
}

/* The path of a file without its locks; what does not fit is left out at the front. */
static void file_name(const struct file *file, char *buf, size_t size)
{
    char *at = buf + size;
    *--at = 0;
    struct path p = {};
    if (sound(file, sizeof(*file)))
        p = file->path;
    for (int depth = 0; depth < DEPTH_MAX && sound(p.dentry, sizeof(*p.dentry)) &&
                        sound(p.mount, sizeof(*p.mount));
         depth++) {
        if (p.dentry == p.mount->root) {
            p = p.mount->on;
        } else {
            if (!put_name(buf, &at, p.dentry))
                break;
            p.dentry = p.dentry->parent;
        }
    }
    memmove(buf, at, buf + size - at);
    if (!buf[0])
        strlcpy(buf, "a file", size);
}

static const char *mapping_name(struct report *report, const struct mapping *mapping)
{
    if (mapping->label)
        return mapping->label;
    if (!mapping->file)
        return mapping->object ? "shared memory" : "anonymous memory";
    file_name(mapping->file, report->name, sizeof(report->name));
    return report->name;
}

static uint64_t offset_in(const struct mapping *mapping, uintptr_t addr)
{
    return addr - mapping->start + (mapping->object ? mapping->object_page * PAGE_SIZE : 0);
}

/* --- names of functions --------------------------------------------------------------------------
 */

/* Bytes of the file where the program has them mapped: in the segments next to each other. */
static const void *mapped_bytes(struct report *report, uint64_t pos, size_t *n)
{
    const struct mapping *mapping = report->file;
    const struct mem_object *object = mapping->object;
    for (int i = 0; i < NEIGHBOURS; i++) {
        const struct mapping *below = find(report->space, mapping->start - 1);
        if (!below || below->object != object)
            break;
        mapping = below;
    }
    for (int i = 0; i < 2 * NEIGHBOURS && mapping && mapping->object == object; i++) {
        uint64_t first = mapping->object_page * PAGE_SIZE;
        if (pos >= first && pos - first < mapping->end - mapping->start)
            return look(report->space->pml4, mapping->start + (pos - first), n);
        mapping = find(report->space, mapping->end);
    }
    return NULL;
}

static bool read_file(struct elf_bytes *file, uint64_t pos, void *buf, size_t size)
{
    struct report *report = container_of(file, struct report, symbols);
    struct mem_object *object = report->file->object;
    for (char *to = buf; size;) {
        size_t n = 0;
        const void *from = object->ops->peek ? object->ops->peek(object, pos, &n) : NULL;
        if (!from)
            from = mapped_bytes(report, pos, &n);
        if (!from)
            return false;
        n = MIN(n, size);
        memcpy(to, from, n);
        to += n;
        pos += n;
        size -= n;
    }
    return true;
}

/* One line: mark, address, file+offset, and the function if it is known. */
static void print_place(struct report *report, const char *mark, uintptr_t addr)
{
    const struct mapping *mapping = find(report->space, addr);
    if (!mapping) {
        log_at(report->level, "  %s%016lx", mark, addr);
        return;
    }
    const char *name = mapping_name(report, mapping);
    uint64_t offset = offset_in(mapping, addr);
    report->file = mapping;
    report->symbols.read = read_file;
    if (mapping->object && elf_symbol_at(&report->symbols, offset))
        log_at(report->level, "  %s%016lx %s+%#lx (%s+%#lx)", mark, addr, name, offset,
               report->symbols.name, report->symbols.offset);
    else
        log_at(report->level, "  %s%016lx %s+%#lx", mark, addr, name, offset);
}

/* What is mapped at an address that matters. */
static void print_mapping(struct report *report, const char *what, uintptr_t addr)
{
    const struct mapping *m = find(report->space, addr);
    if (!m)
        log_at(report->level, "  %s %016lx: no mapping", what, addr);
    else
        log_at(report->level, "  %s %016lx: %lx-%lx %c%c%c%c %s+%#lx", what, addr, m->start, m->end,
               m->prot & PROT_READ ? 'r' : '-', m->prot & PROT_WRITE ? 'w' : '-',
               m->prot & PROT_EXEC ? 'x' : '-', m->flags & MAP_SHARED ? 's' : 'p',
               mapping_name(report, m), offset_in(m, addr));
}

/* --- backtrace -----------------------------------------------------------------------------------
 */

static bool executable(const struct report *report, uintptr_t addr)
{
    const struct mapping *mapping = find(report->space, addr);
    return mapping && mapping->prot & PROT_EXEC;
}

/* Does a call instruction end here? (SDM 2A, CALL: e8 rel32, or ff /2 of 2 to 7 bytes.) */
static bool behind_call(const struct report *report, uintptr_t addr)
{
    uint8_t code[7];
    if (!peek(report->space->pml4, addr - sizeof(code), code, sizeof(code)))
        return false;
    if (code[2] == 0xe8)
        return true;
    for (unsigned i = 0; i < 6; i++)
        if (code[i] == 0xff && (code[i + 1] & 0x38) == 0x10)
            return true;
    return false;
}

static bool read_word(const struct report *report, uintptr_t addr, uintptr_t *word)
{
    return addr % 8 == 0 && peek(report->space->pml4, addr, word, sizeof(*word));
}

/* Words on the stack that look like return addresses. */
static void scan(struct report *report, uintptr_t from, uintptr_t to)
{
    uintptr_t word;
    to = MIN(to, from + SCAN_BYTES);
    for (uintptr_t at = ALIGN_UP(from, 8); at < to && report->guesses < GUESSES_MAX; at += 8) {
        if (!read_word(report, at, &word))
            return;
        if (executable(report, word) && behind_call(report, word)) {
            print_place(report, "? ", word);
            report->guesses++;
        }
    }
}

/* Is there a frame at rbp: a saved rbp above and a return address? */
static bool is_frame(const struct report *report, uintptr_t rbp, uintptr_t low, uintptr_t high,
                     uintptr_t *next, uintptr_t *back)
{
    return rbp >= low && rbp < high && read_word(report, rbp, next) &&
           read_word(report, rbp + 8, back) && executable(report, *back) &&
           behind_call(report, *back);
}

/* By frame pointers; what lies before the first and behind the last one is guessed. */
static void print_backtrace(struct report *report, uintptr_t rip, uintptr_t rsp, uintptr_t rbp)
{
    const struct mapping *stack = find(report->space, rsp);
    uintptr_t low = rsp, high = stack ? stack->end : rsp, next, back;

    log_at(report->level, "backtrace of the program (? is a guess from the stack):");
    print_place(report, "", rip);
    if (is_frame(report, rbp, low, high, &next, &back))
        scan(report, low, rbp);
    while (report->lines++ < FRAMES_MAX && is_frame(report, rbp, low, high, &next, &back)) {
        print_place(report, "", back);
        low = rbp + 16;
        rbp = next;
    }
    scan(report, low, high);
}

/* --- registers -----------------------------------------------------------------------------------
 */

/* What the program's way into the kernel has left of its state. */
struct entered {
    enum { NOT_ENTERED, BY_SYSCALL, BY_TRAP } how;
    const struct regs *regs;
    uintptr_t rbp;
};

extern const char vector_stubs[]; /* entry.S: traps enter behind it, system calls before */

static bool has_program_address(const struct regs *regs)
{
    return regs->rip - USER_MIN < USER_END - USER_MIN && regs->rsp < USER_END;
}

/* Follow the kernel's frames from rbp to the outermost: its caller is the entry code, and the rbp
 * that it has saved is the program's. */
static struct entered find_entry(const struct task *task, const struct regs *regs, uintptr_t rbp)
{
    const struct regs *top = (const struct regs *)task->thread.kstack_top - 1;
    uintptr_t frame[2] = {};

    if (regs && regs_from_program(regs))
        return (struct entered){BY_TRAP, regs, regs->rbp};
    for (int i = 0; i < DEPTH_MAX && (int64_t)rbp < 0; i++) {
        if (!peek(kernel_pml4, rbp, frame, sizeof(frame)))
            return (struct entered){};
        rbp = frame[0];
    }
    if (!frame[1] || !sound(top, sizeof(*top)) || !has_program_address(top))
        return (struct entered){};
    return (struct entered){frame[1] < (uintptr_t)vector_stubs ? BY_SYSCALL : BY_TRAP, top, rbp};
}

static void print_registers(const struct report *report, const struct entered *in)
{
    const struct regs *r = in->regs;
    int level = report->level;

    if (in->how == BY_SYSCALL) { /* the others' values are somewhere on the kernel's stack */
        log_at(level, "rip %016lx rsp %016lx rbp %016lx", r->rip, r->rsp, in->rbp);
        log_at(level, "rdi %016lx rsi %016lx rdx %016lx r10 %016lx r8  %016lx r9  %016lx", r->rdi,
               r->rsi, r->rdx, r->r10, r->r8, r->r9);
        return;
    }
    log_at(level, "rip %016lx rsp %016lx rflags %08lx", r->rip, r->rsp, r->rflags);
    log_at(level, "rax %016lx rbx %016lx rcx %016lx rdx %016lx", r->rax, r->rbx, r->rcx, r->rdx);
    log_at(level, "rsi %016lx rdi %016lx rbp %016lx r8  %016lx", r->rsi, r->rdi, r->rbp, r->r8);
    log_at(level, "r9  %016lx r10 %016lx r11 %016lx r12 %016lx", r->r9, r->r10, r->r11, r->r12);
    log_at(level, "r13 %016lx r14 %016lx r15 %016lx", r->r13, r->r14, r->r15);
}

static void print_program(struct report *report, const struct entered *in)
{
    print_mapping(report, "rip  ", in->regs->rip);
    print_mapping(report, "rsp  ", in->regs->rsp);
    print_backtrace(report, in->regs->rip, in->regs->rsp, in->rbp);
}

/* --- a panic -------------------------------------------------------------------------------------
 */

static void print_who(const struct report *report, const struct entered *in)
{
    const struct task *task = report->task;
    const struct process *process = task->process;
    uint64_t nr = in->how == BY_SYSCALL ? (uint32_t)in->regs->vector_or_nr : SYSCALL_NAMES;
    const char *call = syscall_name(nr);

    log_at(report->level, "program: %s, process %d, thread %d \"%s\", %s%s",
           process->exe_name ?: "nothing loaded yet", process->pid, task->tid, task->thread.name,
           in->how == NOT_ENTERED  ? "not in the program yet"
           : in->how == BY_SYSCALL ? "in system call "
                                   : "interrupted",
           in->how == BY_SYSCALL ? call ?: "of no name" : "");
}

static void report_panic(const struct regs *regs)
{
    static struct report report;
    const struct task *task = current_task();

    report.level = LOG_PANIC;
    if (!sound(task, sizeof(*task)) || !is_task(&task->thread) ||
        !sound(task->process, sizeof(*task->process)) ||
        !sound(task->process->space, sizeof(*task->process->space))) {
        log_at(LOG_PANIC, "program: none on this processor");
        return;
    }
    report.task = task;
    report.space = task->process->space;
    struct entered in =
        find_entry(task, regs, regs ? regs->rbp : (uintptr_t)__builtin_frame_address(0));
    print_who(&report, &in);
    if (regs && regs->vector_or_nr == VECTOR_PAGE_FAULT && read_cr2() < USER_END)
        print_mapping(&report, "fault", read_cr2());
    if (in.how == NOT_ENTERED)
        return;
    if (in.regs != regs) /* not shown yet */
        print_registers(&report, &in);
    print_program(&report, &in);
}

/* --- the threads that sleep, when all are asked what they do --- */

enum { THREADS_MAX = 200, CALLERS_SHOWN = 8 };

static void print_thread(const struct process *process, const struct task *task)
{
    uintptr_t callers[PROC_CALLERS];
    unsigned n = proc_sleeps_in(&task->thread, callers), first = proc_beyond_core(callers, n);
    char text[200] = "";
    size_t len = 0;
    struct regs regs;
    bool sleeps = n && proc_find_call(&task->thread, &regs);
    const char *call = sleeps ? syscall_name((uint32_t)regs.vector_or_nr) : NULL;

    for (unsigned i = first; i < n && i < first + CALLERS_SHOWN && len < sizeof(text); i++) {
        char name[SYMBOL_NAME] = "?";
        size_t offset;

        (void)symbol_at(callers[i], name, &offset, NULL);
        len += snprintf(text + len, sizeof(text) - len, "%s%s", len ? " < " : "", name);
    }
    log_at(LOG_PANIC, "process %d, thread %d \"%s\"%s%s: %s", process->pid, task->tid,
           task->thread.name, call ? " in " : "", call ?: "",
           sleeps ? text : "runs, or waits for a processor");
}

static bool print_threads(struct process *process, void *left)
{
    unsigned *n = left;

    if (process->zombie)
        log_at(LOG_PANIC, "process %d: a zombie of process %d", process->pid,
               process->parent ? process->parent->pid : 0);
    else
        list_for_each_entry (struct task, task, &process->threads, process_link)
            if (*n && (*n)--)
                print_thread(process, task);
    return *n > 0;
}

static void report_threads(void)
{
    unsigned left = THREADS_MAX;

    if (!process_each(print_threads, &left))
        log_at(LOG_PANIC, "and others");
}

/* --- the program's own end -----------------------------------------------------------------------
 */

void report_death(const struct regs *regs, uint64_t addr)
{
    static struct mutex lock; /* one text at a time */
    static struct report report;
    struct address_space *space = current_process()->space;

    if (!long_form && log_level <= LOG_INFO)
        return;
    mutex_lock(&lock);
    read_lock(&space->lock);
    rcu_read_lock();
    report = (struct report){.task = current_task(), .space = space, .level = LOG_WARNING};
    struct entered in = {BY_TRAP, regs, regs->rbp};
    print_registers(&report, &in);
    print_mapping(&report, "fault", addr);
    print_program(&report, &in);
    rcu_read_unlock();
    read_unlock(&space->lock);
    mutex_unlock(&lock);
}

static int connect(void)
{
    panic_program_hook = report_panic;
    panic_threads_hook = report_threads;
    long_form = boot_param("report");
    return 0;
}
BOOT_STEP(PHASE_FS, "report", connect);
