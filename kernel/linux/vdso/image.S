/* The finished vDSO, at the start of the image, so that it begins a page (boot/kernel.ld). */
        .section .text.vdso, "a"
        .globl  vdso_image, vdso_image_end
vdso_image:
        .incbin VDSO_FILE
vdso_image_end:
        .section .note.GNU-stack, "", @progbits
