#include "linux/strace.h"

#include "arch/x86_64/trap.h"
#include "core/log.h"
#include "lib/string.h"
#include "linux/names.h"
#include "linux/numbers.h"
#include "linux/task.h"
#include "mm/uaccess.h"

/* Arguments of a call, one letter each: d int, u size, x hexadecimal, o octal, p pointer, s string,
 * b buffer whose length is the next argument, f folder descriptor (AT_FDCWD). Calls without a line
 * show six hexadecimal ones. */
static const struct {
    uint16_t nr;
    char letters[6]; /* fewer: with zeros */
} shapes[] = {
    {NR_read, "dpu"},
    {NR_write, "dbu"},
    {NR_open, "sxo"},
    {NR_close, "d"},
    {NR_stat, "sp"},
    {NR_fstat, "dp"},
    {NR_lstat, "sp"},
    {NR_poll, "pud"},
    {NR_lseek, "ddd"},
    {NR_mmap, "puxxdx"},
    {NR_mprotect, "pux"},
    {NR_munmap, "pu"},
    {NR_brk, "p"},
    {NR_rt_sigaction, "dppu"},
    {NR_rt_sigprocmask, "dppu"},
    {NR_rt_sigreturn, ""},
    {NR_ioctl, "dxp"},
    {NR_pread64, "dpud"},
    {NR_pwrite64, "dbud"},
    {NR_readv, "dpu"},
    {NR_writev, "dpu"},
    {NR_access, "so"},
    {NR_pipe, "p"},
    {NR_select, "dpppp"},
    {NR_sched_yield, ""},
    {NR_mremap, "puuxp"},
    {NR_madvise, "pud"},
    {NR_dup, "d"},
    {NR_dup2, "dd"},
    {NR_nanosleep, "pp"},
    {NR_getpid, ""},
    {NR_sendfile, "ddpu"},
    {NR_socket, "ddd"},
    {NR_connect, "dpu"},
    {NR_accept, "dpp"},
    {NR_sendto, "dbuxpu"},
    {NR_recvfrom, "dpuxpp"},
    {NR_bind, "dpu"},
    {NR_listen, "dd"},
    {NR_socketpair, "dddp"},
    {NR_clone, "xpppp"},
    {NR_execve, "spp"},
    {NR_exit, "d"},
    {NR_wait4, "dpxp"},
    {NR_kill, "dd"},
    {NR_uname, "p"},
    {NR_fcntl, "ddx"},
    {NR_fsync, "d"},
    {NR_truncate, "su"},
    {NR_ftruncate, "du"},
    {NR_getdents, "dpu"},
    {NR_getcwd, "pu"},
    {NR_chdir, "s"},
    {NR_rename, "ss"},
    {NR_mkdir, "so"},
    {NR_rmdir, "s"},
    {NR_creat, "so"},
    {NR_link, "ss"},
    {NR_unlink, "s"},
    {NR_symlink, "ss"},
    {NR_readlink, "spu"},
    {NR_chmod, "so"},
    {NR_umask, "o"},
    {NR_gettimeofday, "pp"},
    {NR_getrlimit, "dp"},
    {NR_sysinfo, "p"},
    {NR_getuid, ""},
    {NR_getgid, ""},
    {NR_geteuid, ""},
    {NR_getegid, ""},
    {NR_getppid, ""},
    {NR_prctl, "dxxxx"},
    {NR_arch_prctl, "xp"},
    {NR_gettid, ""},
    {NR_futex, "pddppx"},
    {NR_sched_getaffinity, "dup"},
    {NR_getdents64, "dpu"},
    {NR_set_tid_address, "p"},
    {NR_clock_gettime, "dp"},
    {NR_clock_nanosleep, "ddpp"},
    {NR_exit_group, "d"},
    {NR_epoll_wait, "dpdd"},
    {NR_epoll_ctl, "dddp"},
    {NR_tgkill, "ddd"},
    {NR_openat, "fsxo"},
    {NR_mkdirat, "fso"},
    {NR_newfstatat, "fspx"},
    {NR_unlinkat, "fsx"},
    {NR_renameat, "fsfs"},
    {NR_readlinkat, "fspu"},
    {NR_faccessat, "fso"},
    {NR_ppoll, "puppu"},
    {NR_set_robust_list, "pu"},
    {NR_pipe2, "px"},
    {NR_dup3, "ddx"},
    {NR_prlimit64, "ddpp"},
    {NR_getrandom, "pux"},
    {NR_statx, "fsxxp"},
    {NR_rseq, "puxx"},
    {NR_clone3, "pu"},
    {NR_faccessat2, "fsox"},
    {NR_eventfd2, "ux"},
    {NR_epoll_create1, "x"},
    {NR_memfd_create, "sx"},
};

