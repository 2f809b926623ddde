"""Programs at a terminal inside the machine, driven through a pty from here."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

OSPREY = sys.argv[1]


class Session:
    """One `osprey run` with a terminal of its own as its controlling terminal."""

    def __init__(self, *command, rows=30, columns=100):
        self.text = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.environ["TERM"] = "dumb"
            os.execvp(OSPREY, [OSPREY, "run", "--timeout", "300", *command])

    def read(self, seconds):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return False
        try:
            part = os.read(self.fd, 65536)
        except OSError:
            return False
        self.text += part
        return bool(part)

    def expect(self, pattern, seconds=200):
        """Wait until the output since the last match matches; return the match."""
        end = time.monotonic() + seconds
        while True:
            match = re.search(pattern, self.text, re.S)
            if match:
                self.text = self.text[match.end():]
                return match
            if time.monotonic() > end or not self.read(max(0.0, end - time.monotonic())):
                raise AssertionError(f"{pattern!r} not in {self.text[-300:]!r}")

    def type(self, keys):
        os.write(self.fd, keys)

    def interrupt(self, key, pattern):
        """Type a key that signals until it has met the program: it may not have come to where it waits yet."""
        for _ in range(9):
            self.type(key)
            try:
                return self.expect(pattern, 20)
            except AssertionError:
                pass
        self.type(key)
        return self.expect(pattern, 20)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait(self, seconds=200):
        """Read to the end; the status as a shell gives it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.read(max(0.0, end - time.monotonic())):
            pass
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
            time.sleep(0.05)
        raise AssertionError("the command does not end")

    def stop(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self.fd)


def python(*arguments, **options):
    return Session("/usr/bin/python3", "-q", *arguments, **options)


def prompt_is_usable():
    s = python()
    s.expect(rb">>> ")
    s.type(b"6*7\r")
    s.expect(rb"\n42\r\n>>> ")
    s.type(b"import sys; sys.stdin.isatty(), sys.stdout.isatty()\r")
    s.expect(rb"\(True, True\)\r\n>>> ")
    s.type(b"print('x' * 300)\r")
    s.expect(rb"x{300}\r\n>>> ")
    s.type(b"exit(3)\r")
    return s, s.wait() == 3


def control_d_ends():
    s = python()
    s.expect(rb">>> ")
    s.type(b"\x04")
    return s, s.wait() == 0


def control_c_interrupts():
    s = python()
    s.expect(rb">>> ")
    s.type(b"import time; print('sleep', flush=True); time.sleep(1000)\r")
    s.expect(rb"\nsleep")
    time.sleep(1)  # a ^C between python's last look for signals and its nap would not end the nap
    s.interrupt(b"\x03", rb"KeyboardInterrupt\r\n>>> ")
    s.type(b"while True: pass\r\r")
    time.sleep(1)
    s.interrupt(b"\x03", rb"KeyboardInterrupt\r\n>>> ")
    s.type(b"print(5 + 6)\r")
    s.expect(rb"\n11\r\n>>> ")  # before it ^D would be typed ahead and reach readline as NUL
    s.type(b"\x04")
    return s, s.wait() == 0


def control_c_ends_cat():
    s = Session("/bin/cat")
    s.type(b"line\r")
    s.expect(rb"line\r\nline\r\n")
    s.type(b"\x03")
    return s, s.wait() == 130


def lines_are_edited():
    s = Session("/bin/cat")
    s.type(b"wrogn\x7f\x7fng\r")
    s.expect(rb"\nwrong\r\n")
    s.type(b"away\x15kept\r")
    s.expect(rb"\nkept\r\n")
    s.type(b"\x04")
    return s, s.wait() == 0


def window_size_arrives():
    s = python("-c", "import os; print('size', os.get_terminal_size())", rows=31, columns=99)
    s.expect(rb"size os.terminal_size\(columns=99, lines=31\)")
    return s, s.wait() == 0


def window_changes_signal():
    # os.write: the signal may come while 'ready' is being printed, and print() does not nest
    s = python("-c", "import signal, os, time\n"
               "signal.signal(signal.SIGWINCH,"
               " lambda *a: os.write(1, b'now %d %d\\n' % tuple(os.get_terminal_size())))\n"
               "print('ready', flush=True)\nwhile True: time.sleep(1)")
    s.expect(rb"ready")
    s.resize(44, 123)
    os.kill(s.pid, signal.SIGWINCH)
    s.expect(rb"now 123 44")
    s.type(b"\x03")
    return s, s.wait() in (1, 130)


