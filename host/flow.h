/* host/flow.h: bytes on their way from one descriptor to another, at most 64 KiB at a time.
 *
 * Nothing blocks: a side that is not ready holds up this flow and no other.
 */
#pragma once

#include "text.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

enum flow_kind {
    FLOW_INTO,    /* from a file, pipe or terminal into a socket; its end is passed on */
    FLOW_OUT_OF,  /* from a socket; when nobody reads any more, the socket is shut */
    FLOW_CONSOLE, /* the same for lines that end in \r\n */
};

struct flow {
    enum flow_kind kind;
    int from, to;
    bool open;            /* false: there is no such flow, or it is over */
    bool ended;           /* nothing more comes in */
    bool carriage_return; /* FLOW_CONSOLE: keep the \r, for a terminal in raw mode */
    bool mute;            /* FLOW_CONSOLE: drop what comes before the first "osprey: " */
    struct text *copy;    /* FLOW_CONSOLE: what came is kept here as well; or NULL */
    bool careful;         /* `to` may block when more than 4 KiB are written to it */
    char *buffer;
    size_t start, size;
    int error; /* errno of the write that ended it; 0: none */
};

void flow_open(struct flow *flow, int from, int to, enum flow_kind kind);

/* What to wait for: two entries, for `from` and `to`. Nothing is read unless `reading`. */
void flow_poll(const struct flow *flow, struct pollfd pair[2], bool reading);

/* Move what can be moved, given what poll(2) said. */
void flow_move(struct flow *flow, const struct pollfd pair[2]);

/* Whether bytes may still come out of it. */
bool flow_busy(const struct flow *flow);

/* Take what has been read so far for all there is. */
void flow_end_input(struct flow *flow);
