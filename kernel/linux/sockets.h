/* linux/sockets.h: what the files of socket calls share (socket.c, message.c). Threads only. */
#pragma once

#include "linux/fd.h"
#include "net/socket.h"

/* The socket of a descriptor: -EBADF, -ENOTSOCK. Give ref back with fd_return(). */
int socket_borrow(int fd, struct fd_ref *ref, struct socket **socket);
/* Who sends a message. */
struct socket_cred sender_cred(void);
/* An address from the program: -EINVAL for a bad length, -EFAULT. */
int address_get(struct socket_address *address, uintptr_t addr, int len);
/* An address to the program, as far as it has room: *len_addr is the room, then the whole length.
 * addr 0: not wanted. -EFAULT, -EINVAL. */
int address_put(const struct socket_address *address, uintptr_t addr, uintptr_t len_addr);
