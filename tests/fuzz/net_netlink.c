// sources: kernel/net/netlink_message.c kernel/net/inet_diag_filter.c kernel/net/address.c
// sources: kernel/lib/format.c
// flags: -Ikernel
/* libFuzzer: messages of netlink with their attributes, and programs that choose sockets. The first
 * byte chooses. */
#include "net/inet_diag_filter.h"
#include "net/netlink_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
    if (!ok)
        __builtin_trap();
}

static void read_messages(const uint8_t *data, size_t size, size_t skip)
{
    struct nl_message m;
    struct nl_attr attrs[64];
    size_t at = 0;

    while (nl_next(data, size, &at, &m)) {
        need(m.payload + m.len <= data + size);
        nl_attrs(m.payload, m.len, skip, attrs, 64, NULL, skip & 1, NULL);
        for (unsigned i = 0; i < 64; i++)
            need(!attrs[i].data || attrs[i].data + attrs[i].len <= m.payload + m.len);
    }
}

static void filter(const uint8_t *data, size_t size)
{
    struct diag_subject subject = {.local_port = 80, .remote_port = 1000, .remote = inet_v4(1)};

    if (!diag_filter_check(data, size, true))
        diag_filter_run(data, size, &subject);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    if (data[0] & 1)
        read_messages(data + 1, size - 1, data[0] >> 1);
    else
        filter(data + 1, size - 1);
    return 0;
}
