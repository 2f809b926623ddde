/* head.S: the two ways in from a loader, up to the first C function.
 *
 * PVH (Xen pvh.pandoc): 32-bit protected mode, paging off, EBX = hvm_start_info.
 * Linux 64-bit (Documentation/x86/boot.rst, 64-bit boot protocol): long mode, identity mapped, RSI =
 * boot_params; nothing else is taken over: CR0, CR4, EFER, GDT and page tables are replaced, as Firecracker
 * leaves CD and NW set and maps 1 GiB only.
 *
 * The image is linked and loaded at 1 MiB, so the first page tables are constants of the link. */

#include "arch/x86_64/layout.h"

#define KERNEL_BASE 0xffffffff80000000
#define PHYS(sym)   ((sym) - KERNEL_BASE)

#define CR0_ON      0x80010033          /* PG WP NE ET MP PE */
#define CR4_ON      0x000000a0          /* PGE PAE */
#define EFER_ON     0x00000901          /* NXE LME SCE */
#define MSR_EFER    0xc0000080

        .section .note.pvh, "a", @note
        .balign 4
        .long   4, 8, 18                /* namesz, descsz, XEN_ELFNOTE_PHYS32_ENTRY */
        .asciz  "Xen"
        .quad   PHYS(pvh_entry)

        .section .text.head, "ax"
        .code32
        .globl  pvh_entry
pvh_entry:
        cli
        cld
        rdtsc
        mov     %eax, PHYS(boot_tsc)
        mov     %edx, PHYS(boot_tsc) + 4
        mov     %ebx, PHYS(boot_argument)
        movl    $PHYS(pvh_start), PHYS(boot_start)

        cmpl    $0, 12(%ebx)            /* a loader short of memory puts the image over our data: */
        je      5f                      /* first module's address within the kernel */
        mov     16(%ebx), %eax
        mov     (%eax), %eax
        cmp     $PHYS(__kernel_start), %eax
        jb      5f
        mov     $PHYS(image_over_kernel), %esi
        cmp     $PHYS(__kernel_end), %eax
        jb      4f
5:      mov     $0x80000001, %eax       /* long mode and no-execute pages must be there */
        cpuid
        and     $0x20100000, %edx
        cmp     $0x20100000, %edx
        jne     1f
        lgdt    PHYS(boot_gdt_pointer)
        mov     $CR4_ON, %eax
        mov     %eax, %cr4
        mov     $PHYS(boot_pml4), %eax
        mov     %eax, %cr3
        mov     $MSR_EFER, %ecx
        xor     %edx, %edx
        mov     $EFER_ON, %eax
        wrmsr
        mov     $CR0_ON, %eax
        mov     %eax, %cr0
        ljmp    $0x08, $PHYS(long_mode)
1:      mov     $PHYS(no_long_mode), %esi
4:      mov     $0x3f8, %dx             /* to COM1, then a reset: a fault without an interrupt table */
2:      lodsb
        test    %al, %al
        jz      3f
        out     %al, %dx
        jmp     2b
3:      lidt    PHYS(no_interrupts)
        ud2

        .code64
        .globl  linux_entry
linux_entry:
        cli
        cld
        rdtsc
        mov     %eax, PHYS(boot_tsc)
        mov     %edx, PHYS(boot_tsc) + 4
        mov     %rsi, PHYS(boot_argument)
        movl    $PHYS(linux_start), PHYS(boot_start)
        lgdt    PHYS(boot_gdt_pointer)
        mov     $MSR_EFER, %ecx
        rdmsr
        or      $EFER_ON, %eax
        wrmsr
        mov     $CR4_ON, %eax
        mov     %rax, %cr4
        mov     $PHYS(boot_pml4), %eax
        mov     %rax, %cr3
        mov     $CR0_ON, %eax
        mov     %rax, %cr0
        mov     $PHYS(boot_stack_top), %esp /* the loader's may be out of reach by now */
        pushq   $0x08
        pushq   $PHYS(long_mode)
        lretq

