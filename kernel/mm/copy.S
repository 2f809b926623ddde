/* Copies that may fault. Each returns in rax how many bytes were left over. What cannot be done in
 * words is done again by bytes, so that a fault in the middle is exact to the byte. */

        .text

/* size_t copy_fallible(void *dst, const void *src, size_t n): rdi, rsi, rdx */
        .globl  copy_fallible
        .type   copy_fallible, @function
        .balign 16
copy_fallible:
        cmp     $16, %rdx
        ja      2f
        cmp     $8, %edx
        jb      1f
10:     mov     (%rsi), %rax
11:     mov     -8(%rsi, %rdx), %rcx
12:     mov     %rax, (%rdi)
13:     mov     %rcx, -8(%rdi, %rdx)
        xor     %eax, %eax
        ret
1:      cmp     $4, %edx
        jb      3f
20:     mov     (%rsi), %eax
21:     mov     -4(%rsi, %rdx), %ecx
22:     mov     %eax, (%rdi)
23:     mov     %ecx, -4(%rdi, %rdx)
        xor     %eax, %eax
        ret
2:      mov     %rdx, %rcx
        and     $7, %edx
        shr     $3, %rcx
30:     rep movsq
        mov     %edx, %ecx
31:     rep movsb
        xor     %eax, %eax
        ret
3:      mov     %edx, %ecx
32:     rep movsb
        xor     %eax, %eax
        ret

4:      mov     %rdx, %rcx              /* start again, by bytes */
33:     rep movsb
        xor     %eax, %eax
        ret
5:      lea     (%rdx, %rcx, 8), %rcx   /* go on by bytes */
34:     rep movsb
        xor     %eax, %eax
        ret
6:      mov     %rcx, %rax
        ret

/* size_t zero_fallible(void *dst, size_t n): rdi, rsi */
        .globl  zero_fallible
        .type   zero_fallible, @function
        .balign 16
zero_fallible:
        xor     %eax, %eax
        mov     %rsi, %rcx
        and     $7, %esi
        shr     $3, %rcx
40:     rep stosq
        mov     %esi, %ecx
41:     rep stosb
        ret
7:      lea     (%rsi, %rcx, 8), %rcx
42:     rep stosb
        ret

        .pushsection .fixup, "a"
        .balign 4
        .long   10b - ., 4b - .
        .long   11b - ., 4b - .
        .long   12b - ., 4b - .
        .long   13b - ., 4b - .
        .long   20b - ., 4b - .
        .long   21b - ., 4b - .
        .long   22b - ., 4b - .
        .long   23b - ., 4b - .
        .long   30b - ., 5b - .
        .long   31b - ., 6b - .
        .long   32b - ., 6b - .
        .long   33b - ., 6b - .
        .long   34b - ., 6b - .
        .long   40b - ., 7b - .
        .long   41b - ., 6b - .
        .long   42b - ., 6b - .
        .popsection
        .section .note.GNU-stack, "", @progbits
