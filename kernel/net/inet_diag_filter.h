/* net/inet_diag_filter.h: the little programs by which `ss` chooses sockets
 * (INET_DIAG_REQ_BYTECODE). Pure; any context. */
#pragma once

#include "net/address.h"

/* What a program looks at. Ports in host order. */
struct diag_subject {
    bool v6; /* an AF_INET6 socket: addresses as it shows them */
    struct inet_addr local, remote;
    uint16_t local_port, remote_port;
    unsigned netif;
    uint32_t mark;
    bool chosen_port; /* the port was not asked for by the program */
};
/* Is it a program? -EINVAL. (admin: it may ask for marks; -EPERM.) */
int diag_filter_check(const uint8_t *code, size_t len, bool admin);
/* Run one that was checked. */
bool diag_filter_run(const uint8_t *code, size_t len, const struct diag_subject *subject);
