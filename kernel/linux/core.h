/* linux/core.h: core dumps (man 5 core): when, of what, and where to.
 *
 * The thread that dies gathers the others of its process, which come to a stand on their way back
 * to the program, and writes: the head (core_format.h), then memory (core_memory.c), into a sink
 * (core_sink.c): the host (`osprey run --core`), a pipe or a file. */
#pragma once

#include "linux/core_format.h"
#include "linux/task.h"

/* One thread that stands still while another one writes. */
struct core_parked {
    struct list link;
    struct task *task;
    const struct regs *regs;
    uint64_t fs_base;
};
/* process->core, from the moment that one thread has begun. Under signal_lock. */
struct core_dump {
    struct task *dumper;
    struct list parked; /* struct core_parked.link */
    unsigned nparked;
};

/* End the current process by this signal, with a core if one is due. Where another thread is
 * writing one, that goes first. regs: the program's. */
__noreturn void core_end(const struct regs *regs, const struct siginfo *info);
/* A core of the current process is being written by another thread: let it read these registers and
 * sleep until it is done. The process is ending then. Returns at once where none is. */
void core_park_slowly(const struct regs *regs);

static inline void core_park(const struct regs *regs)
{
    if (unlikely(__atomic_load_n(&current_task()->process->core, __ATOMIC_ACQUIRE)))
        core_park_slowly(regs);
}

/* Bits of process->core_filter: /proc/PID/coredump_filter. */
enum {
    CORE_ANON_PRIVATE = 1,
    CORE_ANON_SHARED = 2,
    CORE_MAPPED_PRIVATE = 4,
    CORE_MAPPED_SHARED = 8,
    CORE_ELF_HEADERS = 16,
    CORE_FILTER_DEFAULT = 0x33,
    CORE_FILTER_MASK = 0x1ff,
};
/* process->dumpable (PR_SET_DUMPABLE); /proc/sys/fs/suid_dumpable is what a process gets whose
 * user changes. */
enum { DUMP_NOT = 0, DUMP_AS_USER = 1, DUMP_AS_ROOT = 2 };
extern unsigned suid_dumpable;

/* --- memory (core_memory.c) --- */

/* The mappings as a core file has them. */
struct core_memory {
    struct core_segment *segments;
    struct core_file *files;
    unsigned nsegments, nfiles;
    struct text names;
};
/* Of the current process; sleeps. -ENOMEM. core_memory_free() in either case. */
int core_memory_gather(struct core_memory *memory);
void core_memory_free(struct core_memory *memory);

/* --- where the bytes go (core_sink.c, core_file.c, core_host.c) --- */

struct core_sink;
struct core_sink_ops {
    /* All of it, or a negative errno. Sleeps. */
    int (*write)(struct core_sink *sink, const void *bytes, size_t n);
    int (*skip)(struct core_sink *sink, uint64_t n); /* zeros */
    /* error 0: all was written. Gives up what open() took. */
    void (*close)(struct core_sink *sink, int error);
};
struct core_sink {
    const struct core_sink_ops *ops;
    uint64_t limit; /* bytes to be written at most, holes not counted */
    /* the ops' own */
    struct file *file;
    struct stream *stream;
    off_t pos;
    int helper; /* pid; 0: none */
    /* core_sink.c's own */
    char *buffer;
    size_t used, size;
    uint64_t hole, written;
};
/* Where this process's core goes, opened. 0, or why there is none: -ENOENT: nobody wants one. */
int core_sink_open(struct core_sink *sink, int signo);
/* Both fail for good with -EFBIG at the limit and with -EINTR when the process was killed. */
int core_sink_put(struct core_sink *sink, const void *bytes, size_t n);
int core_sink_skip(struct core_sink *sink, uint64_t n);
void core_sink_close(struct core_sink *sink, int error);

int core_host_open(struct core_sink *sink, int signo); /* -ENOENT: the host does not want it */
int core_file_open(struct core_sink *sink, int signo);
/* Would open look for a place at all? */
bool core_host_wanted(void);
bool core_file_wanted(void);
/* All segments' bytes. */
int core_memory_write(const struct core_memory *memory, struct core_sink *sink);
/* The `|` of core_pattern: start the program of these words with the reading end of a pipe as its
 * standard input; *file is the writing end. The helper's pid or a negative errno. (core_helper.c)
 */
int core_helper_start(char *const *words, struct file **file);
/* The same without a pipe, with these keyrings (taken over), and wait for its end. 0, -ENOENT. */
struct keyrings;
int kernel_program_run(char *const *words, struct keyrings *keys);
/* Sleep until it has ended, if that is asked for or the machine would end before. */
void core_helper_wait(int pid);
