/* span.c: a TCG plugin for QEMU that counts guest instructions between two addresses.
 *
 * -plugin libspan.so,start=0xADDR,end=0xLOW[-0xHIGH],out=FILE[,mark=0xLOW-0xHIGH]
 * Counting begins at the first execution of an instruction at `start` and ends at the first one
 * at an address of the range `end`; the count is written to FILE and QEMU exits with 0.
 * One processor is counted: the one that executes `start`. Behind the count stand the exits to a
 * hypervisor that these instructions would have been under KVM (ports, CPUID, MSRs, HLT, XSETBV,
 * control registers; of the kernel also accesses to devices in memory): an upper bound, as real
 * ones leave some MSRs to the guest. With `mark` two more numbers follow: both counts at the first
 * instruction of that range.
 *
 * Debian's QEMU has plugins built in but ships no header; the declarations below are the few
 * that are needed of the interface, version 1 (QEMU's documentation, "TCG Plugins").
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

typedef void (*qemu_plugin_vcpu_tb_trans_cb_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*qemu_plugin_vcpu_udata_cb_t)(unsigned vcpu, void *userdata);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_tb_trans_cb_t cb);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, qemu_plugin_vcpu_udata_cb_t cb,
                                          enum qemu_plugin_cb_flags flags, void *userdata);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
                                            qemu_plugin_vcpu_udata_cb_t cb,
                                            enum qemu_plugin_cb_flags flags, void *userdata);
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_RW = 3 };
struct qemu_plugin_hwaddr;
typedef uint32_t qemu_plugin_meminfo_t;
typedef void (*qemu_plugin_vcpu_mem_cb_t)(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t vaddr,
                                          void *userdata);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, qemu_plugin_vcpu_mem_cb_t cb,
                                      enum qemu_plugin_cb_flags flags, enum qemu_plugin_mem_rw rw,
                                      void *userdata);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t info, uint64_t vaddr);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *addr);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t idx);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

EXPORT int qemu_plugin_version = 1;

static uint64_t start, end_low, end_high, mark_low, mark_high;
static const char *out = "span.out";
static bool counting;
static unsigned boot_vcpu;
static uint64_t count, exits, count_at_mark, exits_at_mark;
static bool marked;

static void on_block(unsigned vcpu, void *insns)
{
    if (counting && vcpu == boot_vcpu)
        count += (uintptr_t)insns;
}

static void on_start(unsigned vcpu, void *unused)
{
    (void)unused;
    if (counting)
        return;
    counting = true;
    boot_vcpu = vcpu;
    count = exits = 0;
}

static void on_mark(unsigned vcpu, void *unused)
{
    (void)unused;
    if (!counting || marked || vcpu != boot_vcpu)
        return;
    marked = true;
    count_at_mark = count;
    exits_at_mark = exits;
}

static void on_exit_instruction(unsigned vcpu, void *unused)
{
    (void)unused;
    if (counting && vcpu == boot_vcpu)
        exits++;
}

/* Repeated, it is one exit (KVM: up to 1 KiB in, a page out), but executed again for each step:
 * nothing else comes between. */
static void on_string_port(unsigned vcpu, void *at)
{
    static void *last;
    static uint64_t last_count;

    if (!counting || vcpu != boot_vcpu)
        return;
    if (at != last || count != last_count + 1)
        exits++;
    last = at;
    last_count = count;
}

static void on_memory(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t vaddr, void *unused)
{
    struct qemu_plugin_hwaddr *at;

    (void)unused;
    if (counting && vcpu == boot_vcpu && (at = qemu_plugin_get_hwaddr(info, vaddr)) &&
        qemu_plugin_hwaddr_is_io(at))
        exits++;
}

