/* entry.S: the ways into the kernel and back into the program.
 *
 * Program and kernel share ring 0. Every vector enters on an IST stack (the program's red zone is live) and
 * moves off it at once: to the top of the thread's kernel stack if the interrupted code was the program's,
 * else below the interrupted rsp. Where that is not inside the kernel stack, or hardly, the processor's fault
 * stack serves: else a spent stack would fault here again and again. A system call switches from the program's rsp with one load. The few
 * instructions here that run on the program's rsp lie between entry_text_start and entry_text_end, which
 * the trap path counts as program code; nothing is on the kernel stack while one of them is the next to run.
 *
 * Offsets: struct regs in regs.h; GS: struct cpu in core/cpu.h; struct thread in core/thread.h. trap.c
 * asserts them all. */

#include "arch/x86_64/layout.h"

#define R_R15    0
#define R_R14    8
#define R_R13    16
#define R_R12    24
#define R_RBP    32
#define R_RBX    40
#define R_R11    48
#define R_R10    56
#define R_R9     64
#define R_R8     72
#define R_RAX    80
#define R_RCX    88
#define R_RDX    96
#define R_RSI    104
#define R_RDI    112
#define R_NR     120
#define R_ERROR  128
#define R_RIP    136
#define R_CS     144
#define R_RFLAGS 152
#define R_RSP    160
#define R_SS     168
#define R_SIZE   176

#define CPU_CURRENT    %gs:8
#define CPU_KSTACK_TOP %gs:16
#define CPU_FAULT_STACK %gs:24
#define THREAD_WORK    16
#define THREAD_WATCHED 20
#define THREAD_GS_BASE 48
#define MSR_KERNEL_GS_BASE 0xc0000102
#define USER_BITS 47
#define KSTACK_SIZE    KSTACK_BYTES
#define KSTACK_RESERVE 256              /* more than a trap's frame */
#define SYSCALLS_MAX   512

/* ---- system calls ------------------------------------------------------------------------------------ */

        .text

.macro SAVE_CALLER
        sub     $R_SIZE, %rsp
        mov     %r11, R_RSP(%rsp)
        mov     %rcx, R_RIP(%rsp)
        mov     %rax, R_NR(%rsp)
        mov     %rdi, R_RDI(%rsp)
        mov     %rsi, R_RSI(%rsp)
        mov     %rdx, R_RDX(%rsp)
        mov     %r10, R_R10(%rsp)
        mov     %r8, R_R8(%rsp)
        mov     %r9, R_R9(%rsp)
.endm

        .balign 16
syscall_slow_switched:
        SAVE_CALLER
        cmp     $SYSCALLS_MAX, %rax
        jae     syscall_out_of_range
        /* A site `mov $nr, %eax; syscall` (b8 imm32 0f 05) within one page can be patched. */
        mov     %ecx, %r11d
        and     $0xfff, %r11d
        cmp     $7, %r11d
        jb      syscall_call
1:      cmpb    $0xb8, -7(%rcx)         /* another thread may have unmapped it */
        je      syscall_patchable
        .pushsection .fixup, "a"
        .balign 4
        .long   1b - ., syscall_call - .
        .popsection
syscall_call:
        mov     %r10, %rcx
        call    *syscall_table(,%rax,8)
        jmp     syscall_exit_check

syscall_gs:
        cld
        SAVE_CALLER
        mov     %eax, %eax
        cmp     $SYSCALLS_MAX, %eax
        jb      1f
        mov     $SYSCALLS_MAX, %eax
1:      mov     %r10, %rcx
        call    *syscall_table(,%rax,8)
        jmp     syscall_work

/* The number is the low half of rax. */
syscall_out_of_range:
        mov     %eax, %eax
        cmp     $SYSCALLS_MAX, %eax
        jb      syscall_call
        mov     $SYSCALLS_MAX, %eax
        jmp     syscall_call

syscall_patchable:
        cmpq    $0, syscall_patch_hook
        je      syscall_call
        mov     %rcx, %rdi
        mov     %rax, %rsi
        call    *syscall_patch_hook
        mov     R_NR(%rsp), %rax
        mov     R_RDI(%rsp), %rdi
        mov     R_RSI(%rsp), %rsi
        mov     R_RDX(%rsp), %rdx
        mov     R_R10(%rsp), %r10
        mov     R_R8(%rsp), %r8
        mov     R_R9(%rsp), %r9
        jmp     syscall_call

/* From here to entry_text_end rsp is the program's, or nothing is on the kernel stack yet: an interrupt
 * builds its frame at the stack's top. */
        .globl  entry_text_start, entry_text_end
        .balign 16
entry_text_start:
/* LSTAR. rax: number, rcx: return address; r11 (rflags) is not needed: they are the ABI's to clobber. */
        .globl  syscall_entry
