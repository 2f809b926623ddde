/* linux/namespace.h: namespaces as files (/proc/PID/ns). Threads only. */
#pragma once

#include "fs/vfs.h"

/* A nameless file that stands for the namespace and keeps it. -ENOMEM. */
int mount_ns_place(struct mount_ns *ns, struct path *place);
