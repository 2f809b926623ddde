/* span.c: a TCG plugin for QEMU that counts guest instructions between two addresses.
 *
 * -plugin libspan.so,start=0xADDR,end=0xLOW[-0xHIGH],out=FILE
 * Counting begins at the first execution of an instruction at `start` and ends at the first one
 * at an address of the range `end`; the count is written to FILE and QEMU exits with 0.
 * One processor is counted: the one that executes `start`.
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
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t idx);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

EXPORT int qemu_plugin_version = 1;

static uint64_t start, end_low, end_high;
static const char *out = "span.out";
static bool counting;
static unsigned boot_vcpu;
static uint64_t count;

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
    count = 0;
}

static void on_end(unsigned vcpu, void *unused)
{
    FILE *file;

    (void)vcpu, (void)unused;
    if (!counting)
        return;
    file = fopen(out, "w");
    if (file) {
        fprintf(file, "%lu\n", count);
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
        } else if (strncmp(argv[i], "out=", 4) == 0) {
            out = strdup(argv[i] + 4);
        } else {
            return -1;
        }
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    return 0;
}