syscall_entry:
        mov     %rsp, %r11
        mov     CPU_KSTACK_TOP, %rsp
        jmp     syscall_slow_switched

/* Both ways in once a program has a GS base of its own (program_gs): if GS is the program's, the
 * kernel's comes back, and the call returns by iretq, which sets it again. An interrupt up to
 * syscall_gs_end begins anew (trap.c); till then GS is as the program has it. */
        .globl  syscall_entry_gs, syscall_gs_end
        .balign 16
syscall_entry_gs:
        mov     %rsp, %r11
        rdgsbase %rsp
        test    %rsp, %rsp
        js      1f
        swapgs
        mov     CPU_KSTACK_TOP, %rsp
        jmp     syscall_gs
1:      mov     CPU_KSTACK_TOP, %rsp
        cld
        jmp     syscall_slow_switched
syscall_gs_end:

/* From the stub of a patched site: rax (below SYSCALLS_MAX) and rcx are set. */
        .globl  syscall_entry_fast
        .balign 16
syscall_entry_fast:
        mov     %rsp, %r11
        mov     CPU_KSTACK_TOP, %rsp
entry_text_end:
        cld                             /* what the processor does at a syscall instruction */
        SAVE_CALLER
        mov     %r10, %rcx
        call    *syscall_table(,%rax,8)

/* An interrupt between here and the switch back is returned from to syscall_exit_check, so that work it
 * posts is seen (trap.c); everything up to the jump can be repeated, as rax still holds the result. */
        .globl  syscall_exit_check
syscall_exit_check:
        mov     CPU_CURRENT, %rcx
        cmpl    $0, THREAD_WORK(%rcx)
        jne     syscall_work
        mov     R_RDI(%rsp), %rdi
        mov     R_RSI(%rsp), %rsi
        mov     R_RDX(%rsp), %rdx
        mov     R_R10(%rsp), %r10
        mov     R_R8(%rsp), %r8
        mov     R_R9(%rsp), %r9
        mov     R_RIP(%rsp), %rcx
        mov     R_RSP(%rsp), %rsp

/* From here on rsp is the program's: an interrupt builds its frame at the kernel stack's top. */
        .globl  syscall_exit_switched
syscall_exit_switched:
        jmp     *%rcx

/* Something to do before the program goes on. */
syscall_work:
        mov     %rax, R_RAX(%rsp)
        mov     %rbx, R_RBX(%rsp)
        mov     %rbp, R_RBP(%rsp)
        mov     %r12, R_R12(%rsp)
        mov     %r13, R_R13(%rsp)
        mov     %r14, R_R14(%rsp)
        mov     %r15, R_R15(%rsp)
        call    syscall_fill_constants
        jmp     program_resume

/* rcx, r11 and the rest of the frame as the syscall instruction leaves them. rax is clobbered. */
syscall_fill_constants:
        mov     8+R_RIP(%rsp), %rax
        mov     %rax, 8+R_RCX(%rsp)
        movq    $0x202, 8+R_R11(%rsp)
        movq    $0x202, 8+R_RFLAGS(%rsp)
        movq    $0x08, 8+R_CS(%rsp)
        movq    $0x10, 8+R_SS(%rsp)
        movq    $0, 8+R_ERROR(%rsp)
        ret

/* Table entry of calls that see and may change all registers; rax is the number. */
        .globl  syscall_full_regs_thunk
syscall_full_regs_thunk:
        add     $8, %rsp
        mov     %rbx, R_RBX(%rsp)
        mov     %rbp, R_RBP(%rsp)
        mov     %r12, R_R12(%rsp)
        mov     %r13, R_R13(%rsp)
        mov     %r14, R_R14(%rsp)
        mov     %r15, R_R15(%rsp)
        mov     %rax, %rbx
        call    syscall_fill_constants
        call    *syscall_real(,%rbx,8)
        mov     %rax, R_RAX(%rsp)
        jmp     program_resume

/* Table entry of every call once some thread is watched. rax: number. */
        .globl  syscall_filter_thunk
syscall_filter_thunk:
        mov     CPU_CURRENT, %r11
        cmpl    $0, THREAD_WATCHED(%r11)
        jne     syscall_trace_thunk
        jmp     *syscall_unwatched(,%rax,8)

/* Table entry of every call while tracing. */
        .globl  syscall_trace_thunk
syscall_trace_thunk:
        add     $8, %rsp
        mov     %rbx, R_RBX(%rsp)
        mov     %rbp, R_RBP(%rsp)
        mov     %r12, R_R12(%rsp)
        mov     %r13, R_R13(%rsp)
        mov     %r14, R_R14(%rsp)
        mov     %r15, R_R15(%rsp)
        call    syscall_fill_constants
        mov     %rsp, %rdi
        call    syscall_trace
        mov     %rax, R_RAX(%rsp)
/* fall through */

/* rsp: a full struct regs at the top of the kernel stack. */
        .globl  program_resume
