#include "lib/bpf.h"

#include "lib/endian.h"

enum { LD, LDX, ST, STX, ALU, JMP, RET, MISC, CLASS = 7 };
enum { IMM = 0x00, ABS = 0x20, IND = 0x40, MEM = 0x60, LEN = 0x80, MSH = 0xa0, MODE = 0xe0 };
enum { W = 0x00, H = 0x08, B = 0x10, SIZE = 0x18 };
enum {
    ADD = 0x00,
    SUB = 0x10,
    MUL = 0x20,
    DIV = 0x30,
    OR = 0x40,
    AND = 0x50,
    LSH = 0x60,
    RSH = 0x70,
    NEG = 0x80,
    MOD = 0x90,
    XOR = 0xa0
};
enum { JA = 0x00, JEQ = 0x10, JGT = 0x20, JGE = 0x30, JSET = 0x40 };
enum { X = 8, A = 0x10, TAX = 0x00, TXA = 0x80, OP = 0xf0, CELLS = 16 };

static bool valid_load(const struct bpf_insn *i, unsigned size, uint16_t written)
{
    switch (i->code & ~CLASS) {
    case IMM:
    case LEN:
        return true;
    case ABS:
        return (i->code & CLASS) == LD && i->k < size && i->k % 4 == 0;
    case MEM:
        return i->k < CELLS && written >> i->k & 1;
    default:
        return false;
    }
}

static bool valid_alu(const struct bpf_insn *i)
{
    if (i->code & ~(CLASS | X | OP))
        return false;
    switch (i->code & OP) {
    case ADD:
    case SUB:
    case MUL:
    case OR:
    case AND:
    case XOR:
        return true;
    case NEG:
        return !(i->code & X);
    case DIV:
        return i->code & X || i->k != 0;
    case LSH:
    case RSH:
        return i->code & X || i->k < 32;
    default:
        return false;
    }
}

/* Jumps go forward only; both ends must lie inside. */
static bool valid_jump(const struct bpf_insn *i, unsigned after)
{
    if ((i->code & ~CLASS) == JA)
        return i->k < after;
    if (i->code & ~(CLASS | X | OP) || (i->code & OP) == JA || (i->code & OP) > JSET)
        return false;
    return i->if_true < after && i->if_false < after;
}

static bool known_ancillary(uint32_t which)
{
    return which % 4 == 0 && which <= BPF_ANCILLARY_VLAN_PROTOCOL && which != 12 && which != 16 &&
           which != 52;
}

static bool valid_packet_load(const struct bpf_insn *i, uint16_t written)
{
    bool to_x = (i->code & CLASS) == LDX;
    unsigned size = i->code & SIZE;
    switch (i->code & MODE) {
    case IMM:
    case LEN:
        return size == W;
    case MEM:
        return size == W && i->k < CELLS && written >> i->k & 1;
    case ABS:
        return !to_x && size != SIZE &&
               (i->k < BPF_ANCILLARY || known_ancillary(i->k - BPF_ANCILLARY));
    case IND:
        return !to_x && size != SIZE;
    case MSH:
        return to_x && size == B;
    default:
        return false;
    }
}

static bool valid_packet_alu(const struct bpf_insn *i)
{
    if ((i->code & OP) == MOD && !(i->code & ~(CLASS | X | OP)))
        return i->code & X || i->k != 0;
    return valid_alu(i);
}

static bool valid_one(const struct bpf_insn *i, unsigned after, unsigned size, uint16_t written)
{
    switch (i->code & CLASS) {
    case LD:
    case LDX:
        return size ? valid_load(i, size, written) : valid_packet_load(i, written);
    case ST:
    case STX:
        return !(i->code & ~CLASS) && i->k < CELLS;
    case ALU:
        return size ? valid_alu(i) : valid_packet_alu(i);
    case JMP:
        return valid_jump(i, after);
    case RET:
        return i->code == RET || i->code == (RET | A);
    default:
        return i->code == (MISC | TAX) || i->code == (MISC | TXA);
    }
}

/* Where an instruction may lead, the cells that were written on every way there. */
static void pass_on(const struct bpf_insn *i, uint16_t written, uint16_t *at)
{
    if ((i->code & CLASS) == RET)
        return;
    if ((i->code & CLASS) != JMP) {
        at[1] &= written;
    } else if ((i->code & OP) == JA) {
        at[1 + i->k] &= written;
    } else {
        at[1 + i->if_true] &= written;
        at[1 + i->if_false] &= written;
    }
}

/* size 0: over packets. */
static bool valid(const struct bpf_insn *insns, unsigned n, unsigned size)
{
    static uint16_t written[BPF_MAX]; /* the caller lets one in at a time */

    if (n < 1 || n > BPF_MAX || (insns[n - 1].code & CLASS) != RET)
        return false;
    for (unsigned pc = 0; pc < n; pc++)
        written[pc] = 0xffff;
    written[0] = 0;
    for (unsigned pc = 0; pc < n; pc++) {
        const struct bpf_insn *i = &insns[pc];
        uint16_t cells = written[pc];
        if (!valid_one(i, n - pc - 1, size, cells))
            return false;
        if ((i->code & CLASS) == ST || (i->code & CLASS) == STX)
            cells |= (uint16_t)(1u << i->k);
        pass_on(i, cells, &written[pc]);
    }
    return true;
}

