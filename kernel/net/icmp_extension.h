/* net/icmp_extension.h: what stands behind the packet that an ICMP error quotes (RFC 4884). Pure.
 */
#pragma once

#include "lib/types.h"

enum { ICMP_EXTENSION_INVALID = 1 << 16 };
/* An error from its first byte on; payload: what is left of the quoted packet's own payload (at
 * least 8 bytes behind that), len bytes up to the message's end. Where in the payload extensions
 * begin, and INVALID if they are broken, as struct sock_ee_data_rfc4884 has it; 0: there are none.
 */
uint32_t icmp_extension(const uint8_t *icmp, bool v6, const uint8_t *payload, unsigned len);
