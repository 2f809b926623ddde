/* switch.S: one kernel stack for another. */

        .text

/* struct thread *switch_stacks(struct thread *from, uintptr_t *from_rsp, uintptr_t to_rsp)
 * Returns `from` on the other stack, where the thread there once called switch_stacks(). */
        .globl  switch_stacks
        .balign 16
switch_stacks:
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, (%rsi)
        mov     %rdx, %rsp
        mov     %rdi, %rax
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret

        .section .note.GNU-stack, "", @progbits
