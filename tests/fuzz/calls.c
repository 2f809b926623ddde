// The calls and the types of their arguments (args.c). Left out by definition: reboot; what cannot
// be told apart from the fuzzer's own end (kill of the supervisor) is left out by the generators.
#define _GNU_SOURCE
#include "fuzz.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/memfd.h>
#include <linux/membarrier.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <asm/prctl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <time.h>

#define LIST(name, ...) static const uint64_t name[] = {__VA_ARGS__, END}

LIST(l_open, O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_NONBLOCK,
     O_DIRECTORY, O_NOFOLLOW, O_CLOEXEC, O_PATH, O_TMPFILE, O_DIRECT, O_SYNC, O_NOATIME,
     O_RDWR | O_CREAT, O_RDWR | O_CREAT | O_NONBLOCK);
LIST(l_mode, 0, 0777, 0644, 0600, 04755, 01777, 07777, 0444, 0111);
LIST(l_mknod, S_IFREG | 0644, S_IFIFO | 0666, S_IFSOCK | 0600, S_IFCHR | 0600, S_IFBLK | 0600,
     S_IFDIR);
LIST(l_at, 0, AT_SYMLINK_NOFOLLOW, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH, AT_EACCESS, AT_REMOVEDIR);
LIST(l_unlink, 0, AT_REMOVEDIR);
LIST(l_rename, 0, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT);
LIST(l_access, F_OK, R_OK, W_OK, X_OK);
LIST(l_whence, SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE);
LIST(l_falloc, 0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
     FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_ZERO_RANGE, FALLOC_FL_INSERT_RANGE,
     FALLOC_FL_UNSHARE_RANGE);
LIST(l_rwf, 0, RWF_HIPRI, RWF_DSYNC, RWF_SYNC, RWF_NOWAIT, RWF_APPEND);
LIST(l_fcntl, F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW, F_SETOWN,
     F_GETOWN, F_SETSIG, F_GETSIG, F_SETOWN_EX, F_GETOWN_EX, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW,
     F_SETLEASE, F_GETLEASE, F_NOTIFY, F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_GETPIPE_SZ, F_ADD_SEALS,
     F_GET_SEALS, F_GET_RW_HINT, F_SET_RW_HINT);
LIST(l_setlease, F_SETLEASE);
LIST(l_lease, F_RDLCK, F_WRLCK, F_UNLCK);
LIST(l_flock, 1, 2, 8, 5, 6, 32);
LIST(l_ioctl, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, FIOASYNC, TCGETS, TCSETS, TCSETSW, TCSETSF,
     TIOCGWINSZ, TIOCSWINSZ, TIOCGPTN, TIOCSPTLCK, TIOCGPGRP, TIOCSPGRP, TIOCSCTTY, TIOCNOTTY,
     TIOCGSID, TIOCSTI, TIOCOUTQ, TIOCEXCL, TIOCNXCL, TIOCPKT, TCFLSH, TCXONC, TCSBRK, SIOCATMARK,
     FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FICLONE, FIGETBSZ, FIBMAP, TIOCGPTPEER);
LIST(l_prot, PROT_NONE, PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC,
     PROT_EXEC, PROT_GROWSDOWN);
LIST(l_map, MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED,
     MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, MAP_FIXED | MAP_SHARED, MAP_FIXED | MAP_PRIVATE,
     MAP_FIXED | MAP_SHARED | MAP_ANONYMOUS, MAP_FIXED_NOREPLACE | MAP_PRIVATE | MAP_ANONYMOUS,
     MAP_GROWSDOWN | MAP_PRIVATE | MAP_ANONYMOUS, MAP_POPULATE | MAP_PRIVATE | MAP_ANONYMOUS,
     MAP_LOCKED | MAP_PRIVATE | MAP_ANONYMOUS, MAP_NORESERVE | MAP_PRIVATE | MAP_ANONYMOUS,
     MAP_HUGETLB | MAP_PRIVATE | MAP_ANONYMOUS, MAP_32BIT | MAP_PRIVATE | MAP_ANONYMOUS,
     MAP_STACK | MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED_VALIDATE);
