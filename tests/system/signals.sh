#!/bin/bash
# timeout: 300
# Signals sent to the command reach the program; a second one stops the machine.
. tests/system/lib.sh

cat >"$WORK/catch.py" <<'END'
import os, signal, sys, time
def note(sig, frame):
    os.write(1, b"caught %d\n" % sig) # print() may be under way, and is not reentrant
    sys.exit(40 + sig)
for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(sig, note)
os.write(1, b"ready\n")
while True: time.sleep(60)
END
printf 'import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint("ready", flush=True)\nwhile True: time.sleep(60)\n' >"$WORK/deaf.py"

# start SCRIPT: run it in the background; its output goes to $WORK/out; waits for "ready".
start() {
    : >"$WORK/out"
    # A background process of a script ignores SIGINT, and rightly hands that on.
    env --default-signal=INT "$OSPREY" run --timeout 300 /usr/bin/python3 "$@" >"$WORK/out" 2>"$WORK/err" </dev/null &
    pid=$!
    for _ in $(seq 2000); do
        grep -q ready "$WORK/out" && return 0
        sleep 0.1
    done
    return 1
}

for sig in INT TERM HUP; do
    start "$WORK/catch.py"
    kill -$sig $pid
    wait $pid
    status=$?
    check "SIG$sig reaches the program" [ $status -eq $((40 + $(kill -l $sig))) ]
done
start -c 'import time; print("ready", flush=True); time.sleep(100)'
kill -TERM $pid
wait $pid
check 'SIGTERM without a handler ends the program with 143' [ $? -eq 143 ]

start "$WORK/deaf.py"
began=$SECONDS
kill -TERM $pid
sleep 1
# It has been taken: another one would be lost before.
while grep -qE '^(SigPnd|ShdPnd):.*[1-9a-f]' "/proc/$pid/status"; do sleep 0.1; done
check 'a program that ignores SIGTERM goes on' kill -0 $pid
kill -TERM $pid
wait $pid
status=$?
check 'a second signal stops the machine' [ $status -ne 0 ]
check 'and that soon' [ $((SECONDS - began)) -lt 150 ]
kill -0 $pid 2>/dev/null && kill -KILL $pid

# No machine outlives its command. One that ended may wait as a zombie for whoever adopted it.
lives() {
    local state
    state=$(sed -nE 's/^State:\s*(.).*/\1/p' "/proc/$1/status" 2>/dev/null)
    [ -n "$state" ] && [ "$state" != Z ] && [ "$state" != X ]
}

start "$WORK/deaf.py"
children=$(pgrep -P $pid)
check 'the emulator is a child of the command' [ -n "$children" ]
kill -KILL $pid
wait $pid 2>/dev/null
for _ in $(seq 600); do
    alive=''
    for child in $children; do lives "$child" && alive=$child; done
    [ -z "$alive" ] && break
    sleep 0.1
done
check 'no emulator is left when the command is killed' [ -z "$alive" ]
for child in $children; do lives "$child" && kill "$child"; done
true
