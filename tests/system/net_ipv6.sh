#!/bin/bash
# timeout: 600
# IPv6 on a link with a router (radvd of Debian, in a network namespace): the VM makes itself an
# address, finds its way, name servers and MTU, and is a host like any other: it serves and asks
# over TCP and UDP, answers ping, learns the MTU of a path, and sees that its address is taken.
. tests/system/lib.sh
. tests/system/net/namespace.bash

MAC=52:54:00:12:34:56 ID=5054:ff:fe12:3456 PREFIX=2001:db8:6:0
GLOBAL=$PREFIX:$ID LOCAL=fe80::$ID ROUTER=2001:db8:6::1 FAR=2001:db8:7::2
command -v radvd >/dev/null || { skip net_ipv6 'no radvd' && exit 0; }
build_netload || exit 0
NETLOAD=$PROGRAMS/netload
make_space "$NS"
make_space "$NS.far"

# --- the link, a router on it, and a host behind that on a narrow link

within sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0
ip netns exec "$NS.far" sysctl -qw net.ipv6.conf.default.accept_dad=0
ip -n "$NS" tuntap add dev tap0 mode tap
ip -n "$NS" link add name near type veth peer name far netns "$NS.far"
ip -n "$NS" link set near mtu 1280 up
ip -n "$NS.far" link set far mtu 1280 up
ip -n "$NS" addr add $ROUTER/64 dev tap0 nodad
ip -n "$NS" addr add 192.0.2.1/24 dev tap0
ip -n "$NS" addr add 2001:db8:7::1/64 dev near nodad
ip -n "$NS.far" addr add $FAR/64 dev far nodad
ip -n "$NS.far" route add default via 2001:db8:7::1
ip -n "$NS" link set tap0 up

cat >"$WORK/radvd.conf" <<END
interface tap0 {
    AdvSendAdvert on; IgnoreIfMissing on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; AdvLinkMTU 1400;
    AdvCurHopLimit 55;
    prefix $PREFIX::/64 { AdvOnLink on; AdvAutonomous on; };
    RDNSS 2001:db8:6::53 { };
    DNSSL example.test { };
};
END
chmod 700 "$WORK" && chmod 600 "$WORK/radvd.conf"
background within radvd -n -m stderr -C "$WORK/radvd.conf" -p "$WORK/radvd.pid" 2>"$WORK/radvd.log"

# vm OPTIONS... PROGRAM ARGS...: in the namespace, on tap0.
vm() {
    within timeout $((LIMIT + 30)) "$OSPREY" run --timeout "$LIMIT" --env LC_ALL=C --net tap=tap0 --mac $MAC \
        --ip 192.0.2.2/24 "$@" </dev/null
}

# --- the VM serves

background vm "$NETLOAD" serve 7000 >"$WORK/vm.out" 2>"$WORK/vm.err"
server=$!

# in_space NAME COMMAND...: check the command in the namespace.
in_space() {
    local name=$1
    shift
    check "$name" within timeout 200 "$@"
}

if until_true 150 within ping -6 -c 1 -W 1 $GLOBAL; then
    ok "an address by the router's prefix"
else
    not_ok "an address by the router's prefix" "$WORK/vm.out" "$WORK/vm.err" "$WORK/radvd.log"
fi
in_space "ping, also in fragments" ping -6 -c 3 -i 0.2 -W 20 -s 5000 $GLOBAL
in_space "ping of the link-local address" ping -6 -c 3 -i 0.2 -W 20 $LOCAL%tap0
in_space "ping of all nodes" sh -c "ping -6 -c 40 -i 0.5 -W 20 ff02::1%tap0 | grep -q -m 1 'from $LOCAL'"
for how in up down both half; do
    in_space "TCP: $how" "$NETLOAD" $how $GLOBAL 7000 4096
done
in_space "TCP to the link-local address" "$NETLOAD" up $LOCAL%tap0 7000 1024
in_space "TCP: reset" "$NETLOAD" reset $GLOBAL 7000
in_space "TCP: 100 connections" "$NETLOAD" many $GLOBAL 7000 100
in_space "UDP, up to 6000 bytes" "$NETLOAD" udp $GLOBAL 7000 100
in_space "the same socket serves IPv4" "$NETLOAD" up 192.0.2.2 7000 64

