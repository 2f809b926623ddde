#include "drivers/tty/ldisc.h"

#include "drivers/tty/signals.h"
#include "lib/string.h"

enum { DISABLED = 0 }; /* a control character that is turned off; also the mark of an EOF */

static bool iflag(const struct ldisc *l, uint32_t flag)
{
    return l->termios.iflag & flag;
}
static bool oflag(const struct ldisc *l, uint32_t flag)
{
    return l->termios.oflag & flag;
}
static bool lflag(const struct ldisc *l, uint32_t flag)
{
    return l->termios.lflag & flag;
}
static bool canonical(const struct ldisc *l)
{
    return lflag(l, ICANON);
}

/* Linux's classes: Latin-1, where 0x80 to 0x9f are nothing. */
static bool is_control(uint8_t c)
{
    return c < 0x20 || c == 0x7f;
}
static bool is_letter_or_digit(uint8_t c)
{
    uint8_t lower = c | 0x20;
    return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z') ||
           (c >= 0xc0 && c != 0xd7 && c != 0xf7);
}
static uint8_t to_lower(uint8_t c)
{
    bool upper = (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
    return upper ? c + 0x20 : c;
}
static uint8_t to_upper(uint8_t c)
{
    bool lower = (c >= 'a' && c <= 'z') || (c >= 0xdf && c != 0xf7);
    return lower ? c - 0x20 : c;
}

/* A later byte of a UTF-8 character: has no column of its own. */
static bool continues(const struct ldisc *l, uint8_t c)
{
    return iflag(l, IUTF8) && (c & 0xc0) == 0x80;
}

/* --- output ------------------------------------------------------------------------------- */

static bool put(struct ldisc *l, uint8_t c)
{
    return l->ops->put(l, &c, 1);
}

/* One byte through the output flags; false: no room, and nothing has changed. */
static bool put_processed(struct ldisc *l, uint8_t c)
{
    unsigned spaces;
    switch (c) {
    case '\n':
        if (oflag(l, ONLCR)) {
            if (!l->ops->put(l, (const uint8_t *)"\r\n", 2))
                return false;
            l->canon_column = l->column = 0;
            return true;
        }
        if (!put(l, c))
            return false;
        if (oflag(l, ONLRET))
            l->column = 0;
        l->canon_column = l->column;
        return true;
    case '\r':
        if (oflag(l, ONOCR) && l->column == 0)
            return true;
        if (!put(l, oflag(l, OCRNL) ? '\n' : '\r'))
            return false;
        if (!oflag(l, OCRNL) || oflag(l, ONLRET))
            l->canon_column = l->column = 0;
        return true;
    case '\t':
        spaces = 8 - (l->column & 7);
        if ((l->termios.oflag & TABDLY) == XTABS) {
            if (!l->ops->put(l, (const uint8_t *)"        ", spaces))
                return false;
        } else if (!put(l, c)) {
            return false;
        }
        l->column += spaces;
        return true;
    case '\b':
        if (!put(l, c))
            return false;
        l->column -= l->column > 0;
        return true;
    }
    if (oflag(l, OLCUC) && !is_control(c))
        c = to_upper(c);
    if (!put(l, c))
        return false;
    l->column += !is_control(c) && !continues(l, c);
    return true;
}

size_t ldisc_output(struct ldisc *l, const uint8_t *bytes, size_t n)
{
    bool processed = oflag(l, OPOST);
    size_t done = 0;
    if (l->stopped)
        return 0;
    while (done < n && (processed ? put_processed(l, bytes[done]) : put(l, bytes[done])))
        done++;
    return done;
}

static void set_stopped(struct ldisc *l, bool stopped)
{
    if (l->stopped == stopped)
        return;
    l->stopped = stopped;
    l->ops->flow(l);
}

/* What a call has stopped only a call starts again. */
static void start(struct ldisc *l)
{
    if (!l->stopped_by_call)
        set_stopped(l, false);
}

void ldisc_stop(struct ldisc *l, bool stop)
{
    l->stopped_by_call = stop;
    set_stopped(l, stop);
}

/* --- echo: dropped where there is no room ------------------------------------------------- */

/* 0xff has a meaning in Linux's queue of echoes, and so comes out as it is. */
static void echo_raw(struct ldisc *l, uint8_t c)
{
    if (c == 0xff)
        l->column += put(l, c);
    else if (oflag(l, OPOST))
        put_processed(l, c);
    else
        put(l, c);
}

/* As the user should see it: control characters as ^X with ECHOCTL. */
static void echo(struct ldisc *l, uint8_t c)
{
    if (!lflag(l, ECHOCTL) || !is_control(c) || c == '\t') {
        echo_raw(l, c);
        return;
    }
    const uint8_t form[2] = {'^', c ^ 0100};
    if (l->ops->put(l, form, 2))
        l->column += 2;
}

static void echo_typed(struct ldisc *l, uint8_t c)
{
    if (l->canon_head == l->head)
        l->canon_column = l->column; /* the line starts here */
    echo(l, c);
}

static void echo_rubout(struct ldisc *l)
{
    echo_raw(l, '\b');
    echo_raw(l, ' ');
    echo_raw(l, '\b');
}

static void finish_erasing(struct ldisc *l)
{
    if (l->erasing)
        echo_raw(l, '/');
    l->erasing = false;
}

/* --- the input buffer --------------------------------------------------------------------- */

static uint8_t *at(struct ldisc *l, unsigned i)
{
    return &l->in[i % LDISC_INPUT];
}
static bool is_end(const struct ldisc *l, unsigned i)
{
    i %= LDISC_INPUT;
    return l->ends[i / 8] >> (i % 8) & 1;
}
static void set_end(struct ldisc *l, unsigned i, bool end)
{
    i %= LDISC_INPUT;
    l->ends[i / 8] = (l->ends[i / 8] & ~(1 << (i % 8))) | end << (i % 8);
}
static void append(struct ldisc *l, uint8_t c)
{
    *at(l, l->head++) = c;
}
/* A byte for the program; with PARMRK 0xff is doubled, to tell it from a mark. */
static void append_marked(struct ldisc *l, uint8_t c)
{
    if (c == 0xff && iflag(l, PARMRK))
        append(l, c);
    append(l, c);
}

void ldisc_flush_input(struct ldisc *l)
{
    l->head = l->tail = l->canon_head = 0;
    l->erasing = l->push = false;
    memset(l->ends, 0, sizeof(l->ends));
}

/* --- editing a line ----------------------------------------------------------------------- */

/* Move over a tab leftwards. Its width depends on the columns before it: count them back to the
 * tab before, or to the start of the line, which stands at canon_column. */
static void echo_erase_tab(struct ldisc *l)
{
    unsigned columns = 0;
    bool after_tab = false;
    for (unsigned i = l->head; i != l->canon_head && !after_tab;) {
        uint8_t c = *at(l, --i);
        if (c == '\t')
            after_tab = true;
        else if (is_control(c))
            columns += lflag(l, ECHOCTL) ? 2 : 0;
        else
            columns += !continues(l, c);
    }
    columns = (columns & 7) + (after_tab ? 0 : l->canon_column);
    for (unsigned back = 8 - (columns & 7); back; back--) {
        put(l, '\b');
        l->column -= l->column > 0;
    }
}

/* Show that the n bytes from l->head on, one character that starts with c, are erased. */
static void echo_erased(struct ldisc *l, uint8_t c, unsigned n, bool single)
{
    if (lflag(l, ECHOPRT)) {
        if (!l->erasing)
            echo_raw(l, '\\');
        l->erasing = true;
        echo(l, c);
        for (unsigned i = 1; i < n; i++) {
            echo_raw(l, *at(l, l->head + i));
            l->column -= l->column > 0;
        }
    } else if (single && !lflag(l, ECHOE)) {
        echo(l, l->termios.cc[VERASE]);
    } else if (c == '\t') {
        echo_erase_tab(l);
    } else {
        if (is_control(c) && lflag(l, ECHOCTL))
            echo_rubout(l);
        if (!is_control(c) || lflag(l, ECHOCTL))
            echo_rubout(l);
    }
}

enum erase { ERASE_CHAR, ERASE_WORD, ERASE_LINE };

static void erase(struct ldisc *l, enum erase what)
{
    bool letters = false;
    if (l->head == l->canon_head)
        return;
    while (l->head != l->canon_head) {
        unsigned first = l->head;
        uint8_t c;
        do {
            c = *at(l, --first);
        } while (continues(l, c) && first != l->canon_head);
        if (continues(l, c))
            break; /* the start of the character is not ours to erase */
        bool letter = is_letter_or_digit(c) || c == '_';
        if (what == ERASE_WORD && letters && !letter)
            break;
        letters |= letter;
        unsigned n = l->head - first;
        l->head = first;
        if (lflag(l, ECHO))
            echo_erased(l, c, n, what == ERASE_CHAR);
        if (what == ERASE_CHAR)
            break;
    }
    if (l->head == l->canon_head && lflag(l, ECHO))
        finish_erasing(l);
}

static void kill_line(struct ldisc *l)
{
    if (l->head == l->canon_head)
        return;
    if (lflag(l, ECHO) && lflag(l, ECHOK) && lflag(l, ECHOKE) && lflag(l, ECHOE)) {
        erase(l, ERASE_LINE);
        return;
    }
    l->head = l->canon_head;
    if (!lflag(l, ECHO))
        return;
    finish_erasing(l);
    echo(l, l->termios.cc[VKILL]);
    if (lflag(l, ECHOK))
        echo_raw(l, '\n');
}

static void reprint(struct ldisc *l, uint8_t c)
{
    finish_erasing(l);
    echo(l, c);
    echo_raw(l, '\n');
    for (unsigned i = l->canon_head; i != l->head; i++)
        echo(l, *at(l, i));
}

static void end_line(struct ldisc *l, uint8_t c)
{
    set_end(l, l->head, true);
    append(l, c);
    l->canon_head = l->head;
}

/* Editing and line ends; true: c is dealt with. */
static bool edit(struct ldisc *l, uint8_t c)
{
    const uint8_t *cc = l->termios.cc;
    bool extended = lflag(l, IEXTEN);
    if (c == cc[VERASE]) {
        erase(l, ERASE_CHAR);
    } else if (c == cc[VKILL]) {
        kill_line(l);
    } else if (extended && c == cc[VWERASE]) {
        erase(l, ERASE_WORD);
    } else if (extended && c == cc[VLNEXT]) {
        l->lnext = true;
        if (lflag(l, ECHO)) {
            finish_erasing(l);
            if (lflag(l, ECHOCTL)) {
                echo_raw(l, '^');
                echo_raw(l, '\b');
            }
        }
    } else if (extended && lflag(l, ECHO) && c == cc[VREPRINT]) {
        reprint(l, c);
    } else if (c == '\n') {
        if (lflag(l, ECHO) || lflag(l, ECHONL))
            echo_raw(l, '\n');
        end_line(l, c);
    } else if (c == cc[VEOF]) {
        end_line(l, DISABLED);
    } else if (c == cc[VEOL] || (extended && c == cc[VEOL2])) {
        if (lflag(l, ECHO))
            echo_typed(l, c);
        if (c == 0xff && iflag(l, PARMRK))
            append(l, c);
        end_line(l, c);
    } else {
        return false;
    }
    return true;
}

/* --- bytes from the terminal -------------------------------------------------------------- */

static void send_signal(struct ldisc *l, int signo, uint8_t c)
{
    l->ops->signal(l, signo);
    if (!lflag(l, NOFLSH)) {
        l->ops->flush_output(l);
        ldisc_flush_input(l);
    }
    if (iflag(l, IXON))
        start(l);
    if (lflag(l, ECHO))
        echo(l, c);
}

static void restart_by_any(struct ldisc *l)
{
    if (iflag(l, IXON) && iflag(l, IXANY))
        start(l);
}

static void plain(struct ldisc *l, uint8_t c)
{
    restart_by_any(l);
    if (lflag(l, ECHO)) {
        finish_erasing(l);
        echo_typed(l, c);
    }
    append_marked(l, c);
}

static bool among(const struct ldisc *l, uint8_t c, const uint8_t *which, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (c == l->termios.cc[which[i]])
            return true;
    return false;
}

/* Can c mean more than itself with the present settings? */
static bool is_special(const struct ldisc *l, uint8_t c)
{
    static const uint8_t flow[] = {VSTART, VSTOP}, signals[] = {VINTR, VQUIT, VSUSP},
                         lines[] = {VERASE, VKILL, VEOF, VEOL},
                         extended[] = {VWERASE, VLNEXT, VEOL2};
    if (c == DISABLED)
        return false;
    if (c == '\r' && iflag(l, IGNCR | ICRNL))
        return true;
    if (c == '\n' && (iflag(l, INLCR) || canonical(l)))
        return true;
    if (iflag(l, IXON) && among(l, c, flow, ARRAY_SIZE(flow)))
        return true;
    if (lflag(l, ISIG) && among(l, c, signals, ARRAY_SIZE(signals)))
        return true;
    if (!canonical(l))
        return false;
    if (among(l, c, lines, ARRAY_SIZE(lines)))
        return true;
    return lflag(l, IEXTEN) && (among(l, c, extended, ARRAY_SIZE(extended)) ||
                                (lflag(l, ECHO) && c == l->termios.cc[VREPRINT]));
}

static void special(struct ldisc *l, uint8_t c)
{
    const uint8_t *cc = l->termios.cc;
    if (iflag(l, IXON) && c == cc[VSTART]) {
        start(l);
        return;
    }
    if (iflag(l, IXON) && c == cc[VSTOP]) {
        set_stopped(l, true);
        return;
    }
    if (lflag(l, ISIG)) {
        int signo = c == cc[VINTR]   ? SIGINT
                    : c == cc[VQUIT] ? SIGQUIT
                    : c == cc[VSUSP] ? SIGTSTP
                                     : 0;
        if (signo) {
            send_signal(l, signo, c);
            return;
        }
    }
    restart_by_any(l);
    if (c == '\r') {
        if (iflag(l, IGNCR))
            return;
        if (iflag(l, ICRNL))
            c = '\n';
    } else if (c == '\n' && iflag(l, INLCR)) {
        c = '\r';
    }
    if (canonical(l) && edit(l, c))
        return;
    if (lflag(l, ECHO)) {
        finish_erasing(l);
        if (c == '\n')
            echo_raw(l, '\n');
        else
            echo_typed(l, c);
    }
    append_marked(l, c);
}

static void receive(struct ldisc *l, uint8_t c)
{
    bool literal = l->lnext;
    l->lnext = false;
    if (iflag(l, ISTRIP))
        c &= 0x7f;
    if (iflag(l, IUCLC) && lflag(l, IEXTEN))
        c = to_lower(c);
    if (lflag(l, EXTPROC))
        append(l, c);
    else if (literal || !is_special(l, c))
        plain(l, c);
    else
        special(l, c);
}

/* With the buffer full, a line that has no end yet goes on to be edited in its last place, so that
 * its end always arrives (4095 bytes and the end); else the terminal has to wait. */
static int room(const struct ldisc *l)
{
    int free = LDISC_INPUT - (int)(l->head - l->tail);
    return (iflag(l, PARMRK) ? (free + 2) / 3 : free) - 1;
}
static bool overflows(const struct ldisc *l)
{
    return canonical(l) && l->canon_head == l->tail;
}

bool ldisc_has_room(const struct ldisc *l)
{
    return room(l) > 0 || overflows(l);
}

size_t ldisc_input(struct ldisc *l, const uint8_t *bytes, size_t n)
{
    size_t done = 0;
    while (done < n && ldisc_has_room(l)) {
        if (room(l) < 0)
            l->head--;
        receive(l, bytes[done++]);
    }
    return done;
}

/* --- bytes for the program ---------------------------------------------------------------- */

bool ldisc_readable(const struct ldisc *l, unsigned minimum)
{
    if (canonical(l) && !lflag(l, EXTPROC))
        return l->canon_head != l->tail;
    return l->head - l->tail >= MAX(minimum, 1u);
}

static size_t read_line(struct ldisc *l, uint8_t *buf, size_t n, bool *line_end)
{
    size_t done = 0;
    *line_end = false;
    while (l->tail != l->canon_head) {
        bool end = is_end(l, l->tail), eof = end && *at(l, l->tail) == DISABLED;
        if (!eof && done == n) /* an EOF behind a full buffer goes with it */
            break;
        if (!eof)
            buf[done++] = *at(l, l->tail);
        set_end(l, l->tail++, false);
        if (end) {
            l->push = false;
            *line_end = true;
            break;
        }
    }
    return done;
}

size_t ldisc_read(struct ldisc *l, uint8_t *buf, size_t n, bool *line_end)
{
    if (canonical(l) && !lflag(l, EXTPROC))
        return read_line(l, buf, n, line_end);
    size_t done = 0;
    *line_end = false;
    while (done < n && l->tail != l->head)
        buf[done++] = *at(l, l->tail++);
    return done;
}

size_t ldisc_count(const struct ldisc *l)
{
    if (!canonical(l) || lflag(l, EXTPROC))
        return l->head - l->tail;
    size_t n = 0;
    for (unsigned i = l->tail; i != l->canon_head; i++)
        n += !(is_end(l, i) && l->in[i % LDISC_INPUT] == DISABLED);
    return n;
}

/* --- settings ----------------------------------------------------------------------------- */

void termios_init(struct termios *t)
{
    *t = (struct termios){
        .iflag = ICRNL | IXON,
        .oflag = OPOST | ONLCR,
        .cflag = B38400 | CS8 | CREAD | HUPCL,
        .lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
        .cc = {[VINTR] = 3,
               [VQUIT] = 034,
               [VERASE] = 0177,
               [VKILL] = 025,
               [VEOF] = 4,
               [VMIN] = 1,
               [VSTART] = 021,
               [VSTOP] = 023,
               [VSUSP] = 032,
               [VREPRINT] = 022,
               [VDISCARD] = 017,
               [VWERASE] = 027,
               [VLNEXT] = 026},
        .ispeed = 38400,
        .ospeed = 38400,
    };
}

void ldisc_init(struct ldisc *l, const struct ldisc_ops *ops)
{
    memset(l, 0, sizeof(*l));
    l->ops = ops;
    termios_init(&l->termios);
}

void ldisc_set_termios(struct ldisc *l, const struct termios *termios)
{
    struct termios old = l->termios;
    l->termios = *termios;
    if ((old.lflag ^ termios->lflag) & (ICANON | EXTPROC)) {
        memset(l->ends, 0, sizeof(l->ends));
        l->canon_head = l->tail;
        l->push = false;
        if (canonical(l) && l->head != l->tail) { /* what is there becomes a line */
            set_end(l, l->head - 1, true);
            l->canon_head = l->head;
            l->push = true;
        }
        l->erasing = l->lnext = false;
    }
    if (!iflag(l, IXON) && old.iflag & IXON)
        start(l);
}
