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
/* Who connects or listens. */
struct socket_cred caller_cred(void);
/* A socket with its file; on failure neither. flags: SOCK_NONBLOCK. */
int socket_make(int family, int type, int protocol, int flags, struct file **file);
/* Wait for a connection and make it a file; addr, len_addr as in accept(2). */
int socket_accept(struct socket *socket, bool nonblock, int flags, uintptr_t addr,
                  uintptr_t len_addr, struct file **file);

/* struct msghdr of the program. */
struct user_message {
    uint64_t name;
    int32_t name_len;
    uint32_t pad1;
    uint64_t iov, iov_len, control, control_len;
    uint32_t flags, pad2;
};
/* sendmsg(2) of the bytes of io, with address and control data as the header says. */
int64_t message_send(struct socket *socket, const struct user_message *header, struct io *io,
                     unsigned flags, bool nonblock);
/* recvmsg(2) into io; name and control data go where the header says, which learns their lengths
 * and the flags. */
int64_t message_receive(struct socket *socket, struct user_message *header, struct io *io,
                        unsigned flags, bool nonblock);
/* Tell the program what message_receive() found out. -EFAULT. */
int message_put_header(uintptr_t at, const struct user_message *header);