# Through the router to a link of 1280 bytes: the VM is told, and sends less.
far() {
    local name=$1
    shift
    check "$name" ip netns exec "$NS.far" timeout 200 "$@"
}
far "from behind the router: down a narrow link" "$NETLOAD" down $GLOBAL 7000 2048
far "from behind the router: up" "$NETLOAD" up $GLOBAL 7000 2048
far "from behind the router: UDP" "$NETLOAD" udp $GLOBAL 7000 50
far "from behind the router: ping" ping -6 -c 2 -i 0.2 -W 20 -s 3000 $GLOBAL
within timeout 100 "$NETLOAD" bye $GLOBAL 7000
wait $server 2>/dev/null

# --- the VM asks

background within "$NETLOAD" serve 7001 >/dev/null 2>"$WORK/server.err"
background ip netns exec "$NS.far" "$NETLOAD" serve 7001 >/dev/null 2>"$WORK/far.err"
cat >"$WORK/ask.sh" <<END
set -e
"$NETLOAD" up $ROUTER 7001 2048 && echo up
"$NETLOAD" down $ROUTER 7001 2048 && echo down
"$NETLOAD" both $FAR 7001 2048 && echo far
"$NETLOAD" udp $ROUTER 7001 50 && echo udp
ping -6 -c 2 -i 0.2 ::1 >/dev/null && echo ping lo
ping -6 -c 2 -i 0.2 -s 3000 $ROUTER >/dev/null && echo ping router
ping -6 -c 2 -i 0.2 -s 3000 $FAR >/dev/null && echo ping far
! ping -6 -c 1 -W 3 2001:db8:6::dead >/dev/null && echo nobody
cat /proc/net/if_inet6 >&2
END
vm --add "$NETLOAD" --add "$WORK/ask.sh" sh "$WORK/ask.sh" >"$WORK/ask.out" 2>"$WORK/ask.err"
for line in up down far udp "ping lo" "ping router" "ping far" nobody; do
    if grep -qx "$line" "$WORK/ask.out"; then ok "the VM asks: $line"; else
        not_ok "the VM asks: $line" "$WORK/ask.out" "$WORK/ask.err"
    fi
done

# --- what it has learnt

cat >"$WORK/state.sh" <<END
"$NETLOAD" up $ROUTER 7001 16
ip -6 addr show dev eth0; ip -6 route; cat /etc/resolv.conf
cat /proc/sys/net/ipv6/conf/eth0/mtu /proc/sys/net/ipv6/conf/eth0/hop_limit
END
vm --add "$NETLOAD" --add "$WORK/state.sh" sh "$WORK/state.sh" >"$WORK/state.out" 2>"$WORK/state.err"
for line in "inet6 $GLOBAL/64 scope global .*dynamic" "inet6 $LOCAL/64 scope link" \
    "^default via fe80::.* dev eth0 proto ra metric 1024" "^2001:db8:6::/64 dev eth0 proto kernel metric 256" \
    "^nameserver 2001:db8:6::53" "^search example.test" "^1400" "^55"; do
    if grep -qE "$line" "$WORK/state.out"; then ok "learnt: $line"; else
        not_ok "learnt: $line" "$WORK/state.out" "$WORK/state.err"
    fi
done

# --- somebody else has the address: it is not used

ip -n "$NS" addr add $GLOBAL/64 dev tap0 nodad
ip -n "$NS" addr add $LOCAL/64 dev tap0 nodad
printf '%s\n' 'until ip -6 addr show dev eth0 | grep -q dadfailed; do sleep 0.1; done; sleep 4; ip -6 addr show dev eth0' >"$WORK/taken.sh"
vm --add "$WORK/taken.sh" sh "$WORK/taken.sh" >"$WORK/taken.out" 2>"$WORK/taken.err"
if grep -q "inet6 $LOCAL/64 scope link.*dadfailed" "$WORK/taken.out" && ! grep -q "$GLOBAL" "$WORK/taken.out"; then
    ok "a taken address is not used"
else
    not_ok "a taken address is not used" "$WORK/taken.out" "$WORK/taken.err"
fi
