/* setup.S: the first 4096 bytes of osprey.bin: a bzImage's header and its real-mode code (Linux' boot
 * protocol 2.12, Documentation/x86/boot.rst), at the same time a PE/COFF header for UEFI (UEFI 2.10, 2.1.1).
 * Reads the memory map, turns A20 on and enters the payload in protected mode. From a disk (mbr.S) it
 * loads the rest first. The packer fills in sizes. */
#include "loader/layout.h"

        .code16
        .text
        .globl  _start
_start: .ascii  "MZ"            /* for UEFI; a BIOS never comes here */
1:      hlt
        jmp     1b
        .org    0x3c
        .long   pe_header - _start

pe_header:
        .ascii  "PE\0\0"
        .word   0x8664, 2       /* x86-64, sections */
        .long   0, 0, 1
        .word   section_table - optional_header, 0x206
optional_header:
        .word   0x20b
        .byte   2, 20
        .globl  pe_code_size, pe_entry, pe_image_size
pe_code_size:
        .long   0, 0, 0         /* the packer's */
pe_entry:
        .long   0
        .long   SETUP_BYTES
        .quad   0               /* anywhere */
        .long   0x1000, 0x200
        .word   0, 0, 0, 1, 0, 0
        .long   0
pe_image_size:
        .long   0
        .long   SETUP_BYTES
        .long   0
        .word   10, 0x100       /* an EFI application; NX compatible */
        .quad   0, 0, 0, 0
        .long   0, 6
        .quad   0, 0, 0, 0, 0, 0
section_table:
        .ascii  ".reloc\0\0"    /* there are no relocations, which must be said */
        .long   0, 0, 0, 0, 0, 0
        .word   0, 0
        .long   0x42100040
        .ascii  ".text\0\0\0"
pe_section:
        .long   0, SETUP_BYTES, 0, SETUP_BYTES, 0, 0
        .word   0, 0
        .long   0xe0500020      /* code and data, read, written, executed */

        .org    0x1f1
        .byte   SETUP_BYTES / 512 - 1   /* setup_sects */
        .word   0               /* root_flags */
syssize: .long  0               /* payload in 16-byte units: the packer's */
        .word   0, 0xffff, 0    /* ram_size, vid_mode, root_dev */
        .word   0xaa55
        .byte   0xeb, header_end - . - 1        # to behind the header
        .ascii  "HdrS"
        .word   0x20c
        .long   0               /* realmode_swtch */
        .word   0x1000, version - _start - 0x200
        .byte   0               /* type_of_loader: theirs */
        .byte   0x01            /* LOADED_HIGH */
        .word   0
code32: .long   PAYLOAD_AT
ramdisk_image: .long 0
ramdisk_size: .long 0
        .long   0
        .word   STACK_TOP - 0x200, 0
cmd_line: .long 0
        .long   0x7fffffff      /* initrd_addr_max */
        .long   0x200000        /* kernel_alignment */
        .byte   0, 21           /* not relocatable as a whole */
        .word   0x1             /* XLF_KERNEL_64 */
        .long   65535           /* cmdline_size */
        .long   0, 0, 0
        .long   0, 0, 0         /* payload_offset, length */
        .long   PAYLOAD_AT, 0   /* pref_address */
init_size: .long 0
        .long   0               /* handover_offset */
header_end:
        jmp     setup_start

        .org    DISK_ENTRY
        jmp     from_disk

version: .asciz "Osprey"

/* --- from a loader that knows bzImages: ds = our segment, everything is in memory ------------------- */
setup_start:
        cli
        cld
        rdtsc
        mov     %eax, entered
        mov     %edx, entered + 4
        mov     %ds, %ax
        mov     %ax, %es
        mov     %ax, %ss
        mov     $STACK_TOP, %sp
        push    %ds             /* cs is that + 0x20 here: the same segment for all */
        push    $with_segments
        lret

