# shellcheck shell=bash
# net/namespace.bash: a network namespace of the test's own for a VM on a tap device. Sourced after
# lib.sh; everything in it is gone at the end of the script, and nothing outside is touched.

NS=osprey.$$
SPACES=() STARTED=()

# clean_up: what the test has started, by number; its namespaces.
clean_up() {
    local id
    # shellcheck disable=SC2046
    for id in "${STARTED[@]}"; do kill "$id" $(ps -o pid= --ppid "$id") 2>/dev/null; done
    wait "${STARTED[@]}" 2>/dev/null
    for id in "${SPACES[@]}"; do ip netns del "$id" 2>/dev/null; done
    rm -rf "$WORK"
}

# make_space NAME: a namespace with lo; skips the whole test where that is not allowed.
make_space() {
    if ! ip netns add "$1" 2>"$WORK/space"; then
        skip "$(basename "$0" .sh)" "no network namespaces here: $(head -1 "$WORK/space")"
        exit 0
    fi
    SPACES+=("$1")
    trap clean_up EXIT
    ip -n "$1" link set lo up
}

# within COMMAND...: in the namespace.
within() { ip netns exec "$NS" "$@"; }

# background COMMAND...: its number is in $! and in STARTED.
background() {
    [ "$1" = within ] && shift && set -- ip netns exec "$NS" "$@" # no shell in between
    "$@" &
    STARTED+=($!)
}

# stop ID: end a process that background() has started, and wait for it.
stop() {
    kill "$1" 2>/dev/null
    wait "$1" 2>/dev/null
    return 0 # however it ended
}

# until_true SECONDS COMMAND...: try again until it succeeds.
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -ge $end ] && return 1
        sleep 0.2
    done
}

build_netload() {
    build netload sh -c 'gcc -O2 -w -static -pthread -o $OUT tests/system/programs/netload.c'
}

# load_wire: a tap, tap0, to load a card with this MAC by netload: the host's side is 192.0.2.1/24, the card's IPv6
# address LOCAL. Ends the test where that is not to be had.
load_wire() {
    # shellcheck disable=SC2034
    MAC=52:54:00:12:34:56 LOCAL=fe80::5054:ff:fe12:3456 NETLOAD=$PROGRAMS/netload
    build_netload || exit 0
    make_space "$NS"
    within sysctl -qw net.ipv6.conf.default.accept_dad=0
    ip -n "$NS" tuntap add dev tap0 mode tap
    ip -n "$NS" addr add 192.0.2.1/24 dev tap0
    ip -n "$NS" link set tap0 up
}