enum { LINE = 400, SHOWN = 32 };

struct line {
    char text[LINE];
    size_t len;
};

static __printf(2, 3) void add(struct line *line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line->text + line->len, LINE - line->len, fmt, ap);
    va_end(ap);
    line->len = MIN(line->len + n, (size_t)LINE - 1);
}

static void add_quoted(struct line *line, const char *s, size_t n, bool cut)
{
    add(line, "\"");
    for (size_t i = 0; i < n; i++) {
        uint8_t c = s[i];
        if (c == '\n')
            add(line, "\\n");
        else if (c == '"' || c == '\\')
            add(line, "\\%c", c);
        else if (c >= ' ' && c < 127)
            add(line, "%c", c);
        else
            add(line, "\\x%02x", c);
    }
    add(line, cut ? "\"..." : "\"");
}

static void add_string(struct line *line, uint64_t addr)
{
    char text[128];
    ssize_t n = user_read_string(text, addr, sizeof(text));
    if (n == -EFAULT)
        add(line, "%#lx", addr);
    else
        add_quoted(line, text, n < 0 ? (ssize_t)sizeof(text) : n, n < 0);
}

static void add_buffer(struct line *line, uint64_t addr, uint64_t len)
{
    char text[SHOWN];
    size_t n = MIN(len, (uint64_t)SHOWN);
    if (user_read(text, addr, n))
        add(line, "%#lx", addr);
    else
        add_quoted(line, text, n, len > n);
}

static void add_argument(struct line *line, char kind, const uint64_t *arg)
{
    switch (kind) {
    case 'd':
        add(line, "%d", (int)*arg);
        break;
    case 'u':
        add(line, "%lu", *arg);
        break;
    case 'o':
        add(line, "0%o", (unsigned)*arg);
        break;
    case 's':
        add_string(line, *arg);
        break;
    case 'b':
        add_buffer(line, *arg, arg[1]);
        break;
    case 'f':
        if ((int)*arg == -100)
            add(line, "AT_FDCWD");
        else
            add(line, "%d", (int)*arg);
        break;
    default:
        if (*arg)
            add(line, "%#lx", *arg);
        else
            add(line, kind == 'p' ? "NULL" : "0");
    }
}

static void format_call(struct line *line, uint64_t nr, const uint64_t args[6])
{
    const char *name = syscall_name(nr), *shape = "xxxxxx";
    for (unsigned i = 0; i < ARRAY_SIZE(shapes); i++)
        if (shapes[i].nr == nr)
            shape = shapes[i].letters;
    if (name)
        add(line, "[%d] %s(", current_task()->tid, name);
    else
        add(line, "[%d] syscall_%lu(", current_task()->tid, nr);
    for (unsigned i = 0; i < 6 && shape[i]; i++) {
        if (i)
            add(line, ", ");
        add_argument(line, shape[i], &args[i]);
    }
    add(line, ")");
}

static int64_t traced_call(uint64_t nr, const uint64_t args[6])
{
    struct line line = {.len = 0};
    format_call(&line, nr, args);
    bool gone = nr == NR_exit || nr == NR_exit_group || nr == NR_rt_sigreturn || nr == NR_execve;
    if (gone)
        log_at(LOG_ALERT, "%s", line.text);
    int64_t result = syscall_real[nr](args[0], args[1], args[2], args[3], args[4], args[5]);
    if (gone && (nr != NR_execve || result >= 0))
        return result;
    if (result < 0 && result > -4096)
        log_at(LOG_ALERT, "%s = -1 errno %ld", line.text, -result);
    else if (result > 0xffff)
        log_at(LOG_ALERT, "%s = %#lx", line.text, result);
    else
        log_at(LOG_ALERT, "%s = %ld", line.text, result);
    return result;
}

void strace_start(void)
{
    syscall_trace_hook = traced_call;
    syscall_trace_enable();
}
