// The families.
#include "families.h"
#include "events.h"
#include "hands.h"
#include "ipc.h"
#include "sockets.h"

const struct family families[] = {
    {"files", files_setup, {names_ops, data_ops}, true, true, NULL},
    {"descriptors", descriptors_setup, {descriptors_ops}, false, false, NULL},
    {"memory", memory_setup, {memory_ops, memory_use_ops}, true, true, NULL},
    {"mounts", mounts_setup, {mounts_ops, mounts_use_ops}, false, true, NULL},
    {"credentials", credentials_setup, {credentials_ops}, false, false, NULL},
    {"limits", limits_setup, {limits_ops}, false, false, NULL},
    {"signals", signals_setup, {signals_ops}, false, false, NULL},
    {"ipc", ipc_setup, {sysv_ops, sems_ops, mqueue_ops}, false, true, hands_settle},
    {"unix",
     sockets_unix_setup,
     {sockets_unix_ops, socket_state_ops, socket_message_ops},
     true,
     true,
     NULL},
    {"inet",
     sockets_inet_setup,
     {sockets_inet_ops, socket_state_ops, socket_message_ops},
     false,
     true,
     NULL},
    {"futex", futex_setup, {futex_ops}, false, false, futex_after},
    {"pipes", pipes_setup, {pipes_ops}, false, false, NULL},
    {"events", events_setup, {events_ops, events_told_ops}, false, false, NULL},
    {"processes", processes_setup, {processes_ops}, false, false, NULL},
    {NULL, NULL, {NULL}, false, false, NULL},
};
