/* net/ip_param.h: the words ip= and ip6= of the kernel's command line. Pure; any context.
 *
 *     ip=CLIENT:SERVER:GATEWAY:NETMASK:HOSTNAME:DEVICE:AUTOCONF:DNS0:DNS1:NTP     as Linux has it
 *     ip=dhcp|on|any|both|off|none       for every interface that has no word of its own
 *     ip=DEVICE:dhcp|on|any|both|off|none
 *     ip6=ADDRESS/PREFIX[,GATEWAY[,DEVICE]]
 *     ip6=off[,DEVICE]
 *
 * Every field may be empty. CLIENT may be ADDRESS/PREFIX, NETMASK may be a number of bits. */
#pragma once

#include "net/address.h"

enum { IP_PARAM_NAME = 64, IP_PARAM_DEVICE = 15 };

enum ip_mode { IP_MODE_DHCP, IP_MODE_STATIC, IP_MODE_OFF };

struct ip_param {
    enum ip_mode mode;
    char device[IP_PARAM_DEVICE + 1]; /* "": the first that no other word names */
    bool all;                         /* a word without a device that holds for all the rest */
    struct inet_addr client, server, gateway, dns[2], ntp; /* all zero bytes: not given */
    unsigned prefix;                                       /* of client */
    char hostname[IP_PARAM_NAME + 1];                      /* "": not given */
};

/* 0; -EINVAL, and *field is the number (from 1) of the field that is wrong. */
int ip_param_parse(const char *text, struct ip_param *param, unsigned *field);
int ip6_param_parse(const char *text, struct ip_param *param, unsigned *field);

static inline bool ip_param_has(const struct inet_addr *a)
{
    return a->halves[0] | a->halves[1];
}
/* The bits of a netmask in network order, or -EINVAL where they are not one run. */
int ip_prefix_of_mask(uint32_t mask);
/* The mask of so many bits, in network order. */
uint32_t ip_mask_of_prefix(unsigned prefix);
/* The prefix that an address had by its class (RFC 791): what counts where no netmask is told. */
unsigned ip_class_prefix(uint32_t address);
