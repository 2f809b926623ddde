#!/bin/bash
# timeout: 600
# Core dumps on the host (osprey run --core) and in the machine, as gdb reads them.
. tests/system/lib.sh

build crash_threads sh -c "gcc -g -O0 -pthread -o \"\$OUT\" tests/system/programs/crash_threads.c" || exit 0
build crash_static sh -c "gcc -g -O0 -pthread -static -o \"\$OUT\" tests/system/programs/crash_threads.c" || exit 0
program=$PROGRAMS/crash_threads
core=$WORK/core

# dump STATUS OPTIONS... PROGRAM...: run with --core; the status must be this.
dump() {
    local want=$1 status
    shift
    rm -f "$core" "$core".*
    osprey --core "$core" "$@" </dev/null >"$WORK/out" 2>"$WORK/err"
    status=$?
    [ $status -eq "$want" ] || { echo "# status $status" && return 1; }
}

# gdb_says PROGRAM CORE PATTERN COMMAND...: what gdb prints, on one line, matches.
gdb_says() {
    local file=$1 from=$2 pattern=$3 command words=()
    shift 3
    for command; do words+=(-ex "$command"); done
    gdb -nx -batch "${words[@]}" "$file" "$from" >"$WORK/gdb" 2>&1
    tr '\n' ' ' <"$WORK/gdb" | grep -qE "$pattern" || { cat "$WORK/gdb"; return 1; }
}

check 'a crash with threads ends with 139' dump 139 --cpus 2 "$program" threads
check 'and its core is there' [ -s "$core" ]
check 'gdb: the backtrace' gdb_says "$program" "$core" \
    'SIGSEGV.*#0 .* crash_here \(depth=0\) at .*#1 .* crash_here \(depth=1\).*#3 .* with_threads \(\).*#4 .* main \(argc=2' bt
check 'gdb: all threads' gdb_says "$program" "$core" \
    'Thread 3 .*(spin_here|sleep_here).*start_thread.*Thread 2 .*(spin_here|sleep_here).*start_thread.*Thread 1 .*main' \
    'thread apply all bt'
check 'gdb: a spinning thread and a sleeping one' gdb_says "$program" "$core" 'spin_here.*' 'thread apply all bt'
check 'gdb: and a sleeping one' gdb_says "$program" "$core" 'pause.*sleep_here' 'thread apply all bt'
check 'gdb: variables' gdb_says "$program" "$core" '\$1 = 42 \$2 = "local-0' 'p global_answer' 'p local'
check 'gdb: shared libraries' gdb_says "$program" "$core" 'Yes .*/libc\.so\.6' 'info sharedlibrary'
check 'gdb: the fault' gdb_says "$program" "$core" 'si_addr = 0x10' 'p $_siginfo._sifields._sigfault'
check 'memory that was not touched takes no space' [ "$(stat -c '%b * 512 < %s' "$core" | xargs expr)" = 1 ]

check 'a static program' dump 139 "$PROGRAMS/crash_static" threads
check 'gdb: its threads' gdb_says "$PROGRAMS/crash_static" "$core" 'spin_here.*crash_here.*main' 'thread apply all bt'
check 'abort' dump 134 "$program" abort
check 'gdb: in abort' gdb_says "$program" "$core" 'SIGABRT.*abort \(\).*main' bt
check 'a stack that overflows' dump 139 "$program" stack
check 'gdb: the end of a long backtrace' gdb_says "$program" "$core" 'use_up_the_stack.*main \(' 'bt -3'

check 'process 1 survives its child' dump 0 "$program" child
check 'who sees that it dumped' grep -qx 'child 11 dumped 1' "$WORK/out"
check 'gdb: the child' gdb_says "$program" "$core" '#0 .*crash_here \(depth=0\).*in_a_child.*\$1 = 43' bt 'p global_answer'
check 'child and process 1' dump 139 "$program" twice
check 'gdb: FILE is that of process 1' gdb_says "$program" "$core" 'LWP 1\)' 'info threads'
child=$(ls "$core".[0-9]*)
check 'gdb: the child is beside it' gdb_says "$program" "$child" '\$1 = 43' 'p global_answer'

