/* linux/uts.h: what uname(2) says. Threads only. */
#pragma once

enum { UTS_LEN = 64 };

struct uts {
    char sysname[UTS_LEN + 1], nodename[UTS_LEN + 1], release[UTS_LEN + 1], version[UTS_LEN + 1],
        machine[UTS_LEN + 1], domainname[UTS_LEN + 1];
};

/* Set up at boot; host and domain name may change. */
extern struct uts uts;