with_segments:
        sti
        mov     $ZERO_PAGE, %di
        xor     %eax, %eax
        mov     $1024, %cx
        rep stosl
        mov     $0x1f1, %si
        mov     $ZERO_PAGE + 0x1f1, %di
        mov     $header_end - _start - 0x1f1, %cx
        rep movsb
        mov     came_from, %eax
        mov     %eax, ZERO_PAGE + LOADER_DISK_AT
        mov     came_from + 4, %eax
        mov     %eax, ZERO_PAGE + LOADER_DISK_AT + 4
        movl    $LOADER_TSC_MARK, ZERO_PAGE + LOADER_TSC_AT
        mov     entered, %eax
        mov     %eax, ZERO_PAGE + LOADER_TSC_AT + 8
        mov     entered + 4, %eax
        mov     %eax, ZERO_PAGE + LOADER_TSC_AT + 12
        call    memory_map
        call    a20
        cli
        mov     $0xff, %al      /* nobody serves interrupts from here on */
        out     %al, $0xa1
        out     %al, $0x21
        xor     %eax, %eax
        mov     %ds, %ax
        shl     $4, %eax
        lea     ZERO_PAGE(%eax), %esi
        mov     code32, %ebx
        add     $gdt, %eax
        mov     %eax, gdt_pointer + 2
        lgdtl   gdt_pointer
        mov     $1, %eax
        mov     %eax, %cr0
        jmp     1f
1:      mov     $0x18, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %ss
        ljmpl   *%cs:protected
protected:
        .long   PAYLOAD_AT
        .word   0x10

/* INT 15h, E820 (ACPI 6, 15.1) into the zero page. */
memory_map:
        xor     %ebx, %ebx
        mov     $ZERO_PAGE + 0x2d0, %di
1:      mov     $0xe820, %eax
        mov     $20, %ecx
        mov     $0x534d4150, %edx
        int     $0x15
        jc      2f
        cmp     $0x534d4150, %eax
        jne     2f
        incb    ZERO_PAGE + 0x1e8
        add     $20, %di
        cmpb    $128, ZERO_PAGE + 0x1e8
        jae     3f
        test    %ebx, %ebx
        jnz     1b
2:      cmpb    $0, ZERO_PAGE + 0x1e8
        mov     $no_map, %si
        je      fail
3:      ret

/* The address line 20: the BIOS, the fast gate, the keyboard controller, whichever works. */
a20:    call    a20_on
        jne     1f
        mov     $0x2401, %ax
        int     $0x15
        call    a20_on
        jne     1f
        in      $0x92, %al
        or      $2, %al
        and     $0xfe, %al
        out     %al, $0x92
        call    a20_on
        jne     1f
        call    keyboard_ready
        mov     $0xd1, %al
        out     %al, $0x64
        call    keyboard_ready
        mov     $0xdf, %al
        out     %al, $0x60
        call    keyboard_ready
        mov     $0xffff, %cx
2:      call    a20_on
        jne     1f
        loop    2b
        mov     $no_a20, %si
        jmp     fail
1:      ret
keyboard_ready:
        mov     $0xffff, %cx
1:      in      $0x64, %al
        test    $2, %al
        loopnz  1b
        ret
/* Not equal: 0x500 and 0x100500 are different bytes. */
a20_on: push    %ds
        push    %es
        xor     %ax, %ax
        mov     %ax, %ds
        dec     %ax
        mov     %ax, %es
        mov     0x500, %bx
        mov     %es:0x510, %dx
        mov     %bx, %ax
        not     %ax
        mov     %ax, %es:0x510
        cmp     0x500, %ax
        mov     $1, %ax
        jne     1f
        dec     %ax
1:      mov     %dx, %es:0x510
        mov     %bx, 0x500
        test    %ax, %ax
        pop     %es
        pop     %ds
        ret

/* --- from mbr.S: the command line, the payload, the root, then on as if a loader had done it ---------- */
from_disk:
        cli
        cld
        mov     %cs, %ax        /* the set-up's segment: mbr.S has jumped to it */
        mov     %ax, %ds
        rdtsc
        mov     %eax, entered
        mov     %edx, entered + 4
        mov     %cs, %ax
        mov     %ax, %es
        mov     %ax, %ss
        mov     $STACK_TOP, %sp
        sti
        xor     %ax, %ax
        mov     %ax, %fs
        movb    $0xff, 0x210    /* type_of_loader: one without a number */
        movl    $LOADER_DISK_MARK, came_from
        mov     %fs:MBR_AT + MBR_SIGNATURE, %eax
        mov     %eax, came_from + 4
        mov     %fs:MBR_AT + MBR_DISK + 20, %eax
        test    %eax, %eax
        jz      1f
        mov     $CMDLINE_AT / 16, %ax
        mov     %ax, %es
        mov     $1, %eax
        mov     $CMDLINE_SECTORS, %cx
        lcall   $0, $MBR_AT + MBR_READ
        movl    $CMDLINE_AT, cmd_line