def raw_keys():
    s = python("-c", "import sys, tty, termios, os\nold = termios.tcgetattr(0)\ntty.setraw(0)\n"
               "print('ready', end='', flush=True)\nprint(os.read(0, 1), os.read(0, 1), flush=True)\n"
               "termios.tcsetattr(0, termios.TCSADRAIN, old)")
    s.expect(rb"ready")
    s.type(b"\x03")
    time.sleep(0.3)
    s.type(b"\r")
    s.expect(rb"b'\\x03' b'\\r'")
    return s, s.wait() == 0


def terminal_is_restored():
    s = Session("/bin/true")
    s.wait()
    flags = termios.tcgetattr(s.fd)[3]
    return s, bool(flags & termios.ICANON and flags & termios.ECHO)


def shell_controls_jobs():
    s = Session("/bin/bash", "--norc", "--noprofile", "-i")
    s.expect(rb"# $")
    s.type(b"PS1='ready> '\r")
    s.expect(rb"\nready> ")
    s.type(b"echo up; sleep 1000\r")
    s.expect(rb"\nup\r\n")
    s.interrupt(b"\x1a", rb"\[1\]\+  Stopped +sleep 1000\r\nready> ")
    s.type(b"echo up; cat\r")
    s.expect(rb"\nup\r\n")  # until then readline has the terminal in its own mode
    s.type(b"typed\r")
    s.expect(rb"typed\r\ntyped\r\n")  # once as echo, once from cat
    s.interrupt(b"\x1a", rb"\[2\]\+  Stopped +cat\r\nready> ")
    s.type(b"bg %1; jobs\r")
    s.expect(rb"\[1\]-  Running +sleep 1000 &\r\n\[2\]\+  Stopped +cat\r\nready> ")
    s.type(b"fg\r")
    s.expect(rb"\ncat\r\n")
    time.sleep(1)
    s.type(b"\x04")
    s.expect(rb"ready> ")
    s.type(b"fg %1\r")
    s.expect(rb"\nsleep 1000\r\n")
    time.sleep(1)
    s.interrupt(b"\x03", rb"\^C\r\nready> ")
    s.type(b"echo $?\r")
    s.expect(rb"\n130\r\nready> ")
    s.type(b"echo a | tr a b | cat; echo $((6 * 7)) $(tty)\r")
    s.expect(rb"\nb\r\n42 /dev/\S+\r\nready> ")
    s.type(b"exit 5\r")
    return s, s.wait() == 5


def in_a_pipeline(*options):
    """What python3 takes for terminals with a terminal on 0 and 2 and a pipe on 1."""
    reading, writing = os.pipe()
    pid, fd = pty.fork()
    if pid == 0:
        os.dup2(writing, 1)
        os.execvp(OSPREY, [OSPREY, "run", "--timeout", "300", *options, "/usr/bin/python3", "-c",
                           "import os; print(os.isatty(0), os.isatty(1), os.isatty(2))"])
    os.close(writing)
    with os.fdopen(reading) as stream:
        line = stream.read()
    os.waitpid(pid, 0)
    os.close(fd)
    return line


def keyboard_stays_in_a_pipeline():
    line = in_a_pipeline()
    assert line == "False False True\n", line  # docs/command.md
    return None, True


def keyboard_on_request():
    line = in_a_pipeline("--tty", "on")
    assert line == "True False True\n", line
    return None, True


TESTS = [
    ("python3's prompt is usable", prompt_is_usable),
    ("^D ends python3", control_d_ends),
    ("^C interrupts python3, asleep and busy", control_c_interrupts),
    ("^C ends cat with 130", control_c_ends_cat),
    ("lines are edited", lines_are_edited),
    ("the window size arrives", window_size_arrives),
    ("a change of the window raises SIGWINCH", window_changes_signal),
    ("raw mode reads keys", raw_keys),
    ("the terminal is as before afterwards", terminal_is_restored),
    ("bash -i: ^Z, ^C, bg, fg, jobs", shell_controls_jobs),
    ("in a pipeline the keyboard stays with the others", keyboard_stays_in_a_pipeline),
    ("--tty on takes it all the same", keyboard_on_request),
]

for name, test in TESTS:
    session = None
    try:
        session, good = test()
        print("ok -" if good else "not ok -", name, flush=True)
    except (AssertionError, OSError) as error:
        print("#", str(error).replace("\n", " "))
        print("not ok -", name, flush=True)
    if session:
        session.stop()
