/* net/mib.h: the counters of /proc/net/snmp, snmp6 and netstat, by the names that these files give
 * them (RFC 4293, 4022, 4113). Per CPU. Any context. */
#pragma once

#include "core/cpu.h"

/* group (as the file spells it), name in the file, name here */
#define MIB_LIST(X)                                                                                \
    X(Ip, InReceives, IP_IN_RECEIVES)                                                              \
    X(Ip, InHdrErrors, IP_IN_HDR_ERRORS)                                                           \
    X(Ip, InAddrErrors, IP_IN_ADDR_ERRORS)                                                         \
    X(Ip, ForwDatagrams, IP_FORW_DATAGRAMS)                                                        \
    X(Ip, InUnknownProtos, IP_IN_UNKNOWN_PROTOS)                                                   \
    X(Ip, InDiscards, IP_IN_DISCARDS)                                                              \
    X(Ip, InDelivers, IP_IN_DELIVERS)                                                              \
    X(Ip, OutRequests, IP_OUT_REQUESTS)                                                            \
    X(Ip, OutDiscards, IP_OUT_DISCARDS)                                                            \
    X(Ip, OutNoRoutes, IP_OUT_NO_ROUTES)                                                           \
    X(Ip, ReasmTimeout, IP_REASM_TIMEOUT)                                                          \
    X(Ip, ReasmReqds, IP_REASM_REQDS)                                                              \
    X(Ip, ReasmOKs, IP_REASM_OKS)                                                                  \
    X(Ip, ReasmFails, IP_REASM_FAILS)                                                              \
    X(Ip, FragOKs, IP_FRAG_OKS)                                                                    \
    X(Ip, FragFails, IP_FRAG_FAILS)                                                                \
    X(Ip, FragCreates, IP_FRAG_CREATES)                                                            \
    X(Icmp, InMsgs, ICMP_IN_MSGS)                                                                  \
    X(Icmp, InErrors, ICMP_IN_ERRORS)                                                              \
    X(Icmp, InCsumErrors, ICMP_IN_CSUM_ERRORS)                                                     \
    X(Icmp, InDestUnreachs, ICMP_IN_DEST_UNREACHS)                                                 \
    X(Icmp, InTimeExcds, ICMP_IN_TIME_EXCDS)                                                       \
    X(Icmp, InParmProbs, ICMP_IN_PARM_PROBS)                                                       \
    X(Icmp, InSrcQuenchs, ICMP_IN_SRC_QUENCHS)                                                     \
    X(Icmp, InRedirects, ICMP_IN_REDIRECTS)                                                        \
    X(Icmp, InEchos, ICMP_IN_ECHOS)                                                                \
    X(Icmp, InEchoReps, ICMP_IN_ECHO_REPS)                                                         \
    X(Icmp, InTimestamps, ICMP_IN_TIMESTAMPS)                                                      \
    X(Icmp, InTimestampReps, ICMP_IN_TIMESTAMP_REPS)                                               \
    X(Icmp, InAddrMasks, ICMP_IN_ADDR_MASKS)                                                       \
    X(Icmp, InAddrMaskReps, ICMP_IN_ADDR_MASK_REPS)                                                \
    X(Icmp, OutMsgs, ICMP_OUT_MSGS)                                                                \
    X(Icmp, OutErrors, ICMP_OUT_ERRORS)                                                            \
    X(Icmp, OutRateLimitGlobal, ICMP_OUT_RATE_LIMIT_GLOBAL)                                        \
    X(Icmp, OutRateLimitHost, ICMP_OUT_RATE_LIMIT_HOST)                                            \
    X(Icmp, OutDestUnreachs, ICMP_OUT_DEST_UNREACHS)                                               \
    X(Icmp, OutTimeExcds, ICMP_OUT_TIME_EXCDS)                                                     \
    X(Icmp, OutParmProbs, ICMP_OUT_PARM_PROBS)                                                     \
    X(Icmp, OutSrcQuenchs, ICMP_OUT_SRC_QUENCHS)                                                   \
    X(Icmp, OutRedirects, ICMP_OUT_REDIRECTS)                                                      \
    X(Icmp, OutEchos, ICMP_OUT_ECHOS)                                                              \
    X(Icmp, OutEchoReps, ICMP_OUT_ECHO_REPS)                                                       \
    X(Icmp, OutTimestamps, ICMP_OUT_TIMESTAMPS)                                                    \
    X(Icmp, OutTimestampReps, ICMP_OUT_TIMESTAMP_REPS)                                             \
    X(Icmp, OutAddrMasks, ICMP_OUT_ADDR_MASKS)                                                     \
    X(Icmp, OutAddrMaskReps, ICMP_OUT_ADDR_MASK_REPS)                                              \
    X(Tcp, ActiveOpens, TCP_ACTIVE_OPENS)                                                          \
    X(Tcp, PassiveOpens, TCP_PASSIVE_OPENS)                                                        \
    X(Tcp, AttemptFails, TCP_ATTEMPT_FAILS)                                                        \
    X(Tcp, EstabResets, TCP_ESTAB_RESETS)                                                          \
    X(Tcp, CurrEstab, TCP_CURR_ESTAB)                                                              \
    X(Tcp, InSegs, TCP_IN_SEGS)                                                                    \
    X(Tcp, OutSegs, TCP_OUT_SEGS)                                                                  \
    X(Tcp, RetransSegs, TCP_RETRANS_SEGS)                                                          \
    X(Tcp, InErrs, TCP_IN_ERRS)                                                                    \
    X(Tcp, OutRsts, TCP_OUT_RSTS)                                                                  \
    X(Tcp, InCsumErrors, TCP_IN_CSUM_ERRORS)                                                       \
    X(Udp, InDatagrams, UDP_IN_DATAGRAMS)                                                          \
    X(Udp, NoPorts, UDP_NO_PORTS)                                                                  \
    X(Udp, InErrors, UDP_IN_ERRORS)                                                                \
    X(Udp, OutDatagrams, UDP_OUT_DATAGRAMS)                                                        \
    X(Udp, RcvbufErrors, UDP_RCVBUF_ERRORS)                                                        \
    X(Udp, SndbufErrors, UDP_SNDBUF_ERRORS)                                                        \
    X(Udp, InCsumErrors, UDP_IN_CSUM_ERRORS)                                                       \
    X(Udp, IgnoredMulti, UDP_IGNORED_MULTI)                                                        \
    X(Udp, MemErrors, UDP_MEM_ERRORS)                                                              \
    X(Ip6, InReceives, IP6_IN_RECEIVES)                                                            \
    X(Ip6, InHdrErrors, IP6_IN_HDR_ERRORS)                                                         \
    X(Ip6, InTooBigErrors, IP6_IN_TOO_BIG_ERRORS)                                                  \
    X(Ip6, InNoRoutes, IP6_IN_NO_ROUTES)                                                           \
    X(Ip6, InAddrErrors, IP6_IN_ADDR_ERRORS)                                                       \
    X(Ip6, InUnknownProtos, IP6_IN_UNKNOWN_PROTOS)                                                 \
    X(Ip6, InTruncatedPkts, IP6_IN_TRUNCATED_PKTS)                                                 \
    X(Ip6, InDiscards, IP6_IN_DISCARDS)                                                            \
    X(Ip6, InDelivers, IP6_IN_DELIVERS)                                                            \
    X(Ip6, OutForwDatagrams, IP6_OUT_FORW_DATAGRAMS)                                               \
    X(Ip6, OutRequests, IP6_OUT_REQUESTS)                                                          \
    X(Ip6, OutDiscards, IP6_OUT_DISCARDS)                                                          \
    X(Ip6, OutNoRoutes, IP6_OUT_NO_ROUTES)                                                         \
    X(Ip6, ReasmTimeout, IP6_REASM_TIMEOUT)                                                        \
    X(Ip6, ReasmReqds, IP6_REASM_REQDS)                                                            \
    X(Ip6, ReasmOKs, IP6_REASM_OKS)                                                                \
    X(Ip6, ReasmFails, IP6_REASM_FAILS)                                                            \
    X(Ip6, FragOKs, IP6_FRAG_OKS)                                                                  \
    X(Ip6, FragFails, IP6_FRAG_FAILS)                                                              \
    X(Ip6, FragCreates, IP6_FRAG_CREATES)                                                          \
    X(Ip6, InMcastPkts, IP6_IN_MCAST_PKTS)                                                         \
    X(Ip6, OutMcastPkts, IP6_OUT_MCAST_PKTS)                                                       \
    X(Ip6, InOctets, IP6_IN_OCTETS)                                                                \
    X(Ip6, OutOctets, IP6_OUT_OCTETS)                                                              \
    X(Icmp6, InMsgs, ICMP6_IN_MSGS)                                                                \
    X(Icmp6, InErrors, ICMP6_IN_ERRORS)                                                            \
    X(Icmp6, OutMsgs, ICMP6_OUT_MSGS)                                                              \
    X(Icmp6, OutErrors, ICMP6_OUT_ERRORS)                                                          \
    X(Icmp6, InCsumErrors, ICMP6_IN_CSUM_ERRORS)                                                   \
    X(Icmp6, InDestUnreachs, ICMP6_IN_DEST_UNREACHS)                                               \
    X(Icmp6, InPktTooBigs, ICMP6_IN_PKT_TOO_BIGS)                                                  \
    X(Icmp6, InTimeExcds, ICMP6_IN_TIME_EXCDS)                                                     \
    X(Icmp6, InParmProblems, ICMP6_IN_PARM_PROBLEMS)                                               \
    X(Icmp6, InEchos, ICMP6_IN_ECHOS)                                                              \
    X(Icmp6, InEchoReplies, ICMP6_IN_ECHO_REPLIES)                                                 \
    X(Icmp6, InRouterAdvertisements, ICMP6_IN_ROUTER_ADVERTISEMENTS)                               \
    X(Icmp6, InNeighborSolicits, ICMP6_IN_NEIGHBOR_SOLICITS)                                       \
    X(Icmp6, InNeighborAdvertisements, ICMP6_IN_NEIGHBOR_ADVERTISEMENTS)                           \
    X(Icmp6, InRedirects, ICMP6_IN_REDIRECTS)                                                      \
    X(Icmp6, OutDestUnreachs, ICMP6_OUT_DEST_UNREACHS)                                             \
    X(Icmp6, OutPktTooBigs, ICMP6_OUT_PKT_TOO_BIGS)                                                \
    X(Icmp6, OutTimeExcds, ICMP6_OUT_TIME_EXCDS)                                                   \
    X(Icmp6, OutParmProblems, ICMP6_OUT_PARM_PROBLEMS)                                             \
    X(Icmp6, OutEchos, ICMP6_OUT_ECHOS)                                                            \
    X(Icmp6, OutEchoReplies, ICMP6_OUT_ECHO_REPLIES)                                               \
    X(Icmp6, OutRouterSolicits, ICMP6_OUT_ROUTER_SOLICITS)                                         \
    X(Icmp6, OutNeighborSolicits, ICMP6_OUT_NEIGHBOR_SOLICITS)                                     \
    X(Icmp6, OutNeighborAdvertisements, ICMP6_OUT_NEIGHBOR_ADVERTISEMENTS)                         \
    X(Icmp6, OutMLDv2Reports, ICMP6_OUT_MLDV2_REPORTS)                                             \
    X(Udp6, InDatagrams, UDP6_IN_DATAGRAMS)                                                        \
    X(Udp6, NoPorts, UDP6_NO_PORTS)                                                                \
    X(Udp6, InErrors, UDP6_IN_ERRORS)                                                              \
    X(Udp6, OutDatagrams, UDP6_OUT_DATAGRAMS)                                                      \
    X(Udp6, RcvbufErrors, UDP6_RCVBUF_ERRORS)                                                      \
    X(Udp6, SndbufErrors, UDP6_SNDBUF_ERRORS)                                                      \
    X(Udp6, InCsumErrors, UDP6_IN_CSUM_ERRORS)                                                     \
    X(Udp6, IgnoredMulti, UDP6_IGNORED_MULTI)                                                      \
    X(TcpExt, SyncookiesSent, TCP_SYNCOOKIES_SENT)                                                 \
    X(TcpExt, SyncookiesRecv, TCP_SYNCOOKIES_RECV)                                                 \
    X(TcpExt, SyncookiesFailed, TCP_SYNCOOKIES_FAILED)                                             \
    X(TcpExt, EmbryonicRsts, TCP_EMBRYONIC_RSTS)                                                   \
    X(TcpExt, TW, TCP_TW)                                                                          \
    X(TcpExt, TWRecycled, TCP_TW_RECYCLED)                                                         \
    X(TcpExt, PAWSEstab, TCP_PAWS_ESTAB)                                                           \
    X(TcpExt, DelayedACKs, TCP_DELAYED_ACKS)                                                       \
    X(TcpExt, DelayedACKLost, TCP_DELAYED_ACK_LOST)                                                \
    X(TcpExt, ListenOverflows, TCP_LISTEN_OVERFLOWS)                                               \
    X(TcpExt, ListenDrops, TCP_LISTEN_DROPS)                                                       \
    X(TcpExt, TCPPureAcks, TCP_PURE_ACKS)                                                          \
    X(TcpExt, TCPSackRecovery, TCP_SACK_RECOVERY)                                                  \
    X(TcpExt, TCPRenoRecovery, TCP_RENO_RECOVERY)                                                  \
    X(TcpExt, TCPLostRetransmit, TCP_LOST_RETRANSMIT)                                              \
    X(TcpExt, TCPFastRetrans, TCP_FAST_RETRANS)                                                    \
    X(TcpExt, TCPSlowStartRetrans, TCP_SLOW_START_RETRANS)                                         \
    X(TcpExt, TCPTimeouts, TCP_TIMEOUTS)                                                           \
    X(TcpExt, TCPLossProbes, TCP_LOSS_PROBES)                                                      \
    X(TcpExt, TCPLossProbeRecovery, TCP_LOSS_PROBE_RECOVERY)                                       \
    X(TcpExt, TCPDSACKOldSent, TCP_DSACK_OLD_SENT)                                                 \
    X(TcpExt, TCPDSACKOfoSent, TCP_DSACK_OFO_SENT)                                                 \
    X(TcpExt, TCPDSACKRecv, TCP_DSACK_RECV)                                                        \
    X(TcpExt, TCPAbortOnData, TCP_ABORT_ON_DATA)                                                   \
    X(TcpExt, TCPAbortOnClose, TCP_ABORT_ON_CLOSE)                                                 \
    X(TcpExt, TCPAbortOnTimeout, TCP_ABORT_ON_TIMEOUT)                                             \
    X(TcpExt, TCPAbortOnLinger, TCP_ABORT_ON_LINGER)                                               \
    X(TcpExt, TCPReqQFullDoCookies, TCP_REQ_Q_FULL_DO_COOKIES)                                     \
    X(TcpExt, TCPReqQFullDrop, TCP_REQ_Q_FULL_DROP)                                                \
    X(TcpExt, TCPRetransFail, TCP_RETRANS_FAIL)                                                    \
    X(TcpExt, TCPOFOQueue, TCP_OFO_QUEUE)                                                          \
    X(TcpExt, TCPOFODrop, TCP_OFO_DROP)                                                            \
    X(TcpExt, TCPChallengeACK, TCP_CHALLENGE_ACK)                                                  \
    X(TcpExt, TCPSYNChallenge, TCP_SYN_CHALLENGE)                                                  \
    X(TcpExt, TCPSpuriousRTOs, TCP_SPURIOUS_RTOS)                                                  \
    X(TcpExt, TCPRcvCoalesce, TCP_RCV_COALESCE)                                                    \
    X(TcpExt, TCPFromZeroWindowAdv, TCP_FROM_ZERO_WINDOW_ADV)                                      \
    X(TcpExt, TCPToZeroWindowAdv, TCP_TO_ZERO_WINDOW_ADV)                                          \
    X(TcpExt, TCPWantZeroWindowAdv, TCP_WANT_ZERO_WINDOW_ADV)                                      \
    X(TcpExt, TCPSynRetrans, TCP_SYN_RETRANS)                                                      \
    X(TcpExt, TCPOrigDataSent, TCP_ORIG_DATA_SENT)                                                 \
    X(TcpExt, TCPKeepAlive, TCP_KEEP_ALIVE)                                                        \
    X(TcpExt, TCPWinProbe, TCP_WIN_PROBE)                                                          \
    X(TcpExt, TCPRcvQDrop, TCP_RCV_Q_DROP)                                                         \
    X(IpExt, InNoRoutes, IPEXT_IN_NO_ROUTES)                                                       \
    X(IpExt, InTruncatedPkts, IPEXT_IN_TRUNCATED_PKTS)                                             \
    X(IpExt, InMcastPkts, IPEXT_IN_MCAST_PKTS)                                                     \
    X(IpExt, OutMcastPkts, IPEXT_OUT_MCAST_PKTS)                                                   \
    X(IpExt, InBcastPkts, IPEXT_IN_BCAST_PKTS)                                                     \
    X(IpExt, OutBcastPkts, IPEXT_OUT_BCAST_PKTS)                                                   \
    X(IpExt, InOctets, IPEXT_IN_OCTETS)                                                            \
    X(IpExt, OutOctets, IPEXT_OUT_OCTETS)                                                          \
    X(IpExt, InMcastOctets, IPEXT_IN_MCAST_OCTETS)                                                 \
    X(IpExt, OutMcastOctets, IPEXT_OUT_MCAST_OCTETS)                                               \
    X(IpExt, InBcastOctets, IPEXT_IN_BCAST_OCTETS)                                                 \
    X(IpExt, OutBcastOctets, IPEXT_OUT_BCAST_OCTETS)                                               \
    X(IpExt, InCsumErrors, IPEXT_IN_CSUM_ERRORS)                                                   \
    X(IpExt, InNoECTPkts, IPEXT_IN_NO_ECT_PKTS)                                                    \
    X(IpExt, InECT1Pkts, IPEXT_IN_ECT1_PKTS)                                                       \
    X(IpExt, InECT0Pkts, IPEXT_IN_ECT0_PKTS)                                                       \
    X(IpExt, InCEPkts, IPEXT_IN_CE_PKTS)                                                           \
    X(IpExt, ReasmOverlaps, IPEXT_REASM_OVERLAPS)

#define MIB_ENUM(group, name, id) MIB_##id,
enum mib { MIB_LIST(MIB_ENUM) MIB_COUNT };
#undef MIB_ENUM

extern const char mib_names[];    /* in the order of their files: each its group, then its name */
uint64_t mib_sum(enum mib which); /* over all CPUs */

uint64_t *mib_make(void); /* this CPU's, when it has none yet */

static inline void mib_add(enum mib which, uint64_t n)
{
    uint64_t *counters = this_cpu()->mib;

    if (unlikely(!counters))
        counters = mib_make();
    /* One instruction, so that no interrupt comes between. */
    asm volatile("addq %1, %0" : "+m"(counters[which]) : "er"(n));
}
#define MIB(id)        mib_add(MIB_##id, 1)
#define MIB_ADD(id, n) mib_add(MIB_##id, n)
