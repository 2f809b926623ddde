/* frames: what functions that are compiled for size have in common is called, not repeated.
 *
 *   frames <FROM.s >TO.s
 *
 * gcc begins and ends each function with the same few sequences: the frame, the registers that are
 * the caller's, the stack protector's word and its check. Here they become calls of and jumps to
 * those in kernel/arch/x86_64/frames.S, which change the same registers (or fewer). What gcc
 * schedules into them stays as it is: -fno-schedule-insns2. */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 1 << 21, SAVED = 5, NONE = -1 };

enum kind {
    INSTRUCTION,
    NOTE,  /* for debuggers: .loc, .cfi_*, labels that nothing jumps to */
    OTHER, /* a label, a directive, inline assembly */
    GONE
};

static struct {
    char *text;
    enum kind kind;
} lines[LINES];
static int nlines;

static bool begins(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

static bool is_note_label(const char *s)
{
    static const char *const names[] = {".LVL", ".LBB", ".LBE", ".LBI", ".LFB", ".LFE"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (begins(s, names[i]))
            return true;
    return false;
}

static enum kind kind_of(const char *s, bool *inline_asm)
{
    if (begins(s, "#APP"))
        *inline_asm = true;
    else if (begins(s, "#NO_APP"))
        *inline_asm = false;
    if (*inline_asm || *s == '#')
        return OTHER;
    if (begins(s, "\t.loc ") || begins(s, "\t.cfi_") || is_note_label(s))
        return NOTE;
    return s[0] == '\t' && s[1] != '.' ? INSTRUCTION : OTHER;
}

static void read_lines(void)
{
    bool inline_asm = false;
    char *line = NULL;
    size_t size = 0;
    for (ssize_t n; (n = getline(&line, &size, stdin)) > 0; nlines++) {
        if (nlines == LINES)
            errx(1, "too many lines");
        if (line[n - 1] == '\n')
            line[n - 1] = 0;
        lines[nlines].text = strdup(line);
        lines[nlines].kind = kind_of(line, &inline_asm);
    }
    free(line);
}

/* The instruction at or behind a line, with nothing but notes between; NONE: there is none. */
static int instruction(int at)
{
    while (at != NONE && at < nlines && (lines[at].kind == NOTE || lines[at].kind == GONE))
        at++;
    return at != NONE && at < nlines && lines[at].kind == INSTRUCTION ? at : NONE;
}

static int behind(int at)
{
    return at == NONE ? NONE : instruction(at + 1);
}

static bool is(int at, const char *text)
{
    return at != NONE && strcmp(lines[at].text, text) == 0;
}

static void drop(int at)
{
    lines[at].kind = GONE;
}

static void put(int at, const char *format, const char *name, int number, const char *tail)
{
    char text[80];
    snprintf(text, sizeof(text), format, name, number, tail);
    lines[at].text = strdup(text);
}

/* --- what gcc writes */

static const char *const saved[SAVED] = {"%rbx", "%r12", "%r13", "%r14", "%r15"};

/* Which of saved[] it pushes or pops; NONE. */
static int register_of(int at, const char *operation)
{
    char text[32];
    for (int i = 0; i < SAVED; i++) {
        snprintf(text, sizeof(text), "\t%s\t%s", operation, saved[i]);
        if (is(at, text))
            return i;
    }
    return NONE;
}

static int bytes_of(int at, const char *format)
{
    int n, end = 0;
    if (at == NONE || sscanf(lines[at].text, format, &n, &end) != 1 || !end || lines[at].text[end])
        return 0;
    return n;
}

/* --- functions' beginnings */

/* The guard's word is put into its place behind n registers: its first line, before anything that
 * jumps or is jumped to; NONE. Its store names it by rsp, which is room bytes below them, or by
 * rbp. */
static int find_guard(int at, int n, int room)
{
    for (; at != NONE; at = behind(at)) {
        char load[16], format[64];
        int end = 0, store = behind(at);
        if (strstr(lines[at].text, "%rsp") || begins(lines[at].text, "\tcall") ||
            begins(lines[at].text, "\tj"))
            return NONE;
        if (sscanf(lines[at].text, "\tmovq\t%%gs:40, %%%3s%n", load, &end) != 1 || !end)
            continue;
        snprintf(format, sizeof(format), "\tmovq\t%%%%%s, -%%d(%%%%rbp)%%n", load);
        bool by_rbp = bytes_of(store, format) == 8 * (n + 1);
        snprintf(format, sizeof(format), "\tmovq\t%%%%%s, %%d(%%%%rsp)%%n", load);
        return by_rbp || (room > 8 && bytes_of(store, format) == room - 8) ? at : NONE;
    }
    return NONE;
}

static int guard_bytes; /* where this function has it, below rbp; 0: not known */

/* True if nothing from here on looks at the register, whose name without size it is ("ax"): as far
 * as that is plain to see. */
static bool is_dead(int at, const char *name)
{
    static const char *const plain[] = {"\tmov", "\tlea", "\tpush", "\tcmp", "\ttest",
                                        "\tadd", "\tsub", "\tand",  "\tor",  "\txor"};
    for (; at != NONE; at = behind(at)) {
        const char *text = lines[at].text, *comma = strrchr(text, ',');
        const char byte[] = {'%', name[0], 'l', 0}, *use = strstr(text, name);
        bool known = false;
        if (begins(text, "\tcall\t"))
            return !use; /* a call changes all that gcc keeps it in */
        for (unsigned i = 0; i < sizeof(plain) / sizeof(*plain); i++)
            known |= begins(text, plain[i]);
        if (!known || begins(text, "\tcmpxchg") || strstr(text, byte))
            return false;
        if (use && (begins(text, "\tmovl\t") || begins(text, "\tmovq\t")) && comma && use > comma &&
            comma[1] == ' ' && comma[2] == '%')
            return true;
        if (use)
            return false;
    }
    return false;
}

/* Its loading and storing, and the clearing of the register behind them unless that is used. */
static void drop_guard(int at)
{
    int store = behind(at), clear = behind(store);
    const char *load = strrchr(lines[at].text, '%') + 2; /* "ax" of "%rax" */
    char text[32];
    snprintf(text, sizeof(text), "\txorl\t%%e%s, %%e%s", load, load);
    if (is(clear, text) && is_dead(behind(clear), load))
        drop(clear);
    drop(store);
    drop(at);
}

static void enter(int first)
{
    int at = behind(first), n = 0, from[SAVED + 2] = {first, at};
    if (!is(first, "\tpushq\t%rbp") || !is(at, "\tmovq\t%rsp, %rbp"))
        return;
    for (at = behind(at); n < SAVED && register_of(at, "pushq") != NONE; at = behind(at))
        from[2 + n++] = at;
    for (int i = 0; i < n; i++)
        if (register_of(from[2 + i], "pushq") != n - 1 - i)
            return;
    int room = bytes_of(at, "\tsubq\t$%d, %%rsp%n");
    int guard = room >= 8 ? find_guard(behind(at), n, room) : NONE;
    if (guard == NONE && n < 3)
        return;
    for (int i = 1; i < n + 2; i++)
        drop(from[i]);
    put(first, "\tcall\t%s_%d%s", guard == NONE ? "frame_enter" : "frame_enter_guarded", n, "");
    if (guard == NONE)
        return;
    guard_bytes = 8 * (n + 1);
    drop_guard(guard);
    if (room == 8)
        drop(at);
    else
        put(at, "\tsubq\t%s%d%s", "$", room - 8, ", %rsp");
}

/* The same where only the guard can be had. */
static void put_guard(int at)
{
    int bytes = bytes_of(behind(at), "\tmovq\t%%rax, -%d(%%rbp)%n");
    if (!is(at, "\tmovq\t%gs:40, %rax") || bytes < 8 || bytes > 48 || bytes % 8)
        return;
    int store = behind(at), clear = behind(store);
    if (is(clear, "\txorl\t%eax, %eax"))
        drop(clear);
    drop(store);
    guard_bytes = bytes;
    put(at, "\tcall\t%s_%d%s", "guard_put", bytes, "");
}

/* --- and ends */

static void leave(int first)
{
    int at = first, n = 0, from[SAVED + 3], lines_from = 0, bytes = 0;
    if (bytes_of(at, "\taddq\t$%d, %%rsp%n") || bytes_of(at, "\tleaq\t-%d(%%rbp), %%rsp%n")) {
        from[lines_from++] = at;
        at = behind(at);
        bytes = 4;
    }
    for (; n < SAVED && register_of(at, "popq") == n; n++, at = behind(at)) {
        from[lines_from++] = at;
        bytes += n ? 2 : 1;
    }
    int last = behind(at);
    if (!n || !is(at, "\tpopq\t%rbp") || !is(last, "\tret") || bytes + 2 <= 5)
        return;
    for (int i = 0; i < lines_from; i++)
        drop(from[i]);
    drop(at);
    drop(last);
    lines[first].kind = INSTRUCTION;
    put(first, "\tjmp\t%s_%d%s", "frame_leave", n, "");
}

/* "je good" and what follows it when the guard was changed: only good is left. */
static void drop_failure(int jump)
{
    int fail = behind(jump);
    if (is(fail, "\tcall\t__stack_chk_fail") ||
        (fail != NONE && begins(lines[fail].text, "\tjmp\t")))
        drop(fail);
    put(jump, "\tjmp%s%.0d%s", strchr(lines[jump].text + 1, '\t'), 0, "");
}

static void check_guard(int at)
{
    static const char *const registers[] = {"%rax", "%rdx", "%rcx"};
    char load[40], compare[40];
    for (int i = 0; guard_bytes && i < 3; i++) {
        int second = behind(at), third = behind(second);
        snprintf(load, sizeof(load), "\tmovq\t-%%d(%%%%rbp), %%%s%%n", registers[i]);
        int bytes = bytes_of(at, load);
        snprintf(load, sizeof(load), "\tmovq\t%%d(%%%%rsp), %%%s%%n", registers[i]);
        bool by_rsp = bytes_of(at, load) != 0;
        snprintf(compare, sizeof(compare), "\tsubq\t%%gs:40, %s", registers[i]);
        while (third != NONE && begins(lines[third].text, "\tmov"))
            third = behind(third);
        if (!(bytes == guard_bytes || by_rsp) || !is(second, compare) || third == NONE)
            continue;
        if (begins(lines[third].text, "\tje\t"))
            drop_failure(third);
        else if (begins(lines[third].text, "\tjne\t"))
            drop(third);
        else
            continue;
        drop(second);
        put(at, "\tcall\t%s_%d%s", "guard_check", guard_bytes,
            (const char *const[]){"_rax", "_rdx", "_rcx"}[i]);
        return;
    }
}

static bool is_used(const char *label, size_t len, int from, int to)
{
    for (int i = from; i < to; i++) {
        const char *found = lines[i].kind == GONE ? NULL : strstr(lines[i].text, label);
        if (found && (found[len] < '0' || found[len] > '9') && found[len] != ':')
            return true;
    }
    return false;
}

/* What checks jumped to, [from, to): the lines of the function. */
static void drop_unused_failure(int at, int from, int to)
{
    char *colon = lines[at].kind == OTHER && begins(lines[at].text, ".L")
                      ? strchr(lines[at].text, ':')
                      : NULL;
    int fail = behind(at), before = at - 1;
    if (!colon || !is(fail, "\tcall\t__stack_chk_fail"))
        return;
    while (before > from && (lines[before].kind == NOTE || lines[before].kind == GONE))
        before--;
    if (lines[before].kind != INSTRUCTION ||
        (!begins(lines[before].text, "\tjmp") && !is(before, "\tret") && !is(before, "\tud2")))
        return;
    *colon = 0;
    bool used = is_used(lines[at].text, strlen(lines[at].text), from, to);
    *colon = ':';
    if (!used)
        drop(fail);
}

/* A jump to what follows it. */
static void drop_jump(int at)
{
    size_t len = strlen(lines[at].text + 1) - 4;
    if (!begins(lines[at].text, "\tjmp\t.L"))
        return;
    for (int next = at + 1; next < nlines; next++) {
        const char *text = lines[next].text;
        if (lines[next].kind == NOTE || lines[next].kind == GONE)
            continue;
        if (lines[next].kind != OTHER || !begins(text, ".L"))
            return;
        if (strncmp(text, lines[at].text + 5, len) == 0 && text[len] == ':')
            drop(at);
    }
}

static void shorten(int from, int to)
{
    guard_bytes = 0;
    void (*const rules[])(int at) = {enter, put_guard, check_guard, leave};
    for (unsigned rule = 0; rule < sizeof(rules) / sizeof(*rules); rule++)
        for (int i = from; i < to; i++)
            if (lines[i].kind == INSTRUCTION)
                rules[rule](i);
    for (int i = from; i < to; i++)
        drop_unused_failure(i, from, to);
    for (int i = from; i < to; i++)
        if (lines[i].kind == INSTRUCTION)
            drop_jump(i);
}

int main(void)
{
    read_lines();
    for (int i = 0, start = 0; i < nlines; i++) {
        if (begins(lines[i].text, ".LFB"))
            start = i;
        if (begins(lines[i].text, ".LFE"))
            shorten(start, i);
    }
    for (int i = 0; i < nlines; i++)
        if (lines[i].kind != GONE)
            puts(lines[i].text);
    if (fflush(stdout))
        err(1, "write");
    return 0;
}
