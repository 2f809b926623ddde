/* linux/io_uring_ops.c: the table of operations. */
#include "linux/io_uring.h"

#include "linux/sockets.h"

URING_ISSUE(issue_nop)
{
    return 0;
}

/* Commands that a device driver defines, and sends without a copy: nothing here has them. */
URING_ISSUE(issue_unsupported)
{
    if (req->sqe.opcode != OP_URING_CMD && !socket_of(req->file))
        return -ENOTSOCK;
    return -EOPNOTSUPP;
}

enum { ZERO_PLACE = ZERO_OFF | ZERO_ADDR | ZERO_LEN };

#define RW(nr, direction)                                                                          \
    [nr] = {.prep = prep_rw,                                                                       \
            .issue = issue_rw,                                                                     \
            .stable = rw_stable,                                                                   \
            .needs_file = true,                                                                    \
            .ioprio = true,                                                                        \
            .iopoll = true,                                                                        \
            .poll = direction,                                                                     \
            .select = (direction) == POLLIN}
#define NAMES(nr, zeros)                                                                           \
    [nr] = {.prep = prep_names,                                                                    \
            .issue = issue_names,                                                                  \
            .stable = names_stable,                                                                \
            .cleanup = names_cleanup,                                                              \
            .zero = ZERO_BUF | ZERO_FILE_INDEX | (zeros)}
#define XATTR(nr, needs)                                                                           \
    [nr] = {.prep = prep_xattr,                                                                    \
            .issue = issue_xattr,                                                                  \
            .stable = names_stable,                                                                \
            .cleanup = names_cleanup,                                                              \
            .needs_file = needs}
#define MESSAGE(nr, how, direction)                                                                \
    [nr] = {.prep = prep_message,                                                                  \
            .issue = how,                                                                          \
            .stable = message_stable,                                                              \
            .needs_file = true,                                                                    \
            .ioprio = true,                                                                        \
            .poll = direction,                                                                     \
            .select = (direction) == POLLIN}