LIST(l_mremap, 0, MREMAP_MAYMOVE, MREMAP_MAYMOVE | MREMAP_FIXED, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
LIST(l_advice, 0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25);
LIST(l_msync, MS_ASYNC, MS_SYNC, MS_INVALIDATE);
LIST(l_mlock, 0, 1, 2, 4);
LIST(l_futex, 0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 128, 129, 137, 138, 131, 132, 133, 134,
     135, 140, 141, 256, 393);
LIST(l_how, SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK);
LIST(l_clone, 0, CLONE_FS, CLONE_FILES, CLONE_SIGHAND, CLONE_PTRACE, CLONE_VFORK, CLONE_PARENT,
     CLONE_THREAD, CLONE_SYSVSEM, CLONE_PARENT_SETTID, CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID,
     CLONE_IO, CLONE_PIDFD, CLONE_VM, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, SIGCHLD,
     CLONE_VM | CLONE_VFORK | SIGCHLD);
LIST(l_wait, 0, WNOHANG, WUNTRACED, WCONTINUED, WEXITED, WSTOPPED, WNOWAIT, 0x20000000, 0x40000000,
     WEXITED | WNOHANG, WNOHANG | WEXITED | WSTOPPED | WCONTINUED);
LIST(l_idtype, 0, 1, 2, 3);
LIST(l_timer, 0, TIMER_ABSTIME);
LIST(l_tfd, 0, TFD_NONBLOCK, TFD_CLOEXEC);
LIST(l_tfdset, 0, TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET);
LIST(l_efd, 0, EFD_NONBLOCK, EFD_CLOEXEC, EFD_SEMAPHORE);
LIST(l_epctl, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD);
LIST(l_ms, 0, 1, 5, 20, -1ull);
LIST(l_domain, AF_UNIX, AF_UNIX, AF_UNIX, AF_INET, AF_INET6, 16, 17);
LIST(l_type, SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM | SOCK_NONBLOCK,
     SOCK_DGRAM | SOCK_CLOEXEC, SOCK_RAW);
LIST(l_msgflag, 0, MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC, MSG_WAITALL, MSG_OOB, MSG_NOSIGNAL, MSG_EOR,
     MSG_MORE, MSG_CMSG_CLOEXEC, MSG_WAITFORONE);
LIST(l_level, SOL_SOCKET, SOL_SOCKET, SOL_SOCKET, 0, 6, 41);
LIST(l_optname, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 15, 16, 17, 18, 19, 20, 21, 26, 27, 28, 29,
     30, 31, 32, 33, 34, 35, 38, 39, 42, 44, 59, 64);
LIST(l_shut, 0, 1, 2);
LIST(l_splice, 0, SPLICE_F_MOVE, SPLICE_F_NONBLOCK, SPLICE_F_MORE, SPLICE_F_GIFT);
LIST(l_pipe, 0, O_NONBLOCK, O_CLOEXEC, O_DIRECT);
LIST(l_memfd, 0, MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_HUGETLB);
LIST(l_key, IPC_PRIVATE, 1, 2, 3);
LIST(l_ipc, IPC_CREAT | 0666, IPC_CREAT | IPC_EXCL | 0600, 0, IPC_NOWAIT, SHM_RDONLY, SHM_RND,
     SHM_REMAP, MSG_NOERROR, MSG_EXCEPT, MSG_COPY);
LIST(l_get, IPC_CREAT | 0666, IPC_CREAT | 0666, IPC_CREAT | 0600, IPC_CREAT | IPC_EXCL | 0600, 0);
LIST(l_semctl, IPC_RMID, IPC_SET, IPC_STAT, IPC_INFO, GETPID, GETVAL, GETALL, GETNCNT, GETZCNT,
     SETVAL, SETALL, SEM_STAT, SEM_INFO, SHM_LOCK, SHM_UNLOCK, SHM_STAT, SHM_INFO, MSG_STAT,
     MSG_INFO);
LIST(l_prctl, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
     29, 30, 33, 34, 35, 36, 37, 38, 39, 40, 47, 52, 53, 59, 60, 0x53564d41);
LIST(l_arch, ARCH_GET_FS, ARCH_GET_GS, ARCH_SET_GS, ARCH_GET_CPUID, ARCH_SET_CPUID);
LIST(l_rlimit, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
LIST(l_policy, 0, 3, 5, 0x40000000);
LIST(l_inotify, IN_ACCESS, IN_MODIFY, IN_ALL_EVENTS, IN_ONESHOT, IN_ONLYDIR, IN_DONT_FOLLOW,
     IN_MASK_ADD, IN_MASK_CREATE, IN_DELETE_SELF, IN_MOVE_SELF, IN_CREATE, IN_DELETE);
LIST(l_statx, 0, STATX_ALL, STATX_BASIC_STATS, STATX_BTIME, STATX_MNT_ID);
LIST(l_membarrier, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256);
LIST(l_ptrace, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17, 24, 0x4200, 0x4201, 0x4202,
     0x4203, 0x4204, 0x4205, 0x4206, 0x4207, 0x4208, 0x4209, 0x420a, 0x420b, 0x420e, 0x4210);
LIST(l_seccomp, 0, 1, 2, 3);
LIST(l_mount, 0, MS_RDONLY, MS_BIND, MS_REMOUNT, MS_MOVE, MS_NOEXEC, MS_NOSUID, MS_REC | MS_BIND,
     MS_PRIVATE);
LIST(l_umount, 0, MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW);
LIST(l_fsconfig, 0, 1, 1, 2, 3, 4, 5, 6, 6, 7, 8);
LIST(l_mount_attr, 0, 1, 2, 4, 8, 0x10, 0x20, 0x80, 0x200000);
LIST(l_move_mount, 4, 4, 4, 0, 0x40, 0x44, 0x74, 0x104);
LIST(l_open_tree, 1, 0, O_CLOEXEC, AT_EMPTY_PATH | 1, AT_RECURSIVE | 1, AT_SYMLINK_NOFOLLOW | 1);
LIST(l_setattr, 0, AT_RECURSIVE, AT_EMPTY_PATH, AT_EMPTY_PATH | AT_RECURSIVE);
LIST(l_fspick, 0, 1, 2, 4, 8);
LIST(l_xattr, 0, XATTR_CREATE, XATTR_REPLACE);
LIST(l_who, 0, 1, 2, -1ull, -2ull);
LIST(l_random, 0, 1, 2, 4);
LIST(l_closerange, 0, 2, 4);
LIST(l_kcmp, 0, 1, 2, 3, 4, 5, 6, 7);
LIST(l_persona, 0, -1ull, 0x0040000, 0x0400000, 8);
LIST(l_mpol, 0, 1, 2, 3, 4, 5);
LIST(l_uring, 0, 1, 2, 4, 8, 16, 32, 64, 128);
LIST(l_urop, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
     24, 25, 26);
LIST(l_entries, 0, 1, 1, 2, 4, 8, 16, 32, 64, 128);
LIST(l_enter, 0, 0, 1, 1, 1, 2, 3, 4, 16);
LIST(l_syslog, 0, 1, 2, 3, 9, 10);
LIST(l_sysfs, 1, 2, 3);
LIST(l_sync, 0, 1, 2, 4, 7);
LIST(l_pkey, -1ull, 0, 1);
LIST(l_key_numbers, KEYCTL_GET_KEYRING_ID, KEYCTL_CHOWN, KEYCTL_REVOKE, KEYCTL_CLEAR, KEYCTL_LINK,
     KEYCTL_LINK, KEYCTL_UNLINK, KEYCTL_NEGATE, KEYCTL_SET_REQKEY_KEYRING, KEYCTL_SET_TIMEOUT,
     KEYCTL_ASSUME_AUTHORITY, KEYCTL_SESSION_TO_PARENT, KEYCTL_REJECT, KEYCTL_INVALIDATE,
     KEYCTL_GET_PERSISTENT, KEYCTL_MOVE);
LIST(l_key_bytes, KEYCTL_UPDATE, KEYCTL_DESCRIBE, KEYCTL_READ, KEYCTL_READ, KEYCTL_INSTANTIATE,
     KEYCTL_GET_SECURITY, KEYCTL_DH_COMPUTE, KEYCTL_CAPABILITIES);
LIST(l_key_names, KEYCTL_SEARCH, KEYCTL_RESTRICT_KEYRING);
LIST(l_key_vectors, KEYCTL_INSTANTIATE_IOV);
LIST(l_key_session, KEYCTL_JOIN_SESSION_KEYRING);
LIST(l_key_permissions, KEYCTL_SETPERM);
LIST(l_key_mask, 0x3f3f0000, 0x3f3f3f3f, 0x3f010000, 0x1f1f0000, 0);

#define CALL(name, args, ...)                                                                      \
    {                                                                                              \
        SYS_##name, #name, args, 0,                                                                \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define RARE(name, n, args, ...)                                                                   \
    {                                                                                              \
        SYS_##name, #name, args, n,                                                                \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define SCENE(nr, n, name)                                                                         \
    {                                                                                              \
        nr, name, "", n,                                                                           \
        {                                                                                          \
        }                                                                                          \
    }

const struct call calls[] = {
    CALL(read, "fbn"),
    CALL(write, "fbn"),
    CALL(open, "p12", l_open, l_mode),
    CALL(close, "f"),
    CALL(stat, "pb"),
    CALL(fstat, "fb"),
    CALL(lstat, "pb"),
    CALL(poll, "wN4", l_ms),
    CALL(lseek, "fL4", l_whence),
    CALL(mmap, "hz12fG", l_prot, l_map),
    CALL(mprotect, "hz1", l_prot),
    CALL(munmap, "hz"),
    CALL(brk, "i"),
    CALL(rt_sigaction, "sSb8"),
    CALL(rt_sigprocmask, "4mb8", l_how),
    RARE(rt_sigreturn, 1, ""),
    CALL(ioctl, "f4b", l_ioctl),
    CALL(pread64, "fbnL"),
    CALL(pwrite64, "fbnL"),
    CALL(readv, "fvN"),
    CALL(writev, "fvN"),
    CALL(access, "p1", l_access),
    CALL(pipe, "b"),
    CALL(select, "NrrrT"),
    CALL(sched_yield, ""),
    CALL(mremap, "hzz1h", l_mremap),
    CALL(msync, "hz1", l_msync),
    CALL(mincore, "hzb"),
    CALL(madvise, "hz4", l_advice),
    CALL(shmget, "4z2", l_key, l_get),
    CALL(shmat, "Ny1", l_ipc),
    CALL(shmctl, "N4b", l_semctl),
    CALL(dup, "f"),
    CALL(dup2, "ff"),
    RARE(pause, 1, ""),
    CALL(nanosleep, "tb"),
    CALL(getitimer, "db"),
    CALL(alarm, "N"),
    CALL(setitimer, "dTb"),
    CALL(getpid, ""),
    CALL(sendfile, "ffOn"),
    CALL(socket, "123", l_domain, l_type, l_pkey),
    CALL(connect, "faN"),
    CALL(accept, "fab"),
    CALL(sendto, "fbn1aN", l_msgflag),
    CALL(recvfrom, "fbn1bb", l_msgflag),
    CALL(sendmsg, "fM1", l_msgflag),
    CALL(recvmsg, "fM1", l_msgflag),
    CALL(shutdown, "f4", l_shut),
    CALL(bind, "faN"),
    CALL(listen, "fN"),
    CALL(getsockname, "fbb"),
    CALL(getpeername, "fbb"),
    CALL(socketpair, "420b", l_domain, l_type),
    CALL(setsockopt, "f45bN", l_level, l_optname),
    CALL(getsockopt, "f45bb", l_level, l_optname),
    RARE(clone, 8, "1bbb0", l_clone),
    RARE(fork, 4, ""),
    RARE(vfork, 4, ""),
    RARE(execve, 1, "pVV"),
    RARE(exit, 1, "i"),
    CALL(wait4, "P1bb", l_wait),
    CALL(kill, "Ps"),
    CALL(uname, "b"),
    CALL(semget, "4N2", l_key, l_get),
    CALL(semop, "NoN"),
    CALL(semctl, "NN4b", l_semctl),
    CALL(shmdt, "y"),
    CALL(msgget, "42", l_key, l_get),
    CALL(msgsnd, "Nbn1", l_ipc),
    CALL(msgrcv, "Nbni1", l_ipc),
    CALL(msgctl, "N4b", l_semctl),
    CALL(fcntl, "f4i", l_fcntl),
    CALL(fcntl, "f4b", l_fcntl),
    CALL(fcntl, "f4N", l_fcntl),
    CALL(fcntl, "f45", l_setlease, l_lease),
    CALL(flock, "f4", l_flock),
    CALL(fsync, "f"),
    CALL(fdatasync, "f"),
    CALL(truncate, "qL"),
    CALL(ftruncate, "fL"),
    CALL(getdents, "fbn"),
    CALL(getcwd, "bn"),
    CALL(chdir, "q"),
    RARE(fchdir, 4, "f"),
    CALL(rename, "qq"),
    CALL(mkdir, "q1", l_mode),
    CALL(rmdir, "q"),
    CALL(creat, "q1", l_mode),
    CALL(link, "qq"),
    CALL(unlink, "q"),
    CALL(symlink, "pq"),
    CALL(readlink, "pbn"),
    CALL(chmod, "q1", l_mode),
    CALL(fchmod, "f1", l_mode),
    CALL(chown, "qUU"),
    CALL(fchown, "fUU"),
    CALL(lchown, "qUU"),
    CALL(umask, "1", l_mode),
    CALL(gettimeofday, "bb"),
    CALL(getrlimit, "4b", l_rlimit),
    CALL(getrusage, "4b", l_who),
    CALL(sysinfo, "b"),
    CALL(times, "b"),
    CALL(ptrace, "4Pbb", l_ptrace),
    CALL(getuid, ""),
    CALL(syslog, "4bn", l_syslog),
    CALL(getgid, ""),
    RARE(setuid, 1, "U"),
    RARE(setgid, 1, "U"),
    CALL(geteuid, ""),
    CALL(getegid, ""),
    CALL(setpgid, "PP"),
    CALL(getppid, ""),
    CALL(getpgrp, ""),
    CALL(setsid, ""),
    RARE(setreuid, 1, "UU"),
    RARE(setregid, 1, "UU"),
    CALL(getgroups, "Nb"),
    RARE(setgroups, 4, "Nb"),
    RARE(setresuid, 1, "UUU"),
    CALL(getresuid, "bbb"),
    RARE(setresgid, 1, "UUU"),
    CALL(getresgid, "bbb"),
    CALL(getpgid, "P"),
    RARE(setfsuid, 4, "U"),
    RARE(setfsgid, 4, "U"),
    CALL(getsid, "P"),
    CALL(capget, "bb"),
    RARE(capset, 1, "bb"),
    CALL(rt_sigpending, "b8"),
    CALL(rt_sigtimedwait, "mbt8"),
    CALL(rt_sigqueueinfo, "PsI"),
    RARE(rt_sigsuspend, 4, "m8"),
    CALL(sigaltstack, "bb"),
    CALL(utime, "qb"),
    CALL(mknod, "q2i", l_mode, l_mknod),
    CALL(personality, "4", l_persona),
    CALL(ustat, "ib"),
    CALL(statfs, "pb"),
    CALL(fstatfs, "fb"),
    CALL(sysfs, "4bb", l_sysfs),
    CALL(getpriority, "4P", l_mode),
    CALL(setpriority, "dPN"),
    CALL(sched_setparam, "Pb"),
    CALL(sched_getparam, "Pb"),
    CALL(sched_setscheduler, "P4b", l_policy),
    CALL(sched_getscheduler, "P"),
    CALL(sched_get_priority_max, "N"),
    CALL(sched_get_priority_min, "N"),
    CALL(sched_rr_get_interval, "Pb"),
    CALL(mlock, "hz"),
    CALL(munlock, "hz"),
    RARE(mlockall, 1, "1", l_mlock),
    CALL(munlockall, ""),
    RARE(vhangup, 1, ""),
    CALL(modify_ldt, "Nbn"),
    RARE(pivot_root, 4, "hh"),
    CALL(prctl, "4ibii", l_prctl),
    CALL(prctl, "4biii", l_prctl),
    CALL(arch_prctl, "4b", l_arch),
    CALL(adjtimex, "b"),
    RARE(setrlimit, 2, "4b", l_rlimit),
    RARE(chroot, 1, "q"),
    RARE(sync, 4, ""),
    RARE(acct, 4, "q"),
    RARE(settimeofday, 1, "hh"),
    CALL(mount, "qqY1b", l_mount),
    CALL(umount2, "q1", l_umount),
    RARE(sethostname, 4, "bN"),
    RARE(setdomainname, 4, "bN"),
    CALL(gettid, ""),
    CALL(readahead, "fLn"),
    CALL(setxattr, "qxbn1", l_xattr),
    CALL(lsetxattr, "qxbn1", l_xattr),
    CALL(fsetxattr, "fxbn1", l_xattr),
    CALL(getxattr, "pxbn"),
    CALL(lgetxattr, "pxbn"),
    CALL(fgetxattr, "fxbn"),
    CALL(listxattr, "pbn"),
    CALL(llistxattr, "pbn"),
    CALL(flistxattr, "fbn"),
    CALL(removexattr, "qx"),
    CALL(lremovexattr, "qx"),
    CALL(fremovexattr, "fx"),
    CALL(tkill, "Ps"),
    CALL(time, "b"),
    CALL(futex, "u4NtuN", l_futex),
    CALL(futex, "u4Nbui", l_futex),
    CALL(sched_setaffinity, "Pnb"),
    CALL(sched_getaffinity, "Pnb"),
    CALL(io_setup, "Nb"),
    CALL(io_destroy, "i"),
    CALL(io_getevents, "bNNbt"),
    CALL(io_submit, "bNb"),
    CALL(io_cancel, "bbb"),
    CALL(epoll_create, "N"),
    CALL(remap_file_pages, "hziNi"),
    CALL(getdents64, "fbn"),
    CALL(set_tid_address, "b"),
    CALL(restart_syscall, ""),
    CALL(semtimedop, "NoNt"),
    CALL(fadvise64, "fLL4", l_advice),
    CALL(timer_create, "kbb"),
    CALL(timer_settime, "N1tb", l_timer),
    CALL(timer_gettime, "Nb"),
    CALL(timer_getoverrun, "N"),
    CALL(timer_delete, "N"),
    RARE(clock_settime, 1, "kh"),
    CALL(clock_gettime, "kb"),
    CALL(clock_getres, "kb"),
    CALL(clock_nanosleep, "k1tb", l_timer),
    CALL(epoll_wait, "fbN4", l_ms),
    CALL(epoll_ctl, "f4fe", l_epctl),
    CALL(tgkill, "PPs"),
    CALL(utimes, "qT"),
    CALL(mbind, "hz4bN1", l_mpol, l_mpol),
    CALL(set_mempolicy, "4bN", l_mpol),
    CALL(get_mempolicy, "bbNhN"),
    CALL(mq_open, "Q12b", l_open, l_mode),
    CALL(mq_unlink, "Q"),
    CALL(mq_timedsend, "fbnNt"),
    CALL(mq_timedreceive, "fbnbt"),
    CALL(mq_notify, "fb"),
    CALL(mq_getsetattr, "fbb"),
    CALL(waitid, "4Pb1b", l_idtype, l_wait),
    CALL(ioprio_set, "dPi"),
    CALL(ioprio_get, "dP"),
    CALL(inotify_init, ""),
    CALL(inotify_add_watch, "fp1", l_inotify),
    CALL(inotify_rm_watch, "fN"),
    CALL(openat, "Fp12", l_open, l_mode),
    CALL(mkdirat, "Fq1", l_mode),
    CALL(mknodat, "Fq2i", l_mode, l_mknod),
    CALL(fchownat, "FqUU1", l_at),
    CALL(futimesat, "FqT"),
    CALL(newfstatat, "Fpb1", l_at),
    CALL(unlinkat, "Fq1", l_unlink),
    CALL(renameat, "FqFq"),
    CALL(linkat, "FqFq1", l_at),
    CALL(symlinkat, "pFq"),
    CALL(readlinkat, "Fpbn"),
    CALL(fchmodat, "Fq1", l_mode),
    CALL(faccessat, "Fp1", l_access),
    CALL(pselect6, "Nrrrtb"),
    CALL(ppoll, "wNtm8"),
    CALL(unshare, "1", l_clone),
    CALL(set_robust_list, "bN"),
    CALL(get_robust_list, "Pbb"),
    CALL(splice, "fOfOn1", l_splice),
    CALL(tee, "ffn1", l_splice),
    CALL(sync_file_range, "fLL1", l_sync),
    CALL(vmsplice, "fvN1", l_splice),
    CALL(move_pages, "PNbbbN"),
    CALL(utimensat, "Fqt1", l_at),
    CALL(epoll_pwait, "fbN4m8", l_ms),
    CALL(signalfd, "fm8"),
    CALL(timerfd_create, "k1", l_tfd),
    CALL(eventfd, "N"),
    CALL(fallocate, "f1LL", l_falloc),
    CALL(timerfd_settime, "f1tb", l_tfdset),
    CALL(timerfd_gettime, "fb"),
    CALL(accept4, "fab1", l_type),
    CALL(signalfd4, "fm81", l_tfd),
    CALL(eventfd2, "N1", l_efd),
    CALL(epoll_create1, "1", l_tfd),
    CALL(dup3, "ff1", l_pipe),
    CALL(pipe2, "b1", l_pipe),
    CALL(inotify_init1, "1", l_pipe),
    CALL(preadv, "fvNLi"),
    CALL(pwritev, "fvNLi"),
    CALL(rt_tgsigqueueinfo, "PPsI"),
    CALL(recvmmsg, "fMN1t", l_msgflag),
    CALL(prlimit64, "P4bb", l_rlimit),
    CALL(name_to_handle_at, "Fpbb1", l_at),
    CALL(open_by_handle_at, "fb1", l_open),
    CALL(clock_adjtime, "kb"),
    RARE(syncfs, 4, "f"),
    CALL(sendmmsg, "fMN1", l_msgflag),
    CALL(setns, "f1", l_clone),
    CALL(getcpu, "bbb"),
    CALL(process_vm_readv, "PvNvNN"),
    CALL(process_vm_writev, "PvNvNN"),
    CALL(kcmp, "PP4ff", l_kcmp),
    CALL(sched_setattr, "PlN"),
    CALL(sched_setattr, "Pl0"),
    CALL(sched_getattr, "PbnN"),
    CALL(renameat2, "FqFq1", l_rename),
    RARE(seccomp, 1, "41B", l_seccomp, l_uring),
    CALL(getrandom, "bn1", l_random),
    CALL(memfd_create, "q1", l_memfd),
    RARE(execveat, 1, "FpVV1", l_at),
    CALL(membarrier, "40N", l_membarrier),
    CALL(mlock2, "hz1", l_mlock),
    CALL(copy_file_range, "fOfOnN"),
    CALL(preadv2, "fvNLi1", l_rwf),
    CALL(pwritev2, "fvNLi1", l_rwf),
    CALL(pkey_mprotect, "hz12", l_prot, l_pkey),
    CALL(pkey_alloc, "NN"),
    CALL(pkey_free, "N"),
    CALL(statx, "Fp12b", l_at, l_statx),
    CALL(io_pgetevents, "bNNbtb"),
    CALL(rseq, "bnNi"),
    CALL(pidfd_send_signal, "fsIN"),
    CALL(io_uring_setup, "4g", l_entries),
    CALL(io_uring_enter, "fNN1mN", l_uring),
    CALL(io_uring_enter, "RN01", l_enter),
    CALL(io_uring_enter, "RN01", l_enter),
    CALL(io_uring_enter, "RN01m8", l_enter),
    CALL(io_uring_enter, "RNN1", l_enter),
    CALL(io_uring_register, "f4JN", l_urop),
    CALL(io_uring_register, "f4JN", l_urop),
    CALL(fsopen, "Y1", l_fspick),
    CALL(fsconfig, "f4CD0", l_fsconfig),
    CALL(fsconfig, "f4CDN", l_fsconfig),
    CALL(fsmount, "f12", l_fspick, l_mount_attr),
    CALL(fspick, "Fq1", l_fspick),
    CALL(open_tree, "Fq1", l_open_tree),
    CALL(move_mount, "fEFq1", l_move_mount),
    CALL(move_mount, "fqFq1", l_move_mount),
    CALL(mount_setattr, "fE1AN", l_setattr),
    CALL(mount_setattr, "Fq1A", l_setattr),
    CALL(process_mrelease, "fN"),
    CALL(migrate_pages, "PNbb"),
    CALL(set_mempolicy_home_node, "hzNN"),
    CALL(ioperm, "NNN"),
    CALL(iopl, "N"),
    SCENE(SCENE_TRACER, 6, "trace-a-child"),
    SCENE(SCENE_LISTENER, 3, "listen-to-a-child"),
    RARE(clone3, 8, "cn"),
    RARE(clone3, 8, "c"),
    CALL(close_range, "NN1", l_closerange),
    CALL(openat2, "Fpbn"),
    CALL(pidfd_getfd, "ffN"),
    CALL(pidfd_open, "P1", l_pipe),
    CALL(faccessat2, "Fp11", l_access),
    CALL(process_madvise, "fvN4N", l_advice),
    CALL(epoll_pwait2, "fbNtm8"),
    CALL(landlock_create_ruleset, "bnN"),
    CALL(futex_waitv, "WN0tk"),
    CALL(memfd_secret, "N"),
    CALL(add_key, "ZjbnK"),
    CALL(request_key, "ZjjK"),
    CALL(keyctl, "4KKNK", l_key_numbers),
    CALL(keyctl, "4KKKN", l_key_numbers),
    CALL(keyctl, "4KbnK", l_key_bytes),
    CALL(keyctl, "4KZjK", l_key_names),
    CALL(keyctl, "4KvNK", l_key_vectors),
    CALL(keyctl, "4j", l_key_session),
    CALL(keyctl, "4K1", l_key_permissions, l_key_mask),
};
const unsigned ncalls = sizeof(calls) / sizeof(calls[0]);
