#!/bin/bash
# timeout: 300
# The DHCP client against dnsmasq in a network namespace: a lease with every option, its renewal, an
# address that somebody else has, a server that refuses, and no server at all.
. tests/system/lib.sh
. tests/system/net/namespace.bash

command -v dnsmasq >/dev/null || { skip net_dhcp 'no dnsmasq' && exit 0; }
make_space "$NS"
make_space "$NS.other"
ip -n "$NS" link add br0 type bridge
ip -n "$NS" tuntap add dev tap0 mode tap
ip -n "$NS" link add name near type veth peer name far netns "$NS.other"
for dev in tap0 near; do ip -n "$NS" link set $dev master br0 up; done
ip -n "$NS" addr add 192.0.2.1/24 dev br0
ip -n "$NS" link set br0 up
ip -n "$NS.other" link set far up

# server OPTIONS...: dnsmasq with a log of its own.
server() {
    : >"$WORK/log"
    background within dnsmasq --keep-in-foreground --conf-file=/dev/null --port=0 --interface=br0 \
        --bind-interfaces --no-ping --dhcp-authoritative --dhcp-sequential-ip --no-hosts \
        --no-resolv --user=root --dhcp-leasefile="$WORK/leases" --pid-file= --log-dhcp \
        --log-facility="$WORK/log" "$@"
    SERVER=$!
    until_true 100 grep -q 'DHCP, ' "$WORK/log" || not_ok 'dnsmasq starts' "$WORK/log"
}

# guest SCRIPT: run it behind the tap; what it and the kernel say in $WORK/guest.
guest() {
    within timeout 240 "$OSPREY" run --timeout 200 --net tap=tap0 --ip dhcp --env LC_ALL=C \
        --add "$(command -v ip)" --add /bin/cat --add /bin/hostname --add /bin/sleep --add /bin/sed \
        bash -c "$1" </dev/null >"$WORK/guest" 2>&1
}

# shows NAME PATTERN: a line of the guest's.
shows() {
    if grep -qE "$2" "$WORK/guest"; then ok "$1"; else not_ok "$1" "$WORK/guest"; fi
}
logged() {
    if grep -qE "$2" "$WORK/log"; then ok "$1"; else not_ok "$1" "$WORK/log"; fi
}

# --- every option

server --dhcp-range=192.0.2.50,192.0.2.60,255.255.255.0,1h --dhcp-option=option:router,192.0.2.1 \
    --dhcp-option-force=121,198.51.100.0/24,192.0.2.9,0.0.0.0/0,192.0.2.1 \
    --dhcp-option-force=option:mtu,1400 --dhcp-option=option:dns-server,192.0.2.53,192.0.2.54 \
    --dhcp-option=option:ntp-server,192.0.2.123 --dhcp-option-force=option:domain-name,lab.test \
    --dhcp-option-force=option:domain-search,lab.test,far.test \
    --dhcp-option-force=12,leased-name
guest 'ip addr show eth0; ip route; hostname; cat /etc/resolv.conf /proc/net/pnp
    echo "ntp $(cat /proc/net/ipconfig/ntp_servers)"'
shows 'address, netmask and broadcast' 'inet 192\.0\.2\.50/24 brd 192\.0\.2\.255 scope global dynamic eth0'
shows 'the MTU' 'eth0: .* mtu 1400 '
shows 'the default route of the classless ones' '^default via 192\.0\.2\.1 dev eth0 proto dhcp'
shows 'a static route' '^198\.51\.100\.0/24 via 192\.0\.2\.9 dev eth0 proto dhcp'
shows 'the name' '^leased-name$'
shows 'name servers' '^nameserver 192\.0\.2\.53$'
shows 'the second one' '^nameserver 192\.0\.2\.54$'
shows 'domains to search' '^search lab\.test far\.test$'
shows '/proc/net/pnp' '^#PROTO: DHCP$'
shows 'time servers' '^ntp 192\.0\.2\.123$'
stop "$SERVER"

# --- an address that another machine has: declined, and the next one taken

ip -n "$NS.other" addr add 192.0.2.70/24 dev far
rm -f "$WORK/leases"
server --dhcp-range=192.0.2.70,192.0.2.71,255.255.255.0,1h
guest 'for i in {1..600}; do
        ip -4 addr show eth0 | grep -q 192.0.2.71 && echo second && break
        sleep 0.2
    done'
logged 'an address that somebody has is declined' 'DHCPDECLINE\(br0\) 192\.0\.2\.70 '
shows 'and the next one taken' '^second$'
stop "$SERVER"

# --- a short lease (udhcpd gives those; T1 is its half): renewed, which shows in its lifetime, and, with
# the server gone, ended

cat >"$WORK/udhcpd.conf" <<END
start 192.0.2.80
end 192.0.2.81
interface br0
lease_file $WORK/udhcpd.leases
pidfile $WORK/udhcpd.pid
min_lease 10
option lease 24
option subnet 255.255.255.0
END
if busybox --list | grep -q '^udhcpd$'; then
    : >"$WORK/udhcpd.leases"
    background within busybox udhcpd -f "$WORK/udhcpd.conf" 2>"$WORK/log"
    SERVER=$!
    background guest 'left() { ip -4 addr show eth0 | sed -n "s/.*valid_lft \([0-9]*\)sec pref.*/\1/p"; }
        last=$(left)
        for i in {1..600}; do
            now=$(left)
            [ "$now" -gt "$last" ] && echo renewed && break
            last=$now
            sleep 0.2
        done
        while [ "$(left)" ]; do sleep 0.2; done
        echo ended'
    GUEST=$!
    if until_true 150 grep -q '^renewed' "$WORK/guest"; then
        ok 'a lease is renewed at T1'
    else
        not_ok 'a lease is renewed at T1' "$WORK/log" "$WORK/guest"
    fi
    stop "$SERVER"
    wait "$GUEST"
    shows 'and ends when nobody renews it' '^ended'
    shows 'which the console says' 'eth0: 192\.0\.2\.8[01] is given up: the lease has ended'
else
    skip 'a lease is renewed and ends' 'no udhcpd'
fi

# --- no server: said, and the program runs

guest 'echo runs; ip -4 addr show eth0'
shows 'without a server the program runs all the same' '^runs$'
shows 'and the console says why it took so long' 'eth0: no answer from a DHCP server'