check 'no crash: no file' sh -c "timeout 200 $OSPREY run --core $core.none /bin/true && [ ! -e $core.none ]"
echo old >"$core.old"
ends 'no crash: an older file is named' 0 'none was written; the file there is older' "$OSPREY" run --core "$core.old" /bin/true
check 'and stays' grep -qx old "$core.old"
ends 'a folder that is not there' 125 'No such file' "$OSPREY" run --core "$WORK/nowhere/core" /bin/true
ends 'a file that cannot be one' 125 'no regular file' "$OSPREY" run --core /dev/null /bin/true

# A file system that is too small for it.
mkdir -p "$WORK/small"
if mount -t tmpfs -o size=64k tmpfs "$WORK/small" 2>/dev/null; then
    ends 'a full disk is told' 139 'No space left on device' "$OSPREY" run --core "$WORK/small/core" "$program" threads
    check 'and no part of a core stays' [ -z "$(ls "$WORK/small")" ]
    umount "$WORK/small"
else
    skip 'a full disk is told' 'no right to mount'
fi

# Nothing of the program's output is lost beside a core.
cat >"$WORK/much.sh" <<END
seq 100000
$program threads
seq 100000
exit 7
END
check 'much output beside a core' dump 7 --add "$program" bash "$WORK/much.sh"
check 'is whole' [ "$(grep -c '^[0-9]*$' "$WORK/out")" -eq 200000 ]

# SIGQUIT from outside, as ^\ sends it.
env --default-signal=QUIT "$OSPREY" run --timeout 200 --core "$core" "$program" wait >"$WORK/out" 2>"$WORK/err" </dev/null &
pid=$!
for _ in $(seq 1500); do grep -q ready "$WORK/out" && break; sleep 0.1; done
rm -f "$core"
kill -QUIT $pid
wait $pid
check 'SIGQUIT ends with 131' [ $? -eq 131 ]
check 'gdb: and leaves a core' gdb_says "$program" "$core" 'SIGQUIT.*pause.*main' bt

# --- in the machine ---

# inside SCRIPT: run it by bash with the program at hand.
inside() {
    printf 'cd /tmp\n%s\n' "$1" >"$WORK/script.sh"
    osprey --add "$program" bash "$WORK/script.sh" </dev/null >"$WORK/out" 2>"$WORK/err"
}
inside "ulimit -c unlimited; $program abort; cat core"
tail -c +1 "$WORK/out" >"$core"
check 'a core of the machine' gdb_says "$program" "$core" 'SIGABRT.*main' bt
check 'bash says so' grep -q 'core dumped' "$WORK/err"
inside "ulimit -c 0; $program abort; ls"
check 'RLIMIT_CORE 0: none' sh -c "! grep -q core $WORK/out"
inside "ulimit -c unlimited; echo '/tmp/%e-%s-%u-%p' >/proc/sys/kernel/core_pattern; sh -c '$program abort'; ls /tmp"
check 'core_pattern' grep -qE '^crash_threads-6-0-[0-9]+$' "$WORK/out"
inside "ulimit -c unlimited; echo 1 >/proc/sys/kernel/core_uses_pid; $program abort; ls"
check 'core_uses_pid' grep -qE '^core\.[0-9]+$' "$WORK/out"
inside "printf '#!/bin/sh\necho \$1 >/tmp/args\ncat >/tmp/piped\n' >/tmp/take; chmod +x /tmp/take
echo '|/tmp/take %s' >/proc/sys/kernel/core_pattern; echo 1 >/proc/sys/kernel/core_pipe_limit
ulimit -c unlimited; $program threads; cat /tmp/args >&2; cat /tmp/piped"
check 'a pipe to a program: its arguments' grep -qx 11 "$WORK/err"
check 'gdb: and what it read' gdb_says "$program" "$WORK/out" 'SIGSEGV.*crash_here.*main' bt
