/* arch/x86_64/regs.h: registers at a trap, an interrupt or (on the slow path) a system call. */
#pragma once

#include "lib/types.h"

struct regs {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector_or_nr; /* trap vector; for system calls the number (orig_rax), -1: none */
    uint64_t error_code;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* RFLAGS bits that a program may set through a signal frame or ptrace. */
enum {
    RFLAGS_TF = 0x100,
    RFLAGS_IF = 0x200,
    RFLAGS_DF = 0x400,
    RFLAGS_RF = 0x10000,
    RFLAGS_PROGRAM = 0x254dd5
};
