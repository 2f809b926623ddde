#include "flow.h"

#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 1 << 16, PIECE = 4096 /* fits into a pipe that poll(2) calls writable */ };

void flow_open(struct flow *flow, int from, int to, enum flow_kind kind)
{
    struct stat st;
    bool blocks = !(fcntl(to, F_GETFL) & O_NONBLOCK);

    *flow = (struct flow){.kind = kind, .from = from, .to = to, .open = true};
    flow->careful = blocks && !fstat(to, &st) && !S_ISREG(st.st_mode) && !S_ISSOCK(st.st_mode);
    flow->buffer = make(BUFFER);
}

bool flow_busy(const struct flow *flow)
{
    return flow->open;
}

/* The flow is over: tell the side that would wait for it. */
static void finish(struct flow *flow)
{
    if (flow->kind == FLOW_INTO)
        shutdown(flow->to, SHUT_WR);
    else
        shutdown(flow->from, SHUT_RDWR);
    free(flow->buffer);
    flow->open = false;
}

void flow_end_input(struct flow *flow)
{
    if (!flow->open)
        return;
    flow->ended = true;
    if (flow->mute)
        flow->size = 0;
    if (!flow->size)
        finish(flow);
}

/* How many bytes may go out now. The console's go out by whole lines, so that they do not end up
 * within a line of the program. */
static size_t sendable(const struct flow *flow)
{
    if (flow->mute)
        return 0;
    if (flow->kind != FLOW_CONSOLE || flow->ended || flow->start + flow->size == BUFFER)
        return flow->size;
    const char *from = flow->buffer + flow->start;
    const char *line_end = memrchr(from, '\n', flow->size);
    return line_end ? (size_t)(line_end + 1 - from) : 0;
}

void flow_poll(const struct flow *flow, struct pollfd pair[2], bool reading)
{
    bool room = flow->open && !flow->ended && flow->start + flow->size < BUFFER;

    pair[0] = (struct pollfd){.fd = room && reading ? flow->from : -1, .events = POLLIN};
    pair[1] = (struct pollfd){.fd = flow->open ? flow->to : -1,
                              .events = flow->open && sendable(flow) ? POLLOUT : 0};
}

static bool for_later(int error)
{
    return error == EAGAIN || error == EINTR;
}

/* Drop each \r before a \n, unless the terminal needs it. */
static size_t without_returns(char *bytes, size_t size)
{
    size_t kept = 0;

    for (size_t i = 0; i < size; i++)
        if (bytes[i] != '\r')
            bytes[kept++] = bytes[i];
    return kept;
}

static void look_for_kernel(struct flow *flow)
{
    static const char word[] = "osprey: ";
    enum { WORD = sizeof word - 1 };
    char *from = flow->buffer + flow->start;
    char *at = memmem(from, flow->size, word, WORD);
    size_t kept = at                  ? flow->size - (size_t)(at - from)
                  : flow->ended       ? 0
                  : flow->size < WORD ? flow->size
                                      : WORD - 1;

    flow->mute = !at;
    memmove(flow->buffer, from + flow->size - kept, kept);
    flow->start = 0;
    flow->size = kept;
}

static void fill(struct flow *flow)
{
    char *end = flow->buffer + flow->start + flow->size;
    size_t room = BUFFER - flow->start - flow->size;
    ssize_t size = flow->kind == FLOW_INTO ? read(flow->from, end, room)
                                           : recv(flow->from, end, room, MSG_DONTWAIT);

    if (size < 0 && for_later(errno))
        return;
    if (size <= 0)
        flow->ended = true;
    else if (flow->kind == FLOW_CONSOLE && !flow->carriage_return)
        flow->size += without_returns(end, (size_t)size);
    else
        flow->size += (size_t)size;
    if (flow->copy && size > 0)
        text_add(flow->copy, end, (size_t)(flow->buffer + flow->start + flow->size - end));
    if (flow->mute)
        look_for_kernel(flow);
}

static ssize_t put(const struct flow *flow)
{
    const char *from = flow->buffer + flow->start;
    size_t ready = sendable(flow), size = flow->careful && ready > PIECE ? PIECE : ready;
    ssize_t done = send(flow->to, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);

    return done < 0 && errno == ENOTSOCK ? write(flow->to, from, size) : done;
}

static void empty(struct flow *flow)
{
    ssize_t size = put(flow);

    if (size < 0 && for_later(errno))
        return;
    if (size < 0) { /* nobody reads any more, or there is no room */
        flow->error = errno;
        flow->ended = true;
        flow->size = 0;
        return;
    }
    flow->start += (size_t)size;
    flow->size -= (size_t)size;
    if (!flow->size)
        flow->start = 0;
}

void flow_move(struct flow *flow, const struct pollfd pair[2])
{
    if (!flow->open)
        return;
    if (pair[0].fd >= 0 && pair[0].revents)
        fill(flow);
    bool gone = pair[1].revents & (POLLERR | POLLHUP | POLLNVAL);
    if (sendable(flow) && (gone || pair[1].revents & POLLOUT || !flow->careful)) {
        empty(flow);
    } else if (gone && !sendable(flow)) { /* a line not yet whole has nowhere to go either */
        flow->ended = true;
        flow->size = 0;
    }
    if (flow->ended && !flow->size)
        finish(flow);
}