/* INS, OUTS, repeated. */
static bool is_string_port(const struct qemu_plugin_insn *insn)
{
    const uint8_t *p = qemu_plugin_insn_data(insn), *end = p + qemu_plugin_insn_size(insn);
    bool repeated = false;

    for (; p < end && (*p == 0x66 || *p == 0x67 || *p == 0xf2 || *p == 0xf3); p++)
        repeated |= *p >= 0xf2;
    return p < end && repeated && *p >= 0x6c && *p <= 0x6f;
}

/* Does it leave the guest? (SDM 3C, 25.1: those that KVM has leave.) */
static bool leaves(const struct qemu_plugin_insn *insn)
{
    const uint8_t *p = qemu_plugin_insn_data(insn), *end = p + qemu_plugin_insn_size(insn);

    while (p < end && (*p == 0x66 || *p == 0x67 || *p == 0xf2 || *p == 0xf3 || (*p & 0xf0) == 0x40))
        p++;
    if (p >= end)
        return false;
    if ((*p >= 0xe4 && *p <= 0xe7) || (*p >= 0xec && *p <= 0xef) || (*p >= 0x6c && *p <= 0x6f) ||
        *p == 0xf4)
        return true; /* ports, HLT */
    if (*p != 0x0f || end - p < 2)
        return false;
    return p[1] == 0xa2 || p[1] == 0x30 || p[1] == 0x32 || p[1] == 0x08 ||
           p[1] == 0x09 || /* CPUID, MSRs, caches */
           (p[1] == 0x22 && end - p > 2 && (p[2] >> 3 & 7) != 3 && (p[2] >> 3 & 7) != 2) ||
           (p[1] == 0x01 && end - p > 2 && p[2] == 0xd1); /* control registers, XSETBV */
}

static void on_end(unsigned vcpu, void *unused)
{
    FILE *file;

    (void)vcpu, (void)unused;
    if (!counting)
        return;
    file = fopen(out, "w");
    if (file) {
        if (mark_high)
            fprintf(file, "%lu %lu %lu %lu\n", count, exits, count_at_mark, exits_at_mark);
        else
            fprintf(file, "%lu %lu\n", count, exits);
        fclose(file);
    }
    _exit(0);
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t n = qemu_plugin_tb_n_insns(tb);

    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, QEMU_PLUGIN_CB_NO_REGS,
                                         (void *)(uintptr_t)n);
    for (size_t i = 0; i < n; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t at = qemu_plugin_insn_vaddr(insn);

        if (at == start)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_start, QEMU_PLUGIN_CB_NO_REGS, NULL);
        if (at >= mark_low && at < mark_high && !marked)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, QEMU_PLUGIN_CB_NO_REGS, NULL);
        if (leaves(insn))
            qemu_plugin_register_vcpu_insn_exec_cb(
                insn, is_string_port(insn) ? on_string_port : on_exit_instruction,
                QEMU_PLUGIN_CB_NO_REGS, (void *)(uintptr_t)at);
        if (at >> 47)
            qemu_plugin_register_vcpu_mem_cb(insn, on_memory, QEMU_PLUGIN_CB_NO_REGS,
                                             QEMU_PLUGIN_MEM_RW, NULL);
        if (at >= end_low && at < end_high)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_end, QEMU_PLUGIN_CB_NO_REGS, NULL);
    }
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        char *rest;

        if (strncmp(argv[i], "start=", 6) == 0) {
            start = strtoull(argv[i] + 6, NULL, 0);
        } else if (strncmp(argv[i], "end=", 4) == 0) {
            end_low = strtoull(argv[i] + 4, &rest, 0);
            end_high = *rest == '-' ? strtoull(rest + 1, NULL, 0) : end_low + 1;
        } else if (strncmp(argv[i], "mark=", 5) == 0) {
            mark_low = strtoull(argv[i] + 5, &rest, 0);
            mark_high = *rest == '-' ? strtoull(rest + 1, NULL, 0) : mark_low + 1;
        } else if (strncmp(argv[i], "out=", 4) == 0) {
            out = strdup(argv[i] + 4);
        } else {
            return -1;
        }
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    return 0;
}