long_mode:
        movabs  $1f, %rax
        jmp     *%rax
1:      mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        xor     %eax, %eax
        mov     %eax, %fs
        mov     %eax, %gs
        lgdt    boot_gdt_pointer_high
        mov     $boot_stack_top, %rsp
        xor     %ebp, %ebp
        /* GS: struct cpu of the boot CPU; the stack protector reads it from here on. */
        mov     $0xc0000101, %ecx
        mov     $boot_cpu, %rax
        mov     %rax, %rdx
        shr     $32, %rdx
        wrmsr
        mov     boot_argument, %rdi
        movslq  boot_start, %rax
        movabs  $KERNEL_BASE, %rdx
        add     %rdx, %rax
        call    *%rax
        ud2

/* ---- start of the other processors: copied to 0x8000, entered in real mode there ------------------- */

#define TRAMPOLINE   0x8000
#define AT(sym)      ((sym) - trampoline_start + TRAMPOLINE)

        .section .rodata.trampoline, "a"
        .globl  trampoline_start, trampoline_end
        .code16
trampoline_start:
        cli
        xor     %ax, %ax
        mov     %ax, %ds
        lgdtl   AT(trampoline_gdt_pointer)
        mov     $1, %eax
        mov     %eax, %cr0
        ljmpl   $0x18, $AT(1f)
        .code32
1:      mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %ss
        mov     $CR4_ON, %eax
        mov     %eax, %cr4
        mov     $PHYS(boot_pml4), %eax
        mov     %eax, %cr3
        mov     $MSR_EFER, %ecx
        xor     %edx, %edx
        mov     $EFER_ON, %eax
        wrmsr
        mov     $CR0_ON, %eax
        mov     %eax, %cr0
        ljmp    $0x08, $AT(2f)
        .code64
2:      movabs  $ap_long_mode, %rax
        jmp     *%rax
        .balign 8
trampoline_gdt:
        .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff
trampoline_gdt_pointer:
        .word   31
        .long   AT(trampoline_gdt)
trampoline_end:

        .text
        .code64
ap_long_mode:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        xor     %eax, %eax
        mov     %eax, %fs
        mov     %eax, %gs
        lgdt    boot_gdt_pointer_high
        mov     $1, %eax                /* the next struct cpu that nobody has taken */
        lock xadd %eax, ap_next
        cmp     ap_limit, %eax
        jae     1f
        mov     ap_stacks(,%rax,8), %rsp
        mov     cpus(,%rax,8), %rdi
        xor     %ebp, %ebp
        mov     $0xc0000101, %ecx
        mov     %rdi, %rax
        mov     %rax, %rdx
        shr     $32, %rdx
        wrmsr
        call    ap_main
        ud2
1:      hlt
        jmp     1b

/* ---- constants -------------------------------------------------------------------------------------- */

        .section .rodata.head, "a"
        .balign 8
boot_gdt:
        .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdt_pointer:
        .word   23
        .quad   PHYS(boot_gdt)
boot_gdt_pointer_high:
        .word   23
        .quad   boot_gdt
no_interrupts:
        .fill   6, 1, 0
image_over_kernel:
        .asciz  "osprey: too little memory: the root image lies over the kernel\r\n"
no_long_mode:
        .asciz  "osprey: this processor has no 64-bit mode or no no-execute pages\r\n"

/* ---- first page tables (SDM 3A, 4.5) ------------------------------------------------------------------ */

#define P_RW    0x03
#define P_HUGE  0x183                   /* present, writable, 2 MiB, global */

/* Entries 257 to 510 of the PML4 and, under the sanitizer, the tables of its shadow
 * (sanitize/shadow.h): that of the image is there from the start. */
        .macro  SHADOW_ENTRIES