bool bpf_valid(const struct bpf_insn *insns, unsigned n, unsigned size)
{
    return size && valid(insns, n, size);
}

bool bpf_packet_valid(const struct bpf_insn *insns, unsigned n)
{
    return valid(insns, n, 0);
}

static uint32_t compute(unsigned op, uint32_t a, uint32_t b)
{
    switch (op) {
    case ADD:
        return a + b;
    case SUB:
        return a - b;
    case MUL:
        return a * b;
    case DIV:
        return a / b;
    case MOD:
        return a % b;
    case OR:
        return a | b;
    case AND:
        return a & b;
    case LSH:
        return a << (b & 31);
    case RSH:
        return a >> (b & 31);
    case XOR:
        return a ^ b;
    default:
        return -a;
    }
}

static bool holds(unsigned op, uint32_t a, uint32_t b)
{
    switch (op) {
    case JEQ:
        return a == b;
    case JGT:
        return a > b;
    case JGE:
        return a >= b;
    default:
        return a & b;
    }
}

static uint32_t load(const struct bpf_insn *i, const uint32_t *words, unsigned size,
                     const uint32_t *cells)
{
    switch (i->code & ~CLASS) {
    case ABS:
        return words[i->k / 4];
    case MEM:
        return cells[i->k];
    case LEN:
        return size;
    default:
        return i->k;
    }
}

uint32_t bpf_run(const struct bpf_insn *i, const uint32_t *words, unsigned size)
{
    uint32_t a = 0, x = 0, cells[CELLS] = {};

    for (;; i++) {
        uint32_t b = i->code & X ? x : i->k;
        switch (i->code & CLASS) {
        case LD:
            a = load(i, words, size, cells);
            break;
        case LDX:
            x = load(i, words, size, cells);
            break;
        case ST:
            cells[i->k] = a;
            break;
        case STX:
            cells[i->k] = x;
            break;
        case ALU:
            if ((i->code & OP) == DIV && b == 0)
                return 0;
            a = compute(i->code & OP, a, b);
            break;
        case JMP:
            if ((i->code & OP) == JA)
                i += i->k;
            else
                i += holds(i->code & OP, a, b) ? i->if_true : i->if_false;
            break;
        case RET:
            return i->code & A ? a : i->k;
        default:
            if ((i->code & ~CLASS) == TXA)
                a = x;
            else
                x = a;
        }
    }
}

/* --- over packets */

static bool load_bytes(unsigned code, const struct bpf_packet *packet, uint32_t offset,
                       uint32_t *value)
{
    uint8_t bytes[4];
    unsigned n = (code & SIZE) == W ? 4 : (code & SIZE) == H ? 2 : 1;
    if (!packet->read(packet, offset, bytes, n))
        return false;
    *value = n == 4 ? get_be32(bytes) : n == 2 ? get_be16(bytes) : bytes[0];
    return true;
}

struct registers {
    uint32_t a, x, cells[CELLS];
};

static bool load_ancillary(struct registers *r, const struct bpf_packet *packet, unsigned which)
{
    r->a = which == BPF_ANCILLARY_XOR ? r->a ^ r->x : packet->ancillary(packet, which, r->x);
    return true;
}

static bool load_a(const struct bpf_insn *i, const struct bpf_packet *packet, struct registers *r)
{
    switch (i->code & MODE) {
    case ABS:
        if (i->k >= BPF_ANCILLARY)
            return load_ancillary(r, packet, i->k - BPF_ANCILLARY);
        return load_bytes(i->code, packet, i->k, &r->a);
    case IND:
        return load_bytes(i->code, packet, r->x + i->k, &r->a);
    case MEM:
        r->a = r->cells[i->k];
        return true;
    case LEN:
        r->a = packet->len;
        return true;
    default:
        r->a = i->k;
        return true;
    }
}

static bool load_x(const struct bpf_insn *i, const struct bpf_packet *packet, struct registers *r)
{
    switch (i->code & MODE) {
    case MSH: /* four times the low half of a byte: the length of an IP header */
        if (!load_bytes(B, packet, i->k, &r->x))
            return false;
        r->x = (r->x & 15) * 4;
        return true;
    case MEM:
        r->x = r->cells[i->k];
        return true;
    case LEN:
        r->x = packet->len;
        return true;
    default:
        r->x = i->k;
        return true;
    }
}

uint32_t bpf_packet_run(const struct bpf_insn *i, const struct bpf_packet *packet)
{
    struct registers r = {};

    for (;; i++) {
        uint32_t b = i->code & X ? r.x : i->k;
        unsigned op = i->code & OP;
        switch (i->code & CLASS) {
        case LD:
            if (!load_a(i, packet, &r))
                return 0;
            break;
        case LDX:
            if (!load_x(i, packet, &r))
                return 0;
            break;
        case ST:
            r.cells[i->k] = r.a;
            break;
        case STX:
            r.cells[i->k] = r.x;
            break;
        case ALU:
            if ((op == DIV || op == MOD) && b == 0)
                return 0;
            r.a = compute(op, r.a, b);
            break;
        case JMP:
            if (op == JA)
                i += i->k;
            else
                i += holds(op, r.a, b) ? i->if_true : i->if_false;
            break;
        case RET:
            return i->code & A ? r.a : i->k;
        default:
            if ((i->code & ~CLASS) == TXA)
                r.a = r.x;
            else
                r.x = r.a;
        }
    }
}
