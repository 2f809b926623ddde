/* host/network.h: how the VM is connected: what the options say, QEMU's words and the kernel's. */
#pragma once

#include "text.h"

#include <stdint.h>

enum net_mode { NET_AUTO, NET_NONE, NET_USER, NET_TAP };
enum nic {
    NIC_AUTO,
    NIC_MMIO,
    NIC_LEGACY,
    NIC_MODERN,
    NIC_PACKED,
    NIC_E1000,
    NIC_E1000E,
    NIC_VMXNET3
};

/* A port of the host that leads to one of the guest. */
struct forward {
    uint32_t address;     /* of the host, in host order; 0: all */
    unsigned host, guest; /* host 0: any that is free */
    bool udp;
};
enum { FORWARDS_MAX = 256 };

struct network {
    enum net_mode mode;
    const char *tap; /* the interface's name */
    enum nic nic;
    struct forward *forward;
    unsigned nforwards;
    bool has_mac;
    uint8_t mac[6];
    bool dhcp;
    uint32_t address, gateway; /* host order; 0: not told */
    unsigned prefix;
    const char *dump; /* a file for the frames, or NULL */
    unsigned queues;  /* of a tap: 0 until network_prepare() */
};

/* Values of options: false if they are none. [ADDR:]HOST:GUEST[/tcp|/udp], or GUEST alone for any
 * free port of the host; user|tap=IF|none; six bytes in hexadecimal; ADDR/PREFIX[,GATEWAY] or dhcp;
 * the name of an enum nic. */
bool network_publish(struct network *network, const char *value);
bool network_mode(struct network *network, const char *value);
bool network_mac(struct network *network, const char *value);
bool network_ip(struct network *network, const char *value);
bool network_nic(struct network *network, const char *value);

/* Does the device exist on PCI only? */
bool network_needs_pci(const struct network *network);

/* What is wrong with the options as a whole; NULL: nothing. `pci`: the machine has PCI, -1: it may
 * be chosen to have. */
const char *network_fault(const struct network *network, int pci);

/* Is there a network interface? */
bool network_there(const struct network *network);

/* Look whether ports are free and the tap can be used; choose free ports where asked to and say
 * which. Ends the command if something is wrong. */
void network_prepare(struct network *network, unsigned cpus);

/* QEMU's words; `mmio`: the machine has no PCI. */
void network_qemu_words(const struct network *network, bool mmio, struct words *words);
/* The kernel's word `ip=`; hostname may be NULL. */
void network_kernel_words(const struct network *network, const char *hostname, struct text *line);
