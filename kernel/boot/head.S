/* head.S: the two ways in from a loader, up to the first C function.
 *
 * PVH (Xen pvh.pandoc): 32-bit protected mode, paging off, EBX = hvm_start_info.
 * Linux 64-bit (Documentation/x86/boot.rst, 64-bit boot protocol): long mode, identity mapped, RSI =
 * boot_params; nothing else is taken over: CR0, CR4, EFER, GDT and page tables are replaced, as Firecracker
 * leaves CD and NW set and maps 1 GiB only.
 *
 * The image is linked and loaded at 1 MiB, so what the first page tables hold is known to the link; they
 * lie in .bss, which every loader clears, and are written here: 48 KiB less to ship. */

#include "arch/x86_64/layout.h"

#define KERNEL_BASE 0xffffffff80000000
#define PHYS(sym)   ((sym) - KERNEL_BASE)

#define IMAGE_AT    0x100000
#define CR0_ON      0x80010033          /* PG WP NE ET MP PE */
#define CR4_ON      0x000000a0          /* PGE PAE */
#define EFER_ON     0x00000901          /* NXE LME SCE */
#define MSR_EFER    0xc0000080
#define P_RW        0x03
#define P_PAGE      0x103               /* present, writable, global */
#define P_HUGE      0x183               /* and 2 MiB */

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
        mov     $PHYS(boot_stack_top), %esp
        call    first_tables
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

first_tables:                           /* the same bytes are run in long mode: no inc, no memory operand */
        mov     $PHYS(first_entries), %esi
1:      lodsl
        mov     %eax, %edi
        lodsl
        stosl
        cmp     $PHYS(first_entries_end), %esi
        jb      1b
        mov     $PHYS(kernel_pt) + (IMAGE_AT >> 12) * 8, %edi
        mov     $IMAGE_AT + P_PAGE, %eax
2:      stosl
        add     $4, %edi
        add     $0x1000, %eax
        cmp     $PHYS(__kernel_end), %eax
        jb      2b
        ret

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
        mov     $PHYS(boot_stack_top), %esp /* the loader's may be out of reach once its tables are */
        call    first_tables
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
        mov     $direct_pd, %rdi        /* the first 4 GiB of the direct map, no-execute */
        movabs  $0x8000000000000000 + P_HUGE, %rax
        mov     $0x200000, %edx
        mov     $2048 / 8, %ecx
2:      .set    entry, 0
        .rept   8
        mov     %rax, entry(%rdi)
        add     %rdx, %rax
        .set    entry, entry + 8
        .endr
        add     $64, %rdi
        dec     %ecx
        jnz     2b
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

        .macro  ENTRY table, index, value:vararg
        .long   PHYS(\table) + (\index) * 8, \value
        .endm

first_entries:                          /* where, and its lower half; the upper one is 0 */
        ENTRY   boot_pml4, 0, PHYS(identity_pdpt) + P_RW /* of the image, for the jump and for the APs */
        ENTRY   boot_pml4, 256, PHYS(direct_pdpt) + P_RW
        ENTRY   boot_pml4, 511, PHYS(kernel_pdpt) + P_RW
        ENTRY   identity_pdpt, 0, PHYS(identity_pd) + P_RW
        .set    page, 0
        .rept   4
        ENTRY   direct_pdpt, page, PHYS(direct_pd) + page * 0x1000 + P_RW
        .set    page, page + 1
        .endr
        ENTRY   kernel_pdpt, 510, PHYS(kernel_pd) + P_RW
        .set    page, 0
        .rept   IMAGE_TABLES
        ENTRY   identity_pd, page, page * 0x200000 + 0x83
        ENTRY   kernel_pd, page, PHYS(kernel_pt) + page * 0x1000 + P_RW
        .set    page, page + 1
        .endr
#ifdef KASAN                            /* the tables of the shadow (sanitize/shadow.h) */
        ENTRY   boot_pml4, 472, PHYS(shadow_direct) + P_RW
        ENTRY   boot_pml4, 488, PHYS(shadow_karea) + P_RW
        ENTRY   boot_pml4, 503, PHYS(shadow_kernel) + P_RW
#endif
first_entries_end:

        .macro  TABLES name, count=1
\name:  .skip   \count * 4096
        .endm

        .section .bss.page_tables, "aw", @nobits
        .balign 4096
        .globl  boot_pml4
        TABLES  boot_pml4
        TABLES  identity_pdpt
        TABLES  identity_pd
        TABLES  direct_pdpt
        TABLES  kernel_pdpt
        TABLES  kernel_pd
        TABLES  kernel_pt, IMAGE_TABLES /* in small pages, so that each section gets its own rights */
        TABLES  direct_pd, 4

#ifdef KASAN
        .section .data.page_tables, "aw"
        .balign 4096
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
