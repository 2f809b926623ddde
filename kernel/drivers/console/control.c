#include "drivers/console/control.h"

#include "core/boot.h"
#include "core/log.h"
#include "core/mutex.h"
#include "drivers/console/virtio_console.h"
#include "drivers/power.h"
#include "drivers/tty/tty.h"
#include "fs/cached.h"
#include "fs/stream.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { LINE = 256 };

void (*control_signal_hook)(int signo);

static struct stream *port;
static struct mutex send_lock;

/* --- from the host ------------------------------------------------------------------------ */

/* The next word of *line as a number up to most; -EINVAL. */
static int next_number(char **line, unsigned most)
{
    char *word = *line;
    while (*word == ' ')
        word++;
    char *end = strchr(word, ' ');
    *line = end ? end + 1 : word + strlen(word);
    if (end)
        *end = 0;
    uint64_t value;
    return parse_u64(word, 10, &value) == 0 && value <= most ? (int)value : -EINVAL;
}

static void obey(char *line)
{
    if (strncmp(line, "signal ", 7) == 0) {
        char *rest = line + 7;
        int signo = next_number(&rest, 64);
        if (signo > 0 && control_signal_hook) {
            control_signal_hook(signo);
            return;
        }
    } else if (strncmp(line, "winsize ", 8) == 0) {
        char *rest = line + 8;
        int rows = next_number(&rest, UINT16_MAX);
        int columns = rows < 0 ? rows : next_number(&rest, UINT16_MAX);
        if (columns >= 0) {
            console_tty_resize(rows, columns);
            return;
        }
    }
    log_warning("control: not understood: %s", line);
}

/* Lines that are too long are dropped whole. */
static void listen(void *arg)
{
    static char line[LINE];
    static char buf[LINE];
    size_t len = 0;
    ssize_t n;
    for (;;) {
        WAIT_EVENT(&port->wait, port->ops->readable(port) != 0, 0, NSEC_FOREVER);
        n = port->ops->read(port, buf, sizeof(buf));
        if (n < 0)
            return;
        for (ssize_t i = 0; i < n; i++) {
            if (buf[i] != '\n') {
                if (len < sizeof(line))
                    line[len++] = buf[i];
                continue;
            }
            if (len < sizeof(line)) {
                line[len] = 0;
                obey(line);
            } else {
                log_warning("control: a line of the host is too long");
            }
            len = 0;
        }
    }
}

void control_start(void)
{
    streams_wait_ready();
    port = stream_find("osprey.control");
    if (port && !kthread_start("control", listen, NULL))
        log_warning("control: no memory to listen to the host");
}

/* A host that has the console only reads there how it ended. */
static void tell_console(const char *how, int value)
{
    const char *report = boot_param("report");

    if (!port && report && !strcmp(report, "console"))
        log_at(LOG_ALERT, "end: %s %d", how, value);
}

/* --- to the host -------------------------------------------------------------------------- */

void control_send_line(const char *fmt, ...)
{
    char line[LINE];
    va_list ap;
    va_start(ap, fmt);
    size_t len = MIN((size_t)vsnprintf(line, sizeof(line) - 1, fmt, ap), sizeof(line) - 2);
    va_end(ap);
    line[len++] = '\n';
    if (!port)
        return;
    mutex_lock(&send_lock);
    for (size_t done = 0; done < len;) {
        WAIT_EVENT(&port->wait, port->ops->writable(port) != 0, 0, NSEC_FOREVER);
        ssize_t n = port->ops->write(port, line + done, len - done);
        if (n < 0)
            break;
        done += n;
    }
    port->ops->drain(port);
    mutex_unlock(&send_lock);
}

void control_drain_output(void)
{
    static const char *const names[] = {"osprey.stdout", "osprey.stderr"};
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        struct stream *stream = stream_find(names[i]);
        if (stream)
            stream->ops->drain(stream);
    }
    console_tty_drain();
}

void control_report_exit(enum control_end how, int value, const char *text)
{
    if (!port) { /* the program was never about to start */
        streams_wait_ready();
        port = stream_find("osprey.control");
    }
    control_drain_output();
    if (cached)
        cached->sync(); /* what the program has written is on the disks */
    switch (how) {
    case CONTROL_EXIT:
        tell_console("exit", value);
        control_send_line("exit %d", value);
        break;
    case CONTROL_KILLED:
        tell_console("killed", value);
        control_send_line("killed %d", value);
        break;
    case CONTROL_ERROR:
        if (!port)
            log_err("%s", text);
        tell_console("error", value);
        control_send_line("error %d %s", value, text);
        break;
    }
    machine_power_off(POWER_OFF_NORMAL);
}
