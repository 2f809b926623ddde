#!/bin/sh
# The command between its standard streams, its signals and a VM that the fake QEMU plays.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
"$osprey" run --dry-run true >/dev/null # the image is there

# fake HOW [OPTIONS...]: run with the fake VM doing HOW.
fake() {
    FAKE=$1
    export FAKE
    shift
    timeout 200 "$osprey" run "$@" true
}

fake streams >out 2>err </dev/null
same "stdout, stderr and the console stay apart from each other" \
    "0 out err console line" "$? $(cat out) $(sort err | tr '\n' ' ' | sed 's/ *$//' |
        sed 's/console line err/err console line/')"

head -c 104857600 /dev/urandom >big
fake cat <big >copy 2>err
same "100 MiB from a file to a file" "7 104857600 bytes" "$? $(cat err)"
cmp -s big copy && ok "byte for byte" || not_ok "byte for byte"
cat big | fake cat 2>/dev/null | cmp -s - big &&
    ok "100 MiB through pipes" || not_ok "100 MiB through pipes"
rm -f big copy

printf 'a' | fake cat >out 2>/dev/null
same "end of file on stdin reaches the program" "a" "$(cat out)"
fake cat </dev/null >out 2>err
same "/dev/null as stdin is no stream" "1" "$(FAKE=show "$osprey" run true </dev/null |
    grep -c 'stdio=npp')"
FAKE=show "$osprey" run true >out 2>&1 </dev/null
same "2>&1 is one stream, which keeps the order" 1 "$(grep -c stdio=npo out)"
"$osprey" build -o image --env A='b c' true
FAKE=show "$osprey" run --image image </dev/null >out
same "an image brings its own program and environment" "0 0" \
    "$(grep -c -- ' -- ' out) $(grep -c PATH out)"
FAKE=show "$osprey" run --image image --env X=y --workdir /tmp /bin/cat f </dev/null >out
same "which the command line replaces" 1 "$(grep -c ' env=X=y cwd=/tmp -- /bin/cat f$' out)"
FAKE=show "$osprey" run --kernel-arg 'a b' --strace --bootchart -v --cpus 2 true </dev/null >out
same "words for the kernel" 1 "$(grep 'strace bootchart loglevel=7' out | grep -c ' "a b" -- true$')"
same "closed standard files do not harm" 0 \
    "$(FAKE=killed "$osprey" run true <&- >&- 2>&-; [ $? = 139 ]; echo $?)"

late=$(fake late | (sleep 0.5; wc -c))
same "output after the status is not lost" 1048576 "$late"

(fake yes; echo $? >status) | head -c 10 >/dev/null
same "a reader that goes away closes the program's stdout" 33 "$(cat status)"
(fake gone; echo $? >status) | sleep 0.2
same "also when the program is not writing" 34 "$(cat status)"

fake killed 2>err
same "a program ended by signal 11: message and 139" "139 Segmentation fault" "$? $(cat err)"
fake error 2>err
same "a program that the kernel refuses: its line and status" \
    "126 osprey: /bin/x: not for this machine" "$? $(cat err)"
fake panic 2>err
same "a panic: 121" "121 osprey: panic: test" "$? $(cat err)"
fake silent 2>err
same "a VM that says nothing: 125" 125 $?
fake linger
same "a VM that does not end after the status is ended" 5 $?
fake hang --timeout 0.3 >out 2>err
same "--timeout: 124" "124 osprey: ended after 0.3 s, as --timeout asked" "$? $(cat err)"

# A shell ignores SIGINT in what it puts behind; python does not.
cat >drive_signals.py <<'P'
import os, signal, subprocess, sys, time
how, *numbers = sys.argv[1:]
p = subprocess.Popen([os.environ["osprey"], "run", "true"], stdin=subprocess.DEVNULL,
                     stdout=subprocess.PIPE, env=dict(os.environ, FAKE=how))
p.stdout.readline()
def waiting():
    """Whether a signal has not been taken yet: another one of the kind would be lost."""
    try:
        return any(line.startswith(("SigPnd", "ShdPnd")) and int(line.split()[1], 16)
                   for line in open(f"/proc/{p.pid}/status"))
    except FileNotFoundError:
        return False
got = []
for n in numbers:
    p.send_signal(int(n))
    if how == "signals":
        got.append(p.stdout.readline().decode().strip())
    else:
        time.sleep(0.2)
        while waiting():
            time.sleep(0.05)
print(p.wait(100), *got)
P
export osprey
same "signals reach the program in order" \
    "0 signal 1 signal 2 signal 3 signal 12 signal 10" "$(/usr/bin/python3 drive_signals.py signals 1 2 3 12 10)"
same "a second SIGINT ends the VM: 130" 130 "$(/usr/bin/python3 drive_signals.py hang 2 2)"
same "a second SIGTERM ends the VM: 143" 143 "$(/usr/bin/python3 drive_signals.py hang 15 15)"

# QEMU's death with the command
cat >orphan.py <<'P'
import os, subprocess, sys, time
p = subprocess.Popen([os.environ["osprey"], "run", "true"], stdin=subprocess.DEVNULL,
                     stdout=subprocess.PIPE, env=dict(os.environ, FAKE="hang"))
p.stdout.readline()
children = open(f"/proc/{p.pid}/task/{p.pid}/children").read().split()
p.kill()
p.wait()
def alive(pid):
    try:
        return open(f"/proc/{pid}/stat").read().split()[2] not in "ZX"
    except FileNotFoundError:
        return False
for _ in range(600):
    if not any(alive(c) for c in children):
        break
    time.sleep(0.1)
print(len(children), sum(alive(c) for c in children))
P
same "QEMU does not outlive a killed command" "1 0" "$(/usr/bin/python3 orphan.py)"

# A terminal
cat >drive_tty.py <<'P'
import fcntl, os, pty, select, signal, struct, sys, termios, time
go = os.pipe()
pid, fd = pty.fork()
if not pid:
    os.read(go[0], 1)
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", 30, 90, 0, 0))
    os.environ["FAKE"] = "tty"
    os.execv(os.environ["osprey"], ["osprey", "run", "true"])
def until(what):
    seen = b""
    while what not in seen:
        ready, _, _ = select.select([fd], [], [], 100)
        if not ready:
            print("waited in vain for", what, "after", seen)
            sys.exit(1)
        seen += os.read(fd, 1000)
    return seen
before = termios.tcgetattr(fd)
os.write(go[1], b"x")
until(b"stdio=ttt winsize=30x90\r\n")
print("size and letters")
raw = termios.tcgetattr(fd)
print("raw" if not raw[3] & (termios.ICANON | termios.ECHO | termios.ISIG) else "cooked")
os.write(fd, b"\x03\x04x")
until(b"\\x03\\x04x")
print("keys")
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("4H", 40, 100, 0, 0))
os.kill(pid, signal.SIGWINCH)
until(b"winsize 40 100\r\n")
print("new size")
os.write(fd, b"q")
until(b"bye\r\n")
print("console")
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
after = termios.tcgetattr(fd)
print("restored" if after[:4] == before[:4] else "spoilt")
P
same "a terminal: size, raw keys, changes of size, restored at the end" \
    "size and letters raw keys new size console 9 restored" \
    "$(timeout 200 /usr/bin/python3 drive_tty.py | tr '\n' ' ' | sed 's/ $//')"
finish
