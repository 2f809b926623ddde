/* The finished vDSO as pages of the kernel's constants. */
        .section .rodata.page, "a"
        .balign 4096
        .globl  vdso_image, vdso_image_end
vdso_image:
        .incbin VDSO_FILE
        .balign 4096
vdso_image_end:
        .section .note.GNU-stack, "", @progbits
