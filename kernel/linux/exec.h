/* linux/exec.h: the parts of running a program (exec.c, exec_file.c, exec_stack.c). Threads only.
 */
#pragma once

#include "linux/elf.h"
#include "linux/task.h"

/* Arguments and environment: strings one after the other, argv first. */
struct exec_args {
    char *strings;
    size_t len, size;
    unsigned argc, envc;
    size_t first_len; /* of argv[0] with its NUL */
    uint64_t limit;   /* bytes of strings and pointers: E2BIG beyond */
};
void exec_args_init(struct exec_args *args, const struct process *process);
void exec_args_free(struct exec_args *args);
/* Add a string of program or kernel memory. -E2BIG, -EFAULT, -ENOMEM. */
int exec_args_add_user(struct exec_args *args, uintptr_t string);
int exec_args_add(struct exec_args *args, const char *string);

enum { EXEC_FRONT_MAX = 16, EXEC_HEAD = 1024, EXEC_SCRIPT_LINE = 256 };

/* An open ELF file with what it asks for. */
struct exec_file {
    struct file *file;
    bool write_denied;
    struct elf_image image;
    uint64_t bias; /* load address - address in the file */
};

struct exec {
    struct exec_file program, interp;
    struct exec_args *args;
    const char *name;            /* as execve(2) got it: AT_EXECFN */
    char *front[EXEC_FRONT_MAX]; /* words that scripts put in front, allocated */
    unsigned nfront;
    bool drop_first;         /* argv[0] gives way to them */
    bool secure;             /* AT_SECURE */
    bool readable;           /* the file, by the caller */
    bool unsafe_personality; /* its flags that make attacks easier go */
    bool closed;             /* meanwhile nobody may look into the process (process->closed) */
    struct credentials cred;
    uint8_t head[EXEC_HEAD];
    size_t head_len;
    uint8_t more_phdrs[ELF_PHDRS_MAX * ELF_PHDR_SIZE];
};

/* What to run: a name seen from `at` (NULL: the working folder; with LOOKUP_EMPTY the place
 * itself), and what the program is told that it is. */
struct exec_target {
    const struct path *at;
    const char *name, *shown;
    unsigned lookup;
    bool lost; /* what is shown leads nowhere once the descriptor is closed: no scripts */
};
/* Open it, through scripts to an ELF file, and its interpreter. 0 or a negative errno; exec_close()
 * in either case. */
int exec_open(struct exec *exec, const struct exec_target *target);
void exec_close(struct exec *exec);
/* (exec_cred.c) What the program is going to run with (`secure`, `cred`). -EPERM and others; then
 * it does run with that. */
int exec_new_credentials(struct exec *exec);
void exec_commit_credentials(const struct exec *exec);
/* One more, or one less, who executes a file that may not be written meanwhile. */
void exec_deny_write(struct file *file);
void exec_allow_write(struct file *file);
/* The file of the place, which may be executed, open and not written by anybody; with a reference.
 * -EACCES, -ETXTBSY. */
int exec_open_file(const struct path *place, struct file **file);
/* It is what /proc/PID/exe names from now on; takes over the reference and who may write. */
void exec_set_executable(struct process *process, struct file *file);

/* Where things go in a fresh address space. */
struct exec_layout {
    bool randomize;
    uintptr_t stack_top;
};
void exec_layout(struct process *process, struct exec_layout *layout);
/* Map the segments of both files; sets program.bias, interp.bias and the space's code, data and
 * brk fields. */
int exec_map(struct exec *exec, struct address_space *space, const struct exec_layout *layout);
/* Map the stack and fill it: argc, argv, envp, auxv. Returns the stack pointer or a negative errno.
 */
ssize_t exec_stack(struct exec *exec, struct process *process, const struct exec_layout *layout);
