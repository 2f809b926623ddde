/* frames.S: how functions that are compiled for size begin and end (host/frames puts the calls in).
 *
 * A frame: the caller's rbp, to which rbp points; below it the caller's r15, r14, r13, r12 and rbx, of which
 * a function that changes N has the last N; below them the stack protector's word, if it has one. */

/* called first of all: no register is free. While rbp is the return address a backtrace would end here. */
.macro ENTER name, guarded, registers:vararg
        .section .text.\name, "ax"
        .globl  \name
        .type   \name, @function
\name:
        pushq   %rbp
        movq    8(%rsp), %rbp
        popq    (%rsp)                  /* the caller's rbp lies where the return address was */
        .set    depth, 8
.irp register, \registers
.ifnb \register
        pushq   %\register
        .set    depth, depth + 8
.endif
.endr
.if \guarded
        pushq   %gs:40
        .set    depth, depth + 8
.endif
        pushq   %rbp
        leaq    depth(%rsp), %rbp
        ret
        .size   \name, . - \name
.endm

/* Jumped to last of all. */
.macro LEAVE name, below, registers:vararg
        .section .text.\name, "ax"
        .globl  \name
        .type   \name, @function
\name:
        leaq    -\below(%rbp), %rsp
.irp register, \registers
        popq    %\register
.endr
        popq    %rbp
        ret
        .size   \name, . - \name
.endm

/* The word is at -\bytes(%rbp). */
.macro GUARD bytes
        .section .text.guard_put_\bytes, "ax"
        .globl  guard_put_\bytes
        .type   guard_put_\bytes, @function
guard_put_\bytes:
        movq    %gs:40, %rax
        movq    %rax, -\bytes(%rbp)
        xorl    %eax, %eax
        ret
        .size   guard_put_\bytes, . - guard_put_\bytes
        CHECK   guard_check_\bytes\()_rax, \bytes, rax
        CHECK   guard_check_\bytes\()_rdx, \bytes, rdx
        CHECK   guard_check_\bytes\()_rcx, \bytes, rcx
.endm

/* A jump: the return address tells whose frame it was. */
.macro CHECK name, bytes, register
        .section .text.\name, "ax"
        .globl  \name
        .type   \name, @function
\name:
        movq    -\bytes(%rbp), %\register
        subq    %gs:40, %\register
        jne     __stack_chk_fail
        ret
        .size   \name, . - \name
.endm

        ENTER   frame_enter_3, 0, r13, r12, rbx
        ENTER   frame_enter_4, 0, r14, r13, r12, rbx
        ENTER   frame_enter_5, 0, r15, r14, r13, r12, rbx
        ENTER   frame_enter_guarded_0, 1
        ENTER   frame_enter_guarded_1, 1, rbx
        ENTER   frame_enter_guarded_2, 1, r12, rbx
        ENTER   frame_enter_guarded_3, 1, r13, r12, rbx
        ENTER   frame_enter_guarded_4, 1, r14, r13, r12, rbx
        ENTER   frame_enter_guarded_5, 1, r15, r14, r13, r12, rbx
        LEAVE   frame_leave_1, 8, rbx
        LEAVE   frame_leave_2, 16, rbx, r12
        LEAVE   frame_leave_3, 24, rbx, r12, r13
        LEAVE   frame_leave_4, 32, rbx, r12, r13, r14
        LEAVE   frame_leave_5, 40, rbx, r12, r13, r14, r15
        GUARD   8
        GUARD   16
        GUARD   24
        GUARD   32
        GUARD   40
        GUARD   48

        .section .note.GNU-stack, "", @progbits
