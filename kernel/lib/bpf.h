/* lib/bpf.h: classic BPF programs over one record of 32-bit words (man 2 seccomp), and over packets
 * (McCanne and Jacobson 1993; man 7 socket, SO_ATTACH_FILTER). Pure code. */
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

/* A packet as a program sees it. */
struct bpf_packet {
    uint32_t len;
    /* Copy n (1, 2, 4) bytes from offset; false: it does not have them. Offsets from BPF_LINK and
     * BPF_NETWORK on count from these headers. */
    bool (*read)(const struct bpf_packet *packet, uint32_t offset, void *buf, unsigned n);
    /* What is known of it beside its bytes: a BPF_ANCILLARY_*. a, x: the registers. */
    uint32_t (*ancillary)(const struct bpf_packet *packet, unsigned which, uint32_t x);
};
enum { /* SKF_AD_* */
       BPF_ANCILLARY_PROTOCOL = 0,
       BPF_ANCILLARY_KIND = 4,
       BPF_ANCILLARY_IFINDEX = 8,
       BPF_ANCILLARY_MARK = 20,
       BPF_ANCILLARY_QUEUE = 24,
       BPF_ANCILLARY_TYPE = 28,
       BPF_ANCILLARY_HASH = 32,
       BPF_ANCILLARY_CPU = 36,
       BPF_ANCILLARY_XOR = 40, /* a ^ x: done here */
       BPF_ANCILLARY_VLAN = 44,
       BPF_ANCILLARY_VLAN_PRESENT = 48,
       BPF_ANCILLARY_RANDOM = 56,
       BPF_ANCILLARY_VLAN_PROTOCOL = 60,
};
#define BPF_ANCILLARY 0xfffff000u /* SKF_AD_OFF */
#define BPF_NETWORK   0xfff00000u /* SKF_NET_OFF */
#define BPF_LINK      0xffe00000u /* SKF_LL_OFF */

/* Does it end, whatever the packet? The caller lets one in at a time (with bpf_valid). */
bool bpf_packet_valid(const struct bpf_insn *insns, unsigned n);
/* The value it returns: how many bytes to keep; 0 if it reads what the packet does not have. */
uint32_t bpf_packet_run(const struct bpf_insn *insns, const struct bpf_packet *packet);
