/* core/trace.h: static trace points. A point costs a test of a byte that is in cache and a branch
 * that is not taken; `trace=NAME,...` on the command line turns points on. Any context. */
#pragma once

#include "core/log.h"
#include "lib/types.h"

struct trace_point {
    const char *name;
    bool enabled;
};

/* Log fmt when the point is on: TRACE(sched_switch, "%s -> %s", a, b). */
#define TRACE(point, ...)                                                                          \
    do {                                                                                           \
        static struct trace_point tp_ __used __section(".trace_points") = {#point, false};         \
        if (unlikely(tp_.enabled))                                                                 \
            log_at(LOG_ALERT, "trace: " #point ": " __VA_ARGS__);                                  \
    } while (0)
