#!/bin/bash
# timeout: 900
# soak-timeout: 14400
# TCP against Linux's own, over a wire that loses, reorders, duplicates, delays and damages frames
# (relay.c): every byte arrives once and in order, connections end as they should. The VM's tap and
# Linux's end are in network namespaces of their own. Figures are printed, and
# judged in the soak. PARTS="speed asks": only those; WHOLE: KiB of a transfer.
. tests/system/lib.sh
. tests/system/net/namespace.bash
LIMIT=600
[ "$SOAK" = 1 ] && LIMIT=9000

MAC=52:54:00:12:34:57 GUEST=10.77.0.2 HERE=10.77.0.1 GUEST6=fe80::5054:ff:fe12:3457
LINUX=$NS.linux
build_netload || exit 0
build relay sh -c 'gcc -O2 -Wall -o $OUT tests/system/relay.c' || exit 0
NETLOAD=$PROGRAMS/netload RELAY=$PROGRAMS/relay
make_space "$NS"
make_space "$LINUX"
relay=0
# Frames as they are on the wire: nobody leaves a checksum or the cutting to somebody else.
VM=(--net tap=vm --mac $MAC --ip $GUEST/24 --qemu-arg -global --qemu-arg virtio-net-device.csum=off
    --qemu-arg -global --qemu-arg virtio-net-device.guest_csum=off)

# prepare_tap: QEMU's, which Linux takes no part in.
ip -n "$NS" tuntap add dev vm mode tap
within sysctl -qw net.ipv6.conf.vm.disable_ipv6=1
ip -n "$NS" link set vm arp off mtu 9000 up

# wire MTU [RELAY OPTIONS]...: another wire between the VM and Linux.
wire() {
    local mtu=$1
    shift
    [ $relay -ne 0 ] && stop $relay
    rm -f "$WORK/ready"
    background within "$RELAY" "$@" --ready "$WORK/ready" packet:vm tap:wire >"$WORK/relay.out" 2>&1
    relay=$!
    until_true 100 test -e "$WORK/ready"
    plug wire "$LINUX" "$mtu" $HERE
}

