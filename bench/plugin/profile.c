/* profile.c: a TCG plugin for QEMU that counts how often each translated block runs.
 *
 * -plugin libprofile.so,out=FILE
 * FILE is mapped and always holds the present counts: records of three 64-bit words, the address of
 * a block, its number of instructions, how often it was entered. An address may have several
 * records. bench/profile.py makes instructions per function of the difference of two copies.
 *
 * Debian's QEMU has plugins built in but ships no header; see span.c. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

typedef void (*qemu_plugin_vcpu_tb_trans_cb_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_tb_trans_cb_t cb);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, enum qemu_plugin_op op,
                                              void *ptr, uint64_t imm);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);

EXPORT int qemu_plugin_version = 1;

enum { RECORDS = 2 << 20 };

struct record {
    uint64_t address, insns, entered;
};

static struct record *records;
static atomic_size_t used;

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t at = atomic_fetch_add(&used, 1);

    (void)id;
    if (at >= RECORDS)
        return;
    records[at].address = qemu_plugin_tb_vaddr(tb);
    records[at].insns = qemu_plugin_tb_n_insns(tb);
    qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &records[at].entered,
                                             1);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    size_t size = RECORDS * sizeof(struct record);
    int fd = -1;

    (void)info;
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], "out=", 4) == 0)
            fd = open(argv[i] + 4, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || ftruncate(fd, size))
        return -1;
    records = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (records == MAP_FAILED)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    return 0;
}
