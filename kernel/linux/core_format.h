/* linux/core_format.h: the head of an ELF core file as Linux writes it (System V gABI, 4 and 5; man
 * 5 core; Linux' uapi: linux/elfcore.h, linux/elf.h): headers and notes, up to where memory starts.
 *
 * Pure C without kernel dependencies and without allocation: tests/unit/core_format_test.c runs it
 * on the host and has readelf and gdb look at what comes out. Notes are written as they are
 * made, one thread at a time, so that nothing grows with the number of threads. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CORE_REGS = 27, CORE_NAME = 16, CORE_ARGS = 80, CORE_SIGINFO = 128, CORE_PAGE = 4096 };

/* The registers' places in core_thread.regs (struct user_regs_struct). */
enum {
    CORE_R15,
    CORE_R14,
    CORE_R13,
    CORE_R12,
    CORE_RBP,
    CORE_RBX,
    CORE_R11,
    CORE_R10,
    CORE_R9,
    CORE_R8,
    CORE_RAX,
    CORE_RCX,
    CORE_RDX,
    CORE_RSI,
    CORE_RDI,
    CORE_ORIG_RAX,
    CORE_RIP,
    CORE_CS,
    CORE_RFLAGS,
    CORE_RSP,
    CORE_SS,
    CORE_FS_BASE,
    CORE_GS_BASE,
};

struct core_thread {
    int tid;
    uint64_t pending, blocked; /* signals */
    uint64_t user_us, system_us;
    uint64_t regs[CORE_REGS];
    const void *extended; /* XSAVE's standard format or, 512 bytes, FXSAVE's */
};
struct core_process {
    int pid, ppid, pgid, sid, nice;
    uint32_t uid, gid;
    uint64_t flags, children_user_us, children_system_us;
    char state;           /* 'R' */
    char name[CORE_NAME]; /* ended by NUL */
    char args[CORE_ARGS]; /* arguments with blanks between, ended by NUL */
};
/* A piece of memory. Its bytes follow the head in this order, each from a multiple of CORE_PAGE. */
struct core_segment {
    uint64_t start, end;
    uint64_t file_bytes; /* how many of them are in the file: whole pages */
    unsigned prot;       /* PROT_READ 1, WRITE 2, EXEC 4 */
    unsigned how;        /* the caller's own */
};
/* A mapped file: for NT_FILE. */
struct core_file {
    uint64_t start, end, page; /* page: of the file, at start */
};

struct core_info {
    struct core_process process;
    int signo;
    const void *siginfo; /* CORE_SIGINFO bytes: si_signo, si_errno, si_code, ... */
    const uint64_t *auxv;
    size_t auxv_words;
    unsigned nthreads;      /* the first is the one that died */
    size_t extended_size;   /* 512: no XSAVE */
    uint64_t extended_mask; /* XCR0 */
    const struct core_segment *segments;
    unsigned nsegments; /* at most CORE_SEGMENTS_MAX */
    const struct core_file *files;
    unsigned nfiles;
    const char *names; /* of the files, each ended by NUL */
    size_t names_size;

    /* Fill in the i-th thread (all of *thread is zero before); 0 or a negative errno. */
    int (*thread)(void *arg, unsigned i, struct core_thread *thread);
    /* The next bytes of the file; 0 or a negative errno. */
    int (*put)(void *arg, const void *bytes, size_t n);
    void *arg;
};
enum { CORE_SEGMENTS_MAX = 0xfffe };

/* Where the first segment's bytes begin: the size of the head, a multiple of CORE_PAGE. */
uint64_t core_head_size(const struct core_info *info);
/* Write the head. 0, or what thread() or put() returned. */
int core_write_head(const struct core_info *info);