# plug INTERFACE SPACE MTU ADDRESS: Linux's end of a wire.
plug() {
    ip -n "$NS" link set "$1" netns "$2"
    ip -n "$2" link set "$1" address 02:00:00:00:00:0${4##*.} mtu "$3" up
    ip -n "$2" addr add "$4/24" dev "$1"
}

# linux NAME COMMAND...: check it at Linux's end.
linux() {
    local name=$1
    shift
    if ip netns exec "$LINUX" timeout $((LIMIT / 2)) "$@" >"$WORK/linux.out" 2>&1; then ok "$name"; else
        not_ok "$name" "$WORK/linux.out" "$WORK/vm.err" "$WORK/relay.out"
    fi
}

# start_server OPTIONS...: the VM serves.
start_server() {
    background within timeout $((LIMIT + 60)) "$OSPREY" run --timeout $((LIMIT + 30)) --memory 512M "${VM[@]}" "$@" \
        "$NETLOAD" serve 7000 </dev/null >"$WORK/vm.out" 2>"$WORK/vm.err"
    vm=$!
    until_true 200 ip netns exec "$LINUX" timeout 20 "$NETLOAD" up $GUEST 7000 1
}

stop_server() {
    ip netns exec "$LINUX" timeout 100 "$NETLOAD" bye $GUEST 7000
    wait $vm 2>/dev/null
}

# both_ways NAME KIB: there and back, and both at once.
both_ways() {
    linux "$1: to the VM" "$NETLOAD" up $GUEST 7000 "$2" $RANDOM
    linux "$1: from the VM" "$NETLOAD" down $GUEST 7000 "$2" $RANDOM
}

# amount SHORT WHOLE: KiB by the kind of run.
amount() { if [ "$SOAK" = 1 ]; then echo "$2"; else echo "$1"; fi; }

whole=${WHOLE:-$((256 * 1024))}

# What one machine is for: every kind of wire.
transfers() {
    wire 1500
    start_server || { not_ok "the VM serves" "$WORK/vm.err" && return; }
    both_ways "a good wire" "$(amount 8192 $whole)"
    linux "a good wire: both ways at once" "$NETLOAD" both $GUEST 7000 "$(amount 4096 $whole)"
    linux "a good wire: half closed" "$NETLOAD" half $GUEST 7000 "$(amount 4096 $whole)"
    linux "a good wire: reset" "$NETLOAD" reset $GUEST 7000
    linux "1000 connections at a time" "$NETLOAD" many $GUEST 7000 1000
    linux "$(amount 1000 10000) connections that come and go" "$NETLOAD" churn $GUEST 7000 "$(amount 1000 10000)"
    [ "$SOAK" = 1 ] && linux "10000 connections at a time" "$NETLOAD" many $GUEST 7000 10000
    linux "over IPv6" "$NETLOAD" both $GUEST6%wire 7000 4096
    for loss in 1 5 10; do
        wire 1500 --loss $loss --seed $((loss + 40))
        both_ways "$loss of 100 frames lost" "$(amount $((4096 / loss)) $whole)"
    done
    wire 1500 --loss 2 --seed 9
    linux "2 of 100 lost: half closed" "$NETLOAD" half $GUEST 7000 512
    linux "2 of 100 lost: reset" "$NETLOAD" reset $GUEST 7000
    linux "2 of 100 lost: 100 connections" "$NETLOAD" many $GUEST 7000 100
    linux "2 of 100 lost: datagrams" "$NETLOAD" udp $GUEST 7000 20
    linux "2 of 100 lost: over IPv6" "$NETLOAD" both $GUEST6%wire 7000 512
    wire 1500 --reorder 5 --duplicate 3 --seed 11
    both_ways "reordered and duplicated" "$(amount 2048 $whole)"
    wire 1500 --corrupt 2 --seed 12
    both_ways "2 of 100 damaged" "$(amount 1024 $whole)"
    wire 1500 --delay 50
    both_ways "50 ms of delay" "$(amount 2048 $whole)"
    wire 1500 --delay 20 --loss 1 --reorder 1 --duplicate 1 --corrupt 0.5 --seed 13
    both_ways "everything at once" "$(amount 256 $whole)"
    wire 576
    both_ways "MTU 576 on Linux's side" "$(amount 2048 $whole)"
    stop_server
}

mtus() {
    for mtu in $(amount "576 9000" "576 1000 1280 9000"); do
        wire $mtu --loss 0.5 --seed $mtu
        start_server --qemu-arg -global --qemu-arg virtio-net-device.host_mtu=$mtu ||
            { not_ok "MTU $mtu: the VM serves" "$WORK/vm.err" && continue; }
        both_ways "MTU $mtu" "$(amount 1024 $whole)"
        stop_server
    done
}

# The VM asks.
asks() {
    wire 1500 --loss 2 --reorder 2 --seed 21
    background ip netns exec "$LINUX" "$NETLOAD" serve 7001 >/dev/null 2>"$WORK/server.err"
    cat >"$WORK/ask.sh" <<END
for how in up down both half; do "$NETLOAD" \$how $HERE 7001 $(amount 512 $whole) && echo \$how; done
"$NETLOAD" reset $HERE 7001 && echo reset
"$NETLOAD" many $HERE 7001 100 && echo many
END
    within timeout $((LIMIT / 2 + 60)) "$OSPREY" run --timeout $((LIMIT / 2)) "${VM[@]}" --memory 256M \
        --add "$NETLOAD" --add "$WORK/ask.sh" sh "$WORK/ask.sh" </dev/null >"$WORK/ask.out" 2>"$WORK/ask.err"
for how in up down both half reset many; do
        if grep -qx $how "$WORK/ask.out"; then ok "the VM asks: $how"; else
            not_ok "the VM asks: $how" "$WORK/ask.out" "$WORK/ask.err" "$WORK/server.err"
        fi
    done
}

# --- how fast: 1 of 100 lost, 20 ms, beside Linux to Linux over the same kind of wire

# seconds_for COMMAND...: at Linux's end, as a decimal number; 300 are too many.
seconds_for() {
    local from=$EPOCHREALTIME
    ip netns exec "$LINUX" timeout 300 "$@" >/dev/null 2>&1
    echo "$from $EPOCHREALTIME" | awk '{ printf "%.2f", $2 - $1 }'
}

# measured WHO: the seconds that each way takes, of which the sums are kept in took.
declare -A took=()
measured() {
    local way
    for way in down up; do
        took[$1,$way]=$(echo "${took[$1,$way]:-0} $(seconds_for "$NETLOAD" $way $GUEST 7000 "$kib")" | awk '{ print $1 + $2 }')
    done
}

# The same losses for both: the relay decides by a seed and the frame's number.
speed() {
    local kib seed way
    kib=$(amount 1024 16384)
    make_space "$NS.other"
    for seed in $(amount 31 "31 32 33 34 35"); do
        wire 1500 --loss 1 --delay 20 --seed $seed
        start_server || { not_ok "the VM serves" "$WORK/vm.err" && return; }
        measured vm
        stop_server
        stop $relay
        rm -f "$WORK/ready"
        background within "$RELAY" --loss 1 --delay 20 --seed $seed --ready "$WORK/ready" tap:other tap:wire >/dev/null 2>&1
        relay=$!
        until_true 100 test -e "$WORK/ready"
        plug wire "$LINUX" 1500 $HERE
        plug other "$NS.other" 1500 $GUEST
        background ip netns exec "$NS.other" "$NETLOAD" serve 7000 >/dev/null 2>&1
        server=$!
        until_true 200 ip netns exec "$LINUX" timeout 20 "$NETLOAD" up $GUEST 7000 1
        measured linux
        stop $server
    done
    for way in down up; do
        echo "# $kib KiB at 1 % loss and 20 ms, $way: VM ${took[vm,$way]} s, Linux ${took[linux,$way]} s"
        [ "$SOAK" = 1 ] && check "1 % loss, 20 ms, $way: at least 0.8 of Linux to Linux" \
            awk "BEGIN { exit !(${took[linux,$way]} >= 0.8 * ${took[vm,$way]}) }"
    done
    ok "throughput (see the figures)"
}

for part in ${PARTS:-transfers mtus asks speed}; do $part; done
