/* linux/bpf.h: classic BPF programs over one record of 32-bit words (man 2 seccomp). Pure code. */
#pragma once

#include "lib/types.h"

enum { BPF_MAX = 4096 };
struct bpf_insn {
    uint16_t code;
    uint8_t if_true, if_false;
    uint32_t k;
};

/* May it run over a record of `size` bytes? Then it ends, and reads nothing else. */
bool bpf_valid(const struct bpf_insn *insns, unsigned n, unsigned size);
/* The value it returns. The program must be valid. */
uint32_t bpf_run(const struct bpf_insn *insns, const uint32_t *words, unsigned size);