#ifdef KASAN
        .fill   472 - 257, 8, 0
        .quad   PHYS(shadow_direct) + P_RW
        .fill   15, 8, 0
        .quad   PHYS(shadow_karea) + P_RW
        .fill   14, 8, 0
        .quad   PHYS(shadow_kernel) + P_RW
        .fill   7, 8, 0
#else
        .fill   254, 8, 0
#endif
        .endm

        .macro  SHADOW_TABLES
#ifdef KASAN
shadow_direct:
        .fill   512, 8, 0
shadow_karea:
        .fill   512, 8, 0
shadow_kernel:
        .fill   511, 8, 0
        .quad   PHYS(shadow_kernel_pd) + P_RW
shadow_kernel_pd:
        .fill   384, 8, 0
        .quad   PHYS(shadow_kernel_pt) + P_RW, PHYS(shadow_kernel_pt) + 0x1000 + P_RW
        .fill   126, 8, 0
shadow_kernel_pt:
        .set    page, 0
        .rept   IMAGE_TABLES * 64
        .quad   0x8000000000000000 + PHYS(shadow_image) + page * 0x1000 + P_RW
        .set    page, page + 1
        .endr
        .fill   1024 - IMAGE_TABLES * 64, 8, 0

        .section .bss.shadow_image, "aw", @nobits
        .balign 4096
        .globl  shadow_image
shadow_image:
        .skip   IMAGE_TABLES * 0x200000 / 8
#endif
        .endm

        .section .data.page_tables, "aw"
        .balign 4096
        .globl  boot_pml4
boot_pml4:                              /* 0: identity of the image, for this jump and for the APs */
        .quad   PHYS(identity_pdpt) + P_RW
        .fill   255, 8, 0
        .quad   PHYS(direct_pdpt) + P_RW
        SHADOW_ENTRIES
        .quad   PHYS(kernel_pdpt) + P_RW
identity_pdpt:
        .quad   PHYS(identity_pd) + P_RW
        .fill   511, 8, 0
identity_pd:
        .set    page, 0
        .rept   IMAGE_TABLES
        .quad   page * 0x200000 + 0x83
        .set    page, page + 1
        .endr
        .fill   512 - IMAGE_TABLES, 8, 0
direct_pdpt:                            /* 4 GiB, no-execute */
        .quad   PHYS(direct_pd) + P_RW, PHYS(direct_pd) + 0x1000 + P_RW
        .quad   PHYS(direct_pd) + 0x2000 + P_RW, PHYS(direct_pd) + 0x3000 + P_RW
        .fill   508, 8, 0
kernel_pdpt:
        .fill   510, 8, 0
        .quad   PHYS(kernel_pd) + P_RW, 0
kernel_pd:
        .set    page, 0
        .rept   IMAGE_TABLES
        .quad   PHYS(kernel_pt) + page * 0x1000 + P_RW
        .set    page, page + 1
        .endr
        .fill   512 - IMAGE_TABLES, 8, 0
        .globl  kernel_pt
kernel_pt:                              /* all in small pages, so that each section gets its own rights */
        .set    page, 0
        .rept   IMAGE_TABLES * 512
        .quad   page * 0x1000 + 0x103
        .set    page, page + 1
        .endr
direct_pd:
        .set    page, 0
        .rept   2048
        .quad   0x8000000000000000 + page * 0x200000 + P_HUGE
        .set    page, page + 1
        .endr

        SHADOW_TABLES

        .section .data.head, "aw"
        .balign 8
        .globl  boot_tsc, ap_next, ap_limit
boot_tsc:       .quad 0
boot_argument:  .quad 0
boot_start:     .long 0
ap_next:        .long 1
ap_limit:       .long 1

        .section .bss.boot_stack, "aw", @nobits
        .balign 4096
        .globl  boot_stack, boot_stack_top
        .skip   4096                    /* a guard page from phase MEMORY on (mm/memory.c) */
boot_stack:
        .skip   KSTACK_BYTES
boot_stack_top:
        .section .note.GNU-stack, "", @progbits
