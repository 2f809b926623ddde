/* mbr.S: the first sector of a disk. Loads the set-up of osprey.bin (8 sectors) and goes to its
 * DISK_ENTRY; lends it the reading of sectors and the last words. INT 13h with EDD 3.0's packets, or
 * cylinders, heads and sectors where the BIOS has no packets. */
#include "loader/layout.h"

#define DAP     0x500           /* disk address packet, and the message's number */

        .code16
        .text
        .globl  _start
_start:
        cli
        xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %es
        ljmp    $0, $MBR_AT + begin - _start

        .org    MBR_READ
        call    read
        lret
        .org    MBR_FAIL
        jmp     fail

begin:  mov     %ax, %ss
        mov     $MBR_AT, %sp
        sti
        cld
        mov     %dl, MBR_AT + drive - _start
        mov     $0x41, %ah      /* packets? */
        mov     $0x55aa, %bx
        int     $0x13
        jc      1f
        cmp     $0xaa55, %bx
        jne     1f
        test    $1, %cl
        jz      1f
        incb    MBR_AT + packets - _start
        jmp     2f
1:      mov     $8, %ah         /* the drive's geometry */
        mov     MBR_AT + drive - _start, %dl
        xor     %di, %di
        int     $0x13
        jc      bad_disk
        and     $0x3f, %cx
        mov     %cx, MBR_AT + per_track - _start
        mov     %dh, %cl
        inc     %cx
        mov     %cx, MBR_AT + heads - _start
2:      mov     $SETUP_SEGMENT, %ax
        mov     %ax, %es
        mov     MBR_AT + MBR_DISK + 4, %eax
        mov     $SETUP_BYTES / 512, %cx
        call    read
        cmpl    $0x53726448, %es:0x202  /* "HdrS" */
        mov     $MBR_AT + no_kernel - _start, %si
        jne     fail
        ljmp    $SETUP_SEGMENT, $DISK_ENTRY

/* cx sectors from sector eax on to es:0. Keeps everything but eax, ecx. */
read:   pushal
        push    %ds
        push    %es
        xor     %bx, %bx
        mov     %bx, %ds
        cmpb    $0, MBR_AT + packets - _start
        je      3f
        mov     $DAP, %si
        movl    $0x10, (%si)    /* its size */
        mov     %cx, 2(%si)
        mov     %bx, 4(%si)
        mov     %es, 6(%si)
        mov     %eax, 8(%si)
        mov     %ebx, 12(%si)
        mov     $0x42, %ah
        mov     MBR_AT + drive - _start, %dl
        int     $0x13
        jc      bad_disk
        jmp     4f
3:      push    %cx             /* sector by sector */
        push    %eax
        xor     %edx, %edx
        movzwl  MBR_AT + per_track - _start, %ecx
        div     %ecx
        mov     %dl, %ch
        inc     %ch             /* its sector */
        push    %cx
        xor     %edx, %edx
        movzwl  MBR_AT + heads - _start, %ecx
        div     %ecx
        pop     %cx
        cmp     $1023, %eax
        ja      bad_disk
        mov     %dl, %dh        /* its head */
        mov     %ch, %cl
        mov     %al, %ch        /* its cylinder */
        shl     $6, %ah
        or      %ah, %cl
        mov     MBR_AT + drive - _start, %dl
        mov     $0x0201, %ax
        int     $0x13
        jc      bad_disk
        pop     %eax
        pop     %cx
        add     $512, %bx
        inc     %eax
        dec     %cx
        jnz     3b
4:      pop     %es
        pop     %ds
        popal
        ret

bad_disk:
        xor     %ax, %ax
        mov     %ax, %ds
        mov     $MBR_AT + disk_error - _start, %si
fail:   lodsb                   /* to the screen and COM1, and that is all */
        test    %al, %al
        jz      2f
        mov     $0x3f8, %dx
        out     %al, %dx
        mov     $7, %bx
        mov     $0x0e, %ah
        int     $0x10
        jmp     fail
2:      hlt
        jmp     2b

disk_error:
        .asciz  "osprey: the disk cannot be read\r\n"
no_kernel:
        .asciz  "osprey: no kernel on this disk\r\n"
drive:  .byte   0
packets: .byte  0
per_track: .word 0
heads:  .word   0

        .org    MBR_DISK
        .long   0x4450534f, 0, 0, 0, 0, 0, 0
        .org    0x1b8           /* the disk's signature and four partitions: osprey build's */
        .fill   70, 1, 0
        .word   0xaa55
