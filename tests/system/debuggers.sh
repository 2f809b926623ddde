#!/bin/bash
# timeout: 1500
# Debian's strace and gdb inside the machine see what they see on the host.
. tests/system/lib.sh
LIMIT=400
build debugged sh -c 'gcc -g -O0 -static -no-pie -fno-pie -pthread -o $OUT tests/system/programs/debugged.c'
PROGRAM=$PROGRAMS/debugged
SORTED=cat # or sort, where threads write in an order of their own

# plain: without what differs from run to run: addresses, numbers of processes, host names.
plain() {
    sed -E -e 's/0x[0-9a-f]+/ADDR/g' -e 's/\b(LWP|process|Thread|pid|Process) +[0-9]+/\1 N/g' \
        -e 's/^(getppid\(\) += )[0-9]+$/\1N/' -e '/Segmentation fault|line [0-9]+: +[0-9]+ /d' \
        -e '/^(warning|Download|Using host|\[Thread debugging|This GDB|Enable debuginfod)/d' \
        -e 's/si_(pid|utime|stime)=[0-9]+/si_\1=N/g' -e 's/^[0-9]+ +//' -e 's/ ?\/\* [0-9.]+ s \*\///' \
        -e 's/^(\[pid N\] \+\+\+ exited with) [0-9]+/\1 N/' \
        -e 's/  +/ /g' -e 's/Inferior 1 \(.*\)/Inferior 1/' "$1"
}

# alike NAME COMMAND...: output and status, but for such things.
alike() {
    local name=$1
    shift
    on_host "$@" >"$WORK/host.raw" 2>&1 </dev/null
    echo "status $?" >>"$WORK/host.raw"
    osprey --add "$PROGRAM" --add tests/system/programs --package strace --package gdb "$@" >"$WORK/guest.raw" 2>&1 </dev/null
    echo "status $?" >>"$WORK/guest.raw"
    plain "$WORK/host.raw" | $SORTED >"$WORK/host.plain"
    plain "$WORK/guest.raw" | $SORTED >"$WORK/guest.plain"
    check "$name" diff -u "$WORK/host.plain" "$WORK/guest.plain"
}

# For scripts of bash. pauses PID: wait until the program does. traced PID: until somebody traces it.
# shellcheck disable=SC2016
WAITS='pauses() { until grep -q debugged "/proc/$1/comm" && grep -q State:.S "/proc/$1/status"; do sleep 0.05; done; }
    traced() { while grep -q "TracerPid:.0$" "/proc/$1/status"; do sleep 0.05; done; }'

# debug NAME ARGS... -- GDB-COMMANDS: gdb's own output.
debug() {
    local name=$1 args=()
    shift
    while [ "$1" != -- ]; do args+=("$1") && shift; done
    shift
    printf '%s\n' 'set pagination off' 'set width 0' "$@" >"$WORK/commands"
    alike "$name" gdb -nx -batch -x "$WORK/commands" --args "$PROGRAM" "${args[@]}"
}

# --- strace
alike 'strace of some calls' strace -e trace=getppid,write,exit_group "$PROGRAM"
alike 'strace counts calls' sh -c "strace -c -S name -e trace=getppid,write '$PROGRAM' 2>&1 |
    awk '/getppid|write/ {print \$4, \$NF}'"
alike 'strace of a fault' strace -e trace=none "$PROGRAM" fault
alike 'strace injects an error' strace -e trace=getppid -e inject=getppid:error=ENOSYS:when=2 "$PROGRAM"
alike 'strace follows a fork' strace -f -e trace=exit_group "$PROGRAM" fork
osprey strace -f sh -c 'ls / | wc -l' >"$WORK/out" 2>"$WORK/err"
check 'strace -f of a shell with a pipe' sh -c "[ \$(cat '$WORK/out') -gt 5 ] &&
    grep -q 'execve(.*\"ls\"' '$WORK/err' && grep -q '+++ exited with 0 +++' '$WORK/err' &&
    [ \$(grep -c 'exited with 0' '$WORK/err') -eq 3 ]"
osprey strace ls / >"$WORK/out" 2>"$WORK/err"
check 'strace ls' sh -c "grep -q tmp '$WORK/out' && grep -q 'getdents64(3' '$WORK/err'"
SORTED=sort
alike 'strace with seccomp-bpf' strace -f --seccomp-bpf -e trace=getppid "$PROGRAM" threads
SORTED=cat
alike 'strace attaches to a running process' bash -c "$WAITS
    '$PROGRAM' wait & program=\$!; pauses \$program
    strace -p \$program -e trace=none 2>&1 & traced \$program; kill -USR1 %1; wait 2>&1; true"

# --- gdb
debug 'gdb run, bt' fault -- run bt kill
debug 'gdb break, finish, step, info' -- 'break leaf' run bt 'info args' finish step \
    'p watched' 'p/x $cs' 'p/x $ss' 'x/2i $pc' 'p $_exitcode' continue
debug 'gdb watch, delete, stepi' -- 'break main' run 'watch watched' continue continue delete \
    stepi stepi nexti 'call middle(7)' 'p getppid() > 0' continue
debug 'gdb breakpoint behind system calls that have run' -- 'break getppid' run continue continue \
    stepi 'x/i $pc' stepi 'x/i $pc' 'disassemble getppid' delete continue
debug 'gdb catches system calls' -- 'catch syscall write' run continue 'bt -1' continue
debug 'gdb threads' threads -- 'break leaf' run continue 'info threads' \
    'thread apply all -q bt -1' continue
debug 'gdb watches in threads' threads -- 'break leaf' run continue 'watch watched if watched > 10' \
    continue delete continue
debug 'gdb follows the child' fork -- 'set follow-fork-mode child' 'break _exit' run 'bt -1' continue
debug 'gdb follows the parent' fork -- 'set detach-on-fork on' run
debug 'gdb signals' fault -- 'handle SIGSEGV nopass stop' run 'p $_siginfo.si_signo' continue
debug 'gdb changes registers and memory' -- 'break leaf' run 'set var n = 10' 'p $xmm0.uint128' \
    'set $xmm0.uint128 = 7' 'p $xmm0.uint128' finish
alike 'gdb attaches and detaches' bash -c "$WAITS
    '$PROGRAM' wait & pauses \$!
    gdb -nx -batch -ex 'p watched' -ex 'bt -1' -ex 'set var watched=5' -ex detach -p \$! 2>&1 |
    grep -v -e '^0x' -e '^\[' -e '^[0-9]*.*\.S' ; kill %1; wait"

# --- a core made inside is read here
osprey --package gdb --add "$PROGRAM" --add tests/system/programs bash -c "cd /tmp && gdb -nx -batch -ex 'break leaf' \
    -ex run -ex 'generate-core-file /tmp/c' -ex kill '$PROGRAM' >/dev/null 2>&1 && cat /tmp/c" \
    >"$WORK/core" 2>"$WORK/err" </dev/null
gdb -nx -batch -ex bt "$PROGRAM" "$WORK/core" >"$WORK/out" 2>&1
check 'gdb inside writes a core that gdb outside reads' sh -c "
    grep -q '#0.*leaf (n=3)' '$WORK/out' && grep -q '#2.*main (argc=1' '$WORK/out'"