const struct uring_op uring_ops[OPS] = {
    [OP_NOP] = {.issue = issue_nop, .iopoll = true, .never_async = true},
    RW(OP_READV, POLLIN),
    RW(OP_WRITEV, POLLOUT),
    RW(OP_READ_FIXED, POLLIN),
    RW(OP_WRITE_FIXED, POLLOUT),
    RW(OP_READ, POLLIN),
    RW(OP_WRITE, POLLOUT),
    [OP_FSYNC] = {.prep = prep_fsync,
                  .issue = issue_fsync,
                  .needs_file = true,
                  .zero = ZERO_ADDR | ZERO_BUF | ZERO_FILE_INDEX},
    [OP_SYNC_FILE_RANGE] = {.issue = issue_sync_range,
                            .needs_file = true,
                            .zero = ZERO_ADDR | ZERO_BUF | ZERO_FILE_INDEX},
    [OP_FALLOCATE] = {.issue = issue_fallocate,
                      .needs_file = true,
                      .zero = ZERO_FLAGS | ZERO_BUF | ZERO_FILE_INDEX},
    [OP_FADVISE] = {.issue = issue_fadvise,
                    .needs_file = true,
                    .zero = ZERO_ADDR | ZERO_BUF | ZERO_FILE_INDEX},
    [OP_MADVISE] = {.issue = issue_madvise, .zero = ZERO_OFF | ZERO_BUF | ZERO_FILE_INDEX},
    [OP_POLL_ADD] = {.prep = prep_poll_add,
                     .issue = issue_poll_add,
                     .needs_file = true,
                     .never_async = true,
                     .zero = ZERO_OFF | ZERO_ADDR | ZERO_BUF},
    [OP_POLL_REMOVE] = {.prep = prep_poll_remove,
                        .issue = issue_poll_remove,
                        .never_async = true,
                        .zero = ZERO_BUF | ZERO_FILE_INDEX},
    MESSAGE(OP_SENDMSG, issue_send, POLLOUT),
    MESSAGE(OP_SEND, issue_send, POLLOUT),
    MESSAGE(OP_RECVMSG, issue_recv, POLLIN),
    MESSAGE(OP_RECV, issue_recv, POLLIN),
    [OP_TIMEOUT] = {.prep = prep_timeout,
                    .issue = issue_timeout,
                    .never_async = true,
                    .zero = ZERO_BUF | ZERO_FILE_INDEX},
    [OP_LINK_TIMEOUT] = {.prep = prep_timeout,
                         .issue = issue_timeout,
                         .never_async = true,
                         .zero = ZERO_BUF | ZERO_FILE_INDEX},
    [OP_TIMEOUT_REMOVE] = {.prep = prep_timeout_remove,
                           .issue = issue_timeout_remove,
                           .never_async = true,
                           .zero = ZERO_BUF | ZERO_LEN | ZERO_FILE_INDEX},
    [OP_ASYNC_CANCEL] = {.prep = prep_cancel,
                         .issue = issue_cancel,
                         .never_async = true,
                         .zero = ZERO_OFF | ZERO_LEN | ZERO_FILE_INDEX},
    [OP_ACCEPT] = {.prep = prep_accept,
                   .issue = issue_accept,
                   .needs_file = true,
                   .ioprio = true,
                   .poll = POLLIN,
                   .zero = ZERO_LEN | ZERO_BUF},
    [OP_CONNECT] = {.prep = prep_connect,
                    .issue = issue_connect,
                    .stable = connect_stable,
                    .needs_file = true,
                    .poll = POLLOUT,
                    .zero = ZERO_LEN | ZERO_BUF | ZERO_FLAGS | ZERO_FILE_INDEX},
    [OP_SOCKET] = {.prep = prep_socket,
                   .issue = issue_socket,
                   .zero = ZERO_ADDR | ZERO_FLAGS | ZERO_BUF},
    [OP_SHUTDOWN] = {.issue = issue_shutdown,
                     .needs_file = true,
                     .zero = ZERO_OFF | ZERO_ADDR | ZERO_FLAGS | ZERO_BUF | ZERO_FILE_INDEX},
    [OP_OPENAT] = {.prep = prep_open,
                   .issue = issue_open,
                   .stable = names_stable,
                   .cleanup = names_cleanup,
                   .zero = ZERO_BUF},
    [OP_OPENAT2] = {.prep = prep_open,
                    .issue = issue_open,
                    .stable = names_stable,
                    .cleanup = names_cleanup,
                    .zero = ZERO_BUF},
    [OP_CLOSE] = {.prep = prep_close,
                  .issue = issue_close,
                  .zero = ZERO_PLACE | ZERO_FLAGS | ZERO_BUF},
    [OP_STATX] = {.prep = prep_statx,
                  .issue = issue_statx,
                  .stable = names_stable,
                  .cleanup = names_cleanup,
                  .zero = ZERO_BUF | ZERO_FILE_INDEX},
    [OP_EPOLL_CTL] = {.issue = issue_epoll_ctl,
                      .stable = epoll_stable,
                      .zero = ZERO_BUF | ZERO_FILE_INDEX},
    [OP_SPLICE] = {.prep = prep_splice, .issue = issue_splice, .needs_file = true},
    [OP_TEE] = {.prep = prep_splice, .issue = issue_splice, .needs_file = true},
    [OP_PROVIDE_BUFFERS] = {.prep = prep_provide,
                            .issue = issue_provide,
                            .iopoll = true,
                            .never_async = true,
                            .zero = ZERO_FLAGS | ZERO_FILE_INDEX},
    [OP_REMOVE_BUFFERS] = {.prep = prep_remove,
                           .issue = issue_remove,
                           .iopoll = true,
                           .never_async = true,
                           .zero = ZERO_PLACE | ZERO_FLAGS | ZERO_FILE_INDEX},
    [OP_FILES_UPDATE] = {.prep = prep_files_update,
                         .issue = issue_files_update,
                         .iopoll = true,
                         .never_async = true,
                         .zero = ZERO_FLAGS | ZERO_FILE_INDEX},
    NAMES(OP_RENAMEAT, 0),
    NAMES(OP_UNLINKAT, ZERO_OFF | ZERO_LEN),
    NAMES(OP_MKDIRAT, ZERO_OFF | ZERO_FLAGS),
    NAMES(OP_SYMLINKAT, ZERO_LEN | ZERO_FLAGS),
    NAMES(OP_LINKAT, 0),
    [OP_MSG_RING] = {.prep = prep_msg_ring,
                     .issue = issue_msg_ring,
                     .needs_file = true,
                     .iopoll = true,
                     .zero = ZERO_BUF},
    XATTR(OP_FSETXATTR, true),
    XATTR(OP_SETXATTR, false),
    XATTR(OP_FGETXATTR, true),
    XATTR(OP_GETXATTR, false),
    [OP_URING_CMD] = {.issue = issue_unsupported, .needs_file = true, .iopoll = true},
    [OP_SEND_ZC] = {.issue = issue_unsupported, .needs_file = true, .ioprio = true},
    [OP_SENDMSG_ZC] = {.issue = issue_unsupported, .needs_file = true, .ioprio = true},
};