program_resume:
        mov     %rsp, %rdi
        call    program_exit_work       /* returns with interrupts off */
restore_all:
        cmpb    $0, program_gs
        jne     restore_gs
restore_registers:
        mov     R_R15(%rsp), %r15
        mov     R_R14(%rsp), %r14
        mov     R_R13(%rsp), %r13
        mov     R_R12(%rsp), %r12
        mov     R_RBP(%rsp), %rbp
        mov     R_RBX(%rsp), %rbx
        mov     R_R11(%rsp), %r11
        mov     R_R10(%rsp), %r10
        mov     R_R9(%rsp), %r9
        mov     R_R8(%rsp), %r8
        mov     R_RAX(%rsp), %rax
        mov     R_RCX(%rsp), %rcx
        mov     R_RDX(%rsp), %rdx
        mov     R_RSI(%rsp), %rsi
        mov     R_RDI(%rsp), %rdi
        add     $R_RIP, %rsp
        iretq

/* Back into the program, the way in by syscall_entry_gs included: with its GS base, if it has one. */
restore_gs:
        mov     R_RIP(%rsp), %rax
        cmp     $syscall_entry_gs, %rax
        je      1f
        shr     $USER_BITS, %rax
        jnz     restore_registers
1:      mov     CPU_CURRENT, %rax
        mov     THREAD_GS_BASE(%rax), %rax
        test    %rax, %rax
        jz      restore_registers
        mov     %rax, %rdx
        shr     $32, %rdx
        mov     $MSR_KERNEL_GS_BASE, %ecx
        wrmsr
        swapgs
        jmp     restore_registers

/* void program_enter_at(struct regs *regs): regs lies at the top of the current kernel stack. */
        .globl  program_enter_at
program_enter_at:
        mov     %rdi, %rsp
        jmp     program_resume

/* ---- traps and interrupts ------------------------------------------------------------------------------ */

/* One stub of 16 bytes for each vector; those for which the processor pushes no error code push 0. */
        .balign 16
        .globl  vector_stubs
vector_stubs:
        .set    vector, 0
        .rept   256
        .balign 16
        .if     !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
        push    $0
        .endif
        push    $vector
        .if     vector == 2 || vector == 8 || vector == 18
        jmp     trap_on_ist
        .else
        jmp     trap_common
        .endif
        .set    vector, vector + 1
        .endr

.macro PUSH_REST
        push    %rdx
        push    %rcx
        push    %rax
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
.endm

        .balign 16
trap_common:
        push    %rdi
        push    %rsi
        mov     %rsp, %rsi
        /* (rsi): rsi, rdi, vector, error, rip, cs, rflags, rsp, ss */
        mov     32(%rsi), %rdi
        test    %rdi, %rdi
        jns     1f
        cmp     $syscall_exit_switched, %rdi
        je      1f
        cmp     $entry_text_start, %rdi
        jb      2f
        cmp     $entry_text_end, %rdi
        jae     2f
1:      cmpb    $0, program_gs
        jne     6f
5:      mov     CPU_KSTACK_TOP, %rdi
        jmp     3f
2:      mov     56(%rsi), %rdi          /* the program's rsp: it has jumped here by itself, */
        test    %rdi, %rdi              /* and GS may be its own */
        jns     1b
        sub     CPU_KSTACK_TOP, %rdi
        add     $KSTACK_SIZE - KSTACK_RESERVE, %rdi
        cmp     $KSTACK_SIZE - KSTACK_RESERVE, %rdi
        ja      4f
        mov     56(%rsi), %rdi
        and     $-16, %rdi
3:      mov     %rdi, %rsp
        pushq   64(%rsi)
        pushq   56(%rsi)
        pushq   48(%rsi)
        pushq   40(%rsi)
        pushq   32(%rsi)
        pushq   24(%rsi)
        pushq   16(%rsi)
        pushq   8(%rsi)
        pushq   (%rsi)
        PUSH_REST
        cld
        mov     %rsp, %rdi
        call    trap_handler            /* returns with interrupts off */
        jmp     restore_all
4:      mov     CPU_FAULT_STACK, %rdi
        jmp     3b
6:      rdgsbase %rdi
        test    %rdi, %rdi
        js      5b
        swapgs
        jmp     5b

/* NMI, double fault, machine check: stay on their own stacks. */
trap_on_ist:
        push    %rdi
        push    %rsi
        PUSH_REST
        cld
        xor     %ebx, %ebx              /* whether GS was the program's: it may be in the kernel, too */
        cmpb    $0, program_gs
        je      1f
        rdgsbase %rax
        test    %rax, %rax
        js      1f
        swapgs
        inc     %ebx
1:      mov     %rsp, %rdi
        call    trap_on_ist_handler
        test    %ebx, %ebx
        jz      restore_registers
        swapgs
        jmp     restore_registers

        .section .note.GNU-stack, "", @progbits
