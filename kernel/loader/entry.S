/* entry.S: the payload's entries: 32-bit (from setup.S, other loaders of bzImages, Multiboot), Linux' 64-bit one,
 * UEFI's. The loader moves itself to STUB_AT, out of the way of the kernel's place at 1 MiB, and calls
 * loader_main() in long mode with 4 GiB mapped one to one. Under UEFI it stays where it is and calls efi_main().
 * Position independent. */
#include "loader/layout.h"

        .section .head, "ax"
        .code32
        .globl  payload, payload_packed
payload:
        cli
        cld
        xor     %edi, %edi              /* no magic: esi = boot_params */
from_32:
        mov     $0x1000, %esp           /* a stack below what anybody uses, for one call */
        call    1f
1:      pop     %ebx
        sub     $1b - payload, %ebx     /* where we are */
        mov     %esi, %ebp
        mov     %edi, %edx
        mov     PACKED + 28(%ebx), %ecx
        mov     %ebx, %esi
        mov     $STUB_AT, %edi
        rep movsb
        mov     $STUB_AT, %ebx
        lea     payload_bss - payload(%ebx), %edi
        mov     $LOADER_BSS, %ecx
        xor     %eax, %eax
        rep stosb
        lea     payload_gdt - payload(%ebx), %eax
        mov     %eax, payload_gdt_pointer - payload + 2(%ebx)
        lgdt    payload_gdt_pointer - payload(%ebx)
        lea     tables - payload(%ebx), %edi    /* PML4, PDPT, 4 PD */
        lea     0x1003(%edi), %eax
        mov     %eax, (%edi)
        lea     0x5003(%edi), %eax
        mov     $4, %ecx
2:      mov     %eax, 0x1000 - 8(%edi,%ecx,8)
        sub     $0x1000, %eax
        loop    2b
        mov     $2048, %ecx
        mov     $0xffe00083, %eax       /* from the last 2 MiB of the 4 GiB down */
3:      mov     %eax, 0x2000 - 8(%edi,%ecx,8)
        sub     $0x200000, %eax
        loop    3b
        mov     $0xa0, %eax
        mov     %eax, %cr4
        mov     %edi, %cr3
        mov     %edx, %esi
        mov     $0x80000001, %eax
        cpuid
        mov     $STUB_AT, %ebx
        bt      $29, %edx
        jnc     no_long_mode
        mov     $0xc0000080, %ecx
        rdmsr
        or      $0x100, %eax
        wrmsr
        mov     $0x80000001, %eax
        mov     %eax, %cr0
        lea     long_mode - payload(%ebx), %eax
        pushl   $0x08
        push    %eax
        lret
no_long_mode:
        lea     no_64 - payload(%ebx), %esi
        mov     $0x3f8, %dx
        mov     $0xb8000, %edi
4:      lodsb
        test    %al, %al
        jz      5f
        out     %al, %dx
        mov     $7, %ah
        stosw
        jmp     4b
5:      hlt
        jmp     5b

        .org    ENTRY_64
        .code64
        cli
        cld
        mov     %rsi, %rbp
        lea     payload(%rip), %rsi
        mov     PACKED + 28(%rsi), %ecx
        mov     $STUB_AT, %edi
        cmp     %rdi, %rsi
        je      6f
        rep movsb
6:      mov     $STUB_AT + (7f - payload), %eax
        jmp     *%rax
7:      lea     payload_bss(%rip), %rdi
        mov     $LOADER_BSS, %ecx
        xor     %eax, %eax
        rep stosb
        xor     %esi, %esi
        jmp     long_mode

        .org    PACKED
payload_packed:
        .fill   32, 1, 0

        .org    MULTIBOOT_AT
        .balign 8
/* Multiboot 1 (0.6.96, 3.1): memory information wanted, addresses given: the file from the payload on, and
 * .bss up to where modules may lie. */
multiboot1:
        .long   0x1badb002, 0x00010002, -(0x1badb002 + 0x00010002)
        .long   PAYLOAD_AT + multiboot1 - payload, PAYLOAD_AT, 0, RAM_DISK_AT
        .long   PAYLOAD_AT + multiboot_entry - payload
        .balign 8
multiboot2:                             /* Multiboot 2 (2.0, 3.1) */
        .long   0xe85250d6, 0, multiboot2_end - multiboot2, -(0xe85250d6 + multiboot2_end - multiboot2)
        .word   2, 0                    /* addresses */
        .long   24, PAYLOAD_AT + multiboot2 - payload, PAYLOAD_AT, 0, RAM_DISK_AT
        .word   3, 0                    /* entry */
        .long   12, PAYLOAD_AT + multiboot_entry - payload, 0
        .word   5, 1                    /* a framebuffer is welcome */
        .long   20, 0, 0, 0, 0
        .word   0, 0
        .long   8
multiboot2_end:

        .code32
multiboot_entry:
        cli
        cld
        mov     %ebx, %esi
        mov     %eax, %edi
        jmp     from_32

/* rbp = what the loader left, esi = Multiboot's magic or 0. */
        .code64
long_mode:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        lea     stack_top(%rip), %rsp
        mov     %ebp, %edi
        xor     %ebp, %ebp
        call    loader_main
        ud2

/* UEFI: rcx = image handle, rdx = system table; sections are in place and zeroed. */
        .globl  efi_entry
efi_entry:
        sub     $8, %rsp
        push    %rdi
        push    %rsi
        mov     %rcx, %rdi
        mov     %rdx, %rsi
        call    efi_main
        pop     %rsi
        pop     %rdi
        add     $8, %rsp
        ret

/* launch(entry, boot_params, from, n, memory): copy the kernel to its place, zero the rest, go. */
        .globl  launch
launch:
        cli
        mov     %rdi, %rax
        mov     %rsi, %rbx
        mov     %rdx, %rsi
        mov     $PAYLOAD_AT, %edi
        sub     %rcx, %r8
        cmp     %rdi, %rsi
        je      8f
        rep movsb
        jmp     9f
8:      add     %rcx, %rdi
9:      mov     %rax, %rdx
        xor     %eax, %eax
        mov     %r8, %rcx
        rep stosb
        mov     %rbx, %rsi
        jmp     *%rdx

no_64:  .asciz  "osprey: this processor has no 64-bit mode"
        .balign 8
payload_gdt:
        .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff
payload_gdt_pointer:
        .word   23
        .quad   0

        .section .bss.tables, "aw", @nobits
        .balign 4096
tables: .skip   6 * 4096
        .skip   32768
stack_top:
        .section .note.GNU-stack, "", @progbits
