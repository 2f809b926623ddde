# shellcheck shell=bash
# net/lib.bash: servers in the machine and their clients on the host. Sourced after lib.sh.
#
# Ports of the host are chosen by the command (-p GUEST), so that runs side by side do not meet.

TRANSPORTS="mmio legacy modern packed e1000 e1000e vmxnet3"
vm=0         # the process that runs the machine
declare -A ports=() # port of the guest -> port of the host

# start_vm OPTIONS... PROGRAM ARGS...: in the background; `ports` has what -p led to ("53/udp" for
# port 53 of UDP).
start_vm() {
    local line want=0 word before=''
    for word; do
        [ "$before" = -p ] && [[ $word != *:* ]] && want=$((want + 1))
        before=$word
    done
    : >"$WORK/vm.err"
    "$OSPREY" run --timeout "$LIMIT" --env LC_ALL=C "$@" </dev/null >"$WORK/vm.out" 2>"$WORK/vm.err" &
    vm=$!
    ports=()
    while kill -0 $vm 2>/dev/null; do
        while read -r line; do
            [[ $line =~ :([0-9]+)\ leads\ to\ port\ ([0-9]+(/udp)?) ]] &&
                ports[${BASH_REMATCH[2]}]=${BASH_REMATCH[1]}
        done <"$WORK/vm.err"
        [ ${#ports[@]} -ge $want ] && return 0
        sleep 0.02
    done
    return 1
}

# stop_vm: end the machine; the first signal is the program's.
stop_vm() {
    kill -TERM $vm 2>/dev/null && sleep 0.2 && kill -TERM $vm 2>/dev/null
    for _ in {1..100}; do # two that come together are one
        kill -0 $vm 2>/dev/null || break
        sleep 0.1
    done
    kill -TERM $vm 2>/dev/null
    wait $vm 2>/dev/null
    vm=0
}
trap '[ $vm -ne 0 ] && kill -KILL $vm 2>/dev/null; rm -rf "$WORK"' EXIT

# free_port: one that is free for TCP and for UDP.
free_port() {
    python3 -c '
import socket
while True:
    t, u = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
    t.bind(("127.0.0.1", 0))
    try:
        u.bind(t.getsockname())
    except OSError:
        continue
    print(t.getsockname()[1])
    break'
}

# until_works COMMAND...: try again until it succeeds or the machine has gone.
until_works() {
    until timeout 30 "$@" >"$WORK/try.out" 2>&1; do
        kill -0 $vm 2>/dev/null || return 1
        sleep 0.05
    done
}

# serves NAME COMMAND...: a check that shows the machine's last words if it fails.
serves() {
    local name=$1
    shift
    if timeout "$LIMIT" "$@" >"$WORK/check.out" 2>&1; then
        ok "$name"
    else
        echo "# $* ended with status $?"
        not_ok "$name" "$WORK/check.out" "$WORK/vm.out" "$WORK/vm.err"
    fi
}
