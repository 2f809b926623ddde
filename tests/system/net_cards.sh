#!/bin/bash
# timeout: 600
# soak-timeout: 3600
# Emulated network cards on a tap: every byte arrives in both directions, over IPv4 and IPv6, in
# frames of 1500 and of 9000 bytes, which the card cuts itself where it can; groups are heard.
. tests/system/lib.sh
. tests/system/net/namespace.bash

load_wire

# in_space NAME COMMAND...
in_space() {
    local name=$1
    shift
    if within timeout 200 "$@" >"$WORK/check.out" 2>&1; then ok "$name"; else
        not_ok "$name" "$WORK/check.out" "$WORK/vm.err"
    fi
}

# card NAME CPUS MTU [A WORD FOR THE KERNEL]
card() {
    local name="$1, $2 CPUs, MTU $3${4:+, $4}" server
    ip -n "$NS" link set tap0 mtu "$3"
    background within timeout 560 "$OSPREY" run --timeout 550 --net tap=tap0 --mac $MAC --nic "$1" --cpus "$2" --kernel-arg "${4:-loglevel=5}" \
        --ip 192.0.2.2/24 --package iproute2 --add "$NETLOAD" \
        sh -c "ip link set eth0 mtu $3 && exec $NETLOAD serve 7000" >"$WORK/vm.out" 2>"$WORK/vm.err"
    server=$!
    until_true 200 within "$NETLOAD" many 192.0.2.2 7000 1
    for address in 192.0.2.2 $LOCAL%tap0; do
        in_space "$name: ${address%\%*}, in" "$NETLOAD" up $address 7000 $KIB 1
        in_space "$name: ${address%\%*}, out" "$NETLOAD" down $address 7000 $KIB 2
        in_space "$name: ${address%\%*}, both ways" "$NETLOAD" both $address 7000 $KIB 3
        in_space "$name: ${address%\%*}, whole frames" ping -c 2 -i 0.2 -W 20 -M 'do' -s $(($3 - 48)) $address
        in_space "$name: ${address%\%*}, datagrams" "$NETLOAD" udp $address 7000 50
    done
    in_space "$name: a group" sh -c "ping -c 40 -i 0.5 -W 20 ff02::1%tap0 | grep -m 1 'from $LOCAL'"
    stop $server
}
if [ "$SOAK" = 1 ]; then
    KIB=50000
    for name in e1000 e1000e vmxnet3; do
        for cpus in 1 2 4; do
            card $name $cpus 1500
            card $name $cpus 9000
        done
    done
else
    KIB=2000
    card e1000 2 9000
    card e1000e 1 1500
    card vmxnet3 2 9000
    card vmxnet3 1 1500 pci=nomsi
fi