1:      mov     %fs:MBR_AT + MBR_DISK + 4, %eax
        add     $SETUP_BYTES / 512, %eax
        mov     %fs:MBR_AT + MBR_DISK + 8, %ecx
        sub     $SETUP_BYTES / 512, %ecx
        mov     $PAYLOAD_AT, %edi
        call    load_high
        testb   $DISK_ROOT_STAYS, %fs:MBR_AT + MBR_DISK + 24
        jnz     2f
        mov     %fs:MBR_AT + MBR_DISK + 12, %eax
        test    %eax, %eax
        jz      2f
        mov     %fs:MBR_AT + MBR_DISK + 16, %ecx
        mov     $RAM_DISK_AT, %edi
        mov     %ecx, %edx
        shl     $9, %edx
        mov     %edi, ramdisk_image
        mov     %edx, ramdisk_size
        call    room_for_root
        call    load_high
2:      mov     %ds, %ax
        mov     %ax, %es
        jmp     with_segments

/* ecx sectors from sector eax on to physical address edi. */
load_high:
        jecxz   2f
1:      push    %ecx
        cmp     $BUFFER_SECTORS, %ecx
        jbe     3f
        mov     $BUFFER_SECTORS, %ecx
3:      mov     $BUFFER_AT / 16, %bx
        mov     %bx, %es
        push    %eax
        push    %ecx
        push    %edi
        lcall   $0, $MBR_AT + MBR_READ
        pop     %edi
        pop     %ecx
        push    %ecx
        mov     %edi, %eax      /* INT 15h, AH 87h: a copy above 1 MiB */
        mov     %ax, move_to
        shr     $16, %eax
        mov     %al, move_to + 2
        mov     %ah, move_to + 5
        shl     $8, %cx         /* in words */
        push    %ds
        pop     %es
        mov     $move_table, %si
        mov     $0x87, %ah
        int     $0x15
        mov     $no_move, %si
        jc      fail
        pop     %ecx
        pop     %eax
        add     %ecx, %eax
        mov     %ecx, %edx
        shl     $9, %edx
        add     %edx, %edi
        pop     %edx
        sub     %ecx, %edx
        mov     %edx, %ecx
        jnz     1b
2:      ret

/* Is [edi, edi + ecx sectors) memory? INT 15h, E801h: memory from 1 MiB to the first hole. */
room_for_root:
        pushal
        mov     $0xe801, %ax
        xor     %cx, %cx
        xor     %dx, %dx
        int     $0x15
        mov     $no_room, %si
        jc      fail
        test    %cx, %cx
        jnz     1f
        mov     %ax, %cx
        mov     %bx, %dx
1:      movzwl  %cx, %ecx       /* KiB above 1 MiB, at most 15 MiB */
        movzwl  %dx, %edx       /* 64 KiB above 16 MiB */
        shl     $10, %ecx
        add     $0x100000, %ecx
        test    %edx, %edx
        jz      2f
        shl     $16, %edx
        add     $0x1000000, %edx
        mov     %edx, %ecx
2:      mov     ramdisk_image, %eax
        add     ramdisk_size, %eax
        jc      fail
        cmp     %ecx, %eax
        ja      fail
        popal
        ret

/* ds = our segment. To the screen and COM1, and no further. */
fail:   lodsb
        test    %al, %al
        jz      1f
        mov     $0x3f8, %dx
        out     %al, %dx
        mov     $7, %bx
        mov     $0x0e, %ah
        int     $0x10
        jmp     fail
1:      hlt
        jmp     1b

no_map: .asciz  "osprey: the firmware tells no memory map\r\n"
no_a20: .asciz  "osprey: address line 20 stays off\r\n"
no_move: .asciz "osprey: the firmware cannot copy to high memory\r\n"
no_room: .asciz "osprey: too little memory for the root image\r\n"

        .balign 8
came_from:
        .long   0, 0            /* LOADER_DISK_MARK, the signature */
entered: .quad  0               /* the TSC */
gdt:    .quad   0, 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
        .word   31
        .long   0
move_table:                     /* AH 87h: dummy, its own, from, to, the BIOS's two */
        .quad   0, 0
        .word   0xffff
        .byte   BUFFER_AT & 0xff, BUFFER_AT >> 8 & 0xff, BUFFER_AT >> 16, 0x93
        .word   0
        .word   0xffff
move_to: .byte  0, 0, 0, 0x93, 0, 0
        .quad   0, 0
        .org    SETUP_BYTES
