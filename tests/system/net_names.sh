#!/bin/bash
# timeout: 300
# Names resolve in the machine without a word about it: in the user network by what QEMU asks on the
# host, behind a tap by the server that DHCP names. The host's own name server is a dnsmasq in a
# network namespace of the test's own.
. tests/system/lib.sh
. tests/system/net/namespace.bash

command -v dnsmasq >/dev/null || { skip net_names 'no dnsmasq' && exit 0; }
make_space "$NS"
ip -n "$NS" tuntap add dev tap0 mode tap
ip -n "$NS" addr add 192.0.2.1/24 dev tap0
ip -n "$NS" link set tap0 up
background within dnsmasq --keep-in-foreground --conf-file=/dev/null --no-hosts --no-resolv --user=root --pid-file= \
    --bind-interfaces --interface=tap0 --interface=lo --no-ping --dhcp-range=192.0.2.50,192.0.2.60,255.255.255.0,1h \
    --dhcp-leasefile="$WORK/leases" --log-facility="$WORK/log" --dhcp-option=option:domain-search,far.test \
    --local=/test/ --host-record=host.test,10.0.2.2 --host-record=six.test,2001:db8::7 --host-record=near.far.test,192.0.2.1 \
    --host-record=both.test,198.51.100.9,2001:db8::9 --cname=other.test,host.test
until_true 150 within dig @127.0.0.1 +short host.test || { not_ok 'dnsmasq starts' "$WORK/log" && exit 0; }
mkdir -p "$WORK/www"
echo 'served by name' >"$WORK/www/index.html"
background within python3 -m http.server -d "$WORK/www" 8000 >/dev/null 2>&1
echo 'nameserver 127.0.0.1' >"$WORK/resolv.conf"
until_true 150 within curl -sf -o /dev/null http://127.0.0.1:8000/ || not_ok 'the server starts'

# named OPTIONS... PROGRAM ARGS...: where the host's name server is the one above.
named() {
    within unshare -m sh -c 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"' sh "$WORK/resolv.conf" \
        timeout $((LIMIT + 30)) "$OSPREY" run --timeout $LIMIT --env LC_ALL=C "$@" </dev/null >"$WORK/out" 2>"$WORK/err"
}

# prints NAME LINES: what the program has said.
prints() {
    if [ "$(cat "$WORK/out")" = "$2" ]; then ok "$1"; else not_ok "$1" "$WORK/out" "$WORK/err"; fi
}

cat >"$WORK/names.py" <<'END'
import socket
print(*sorted({a[4][0] for a in socket.getaddrinfo("both.test", 80)}))
print(socket.gethostbyname("other.test"))
try:
    socket.getaddrinfo("never.test", 80)
except socket.gaierror as e:
    print(e.errno == socket.EAI_NONAME)
END
ways='198.51.100.9 2001:db8::9
10.0.2.2
True'
named --net user /usr/bin/getent hosts host.test
prints 'user network: getent' '10.0.2.2        host.test'
named --net user /usr/bin/getent ahostsv6 six.test
check 'user network: an address of IPv6' grep -q '^2001:db8::7 ' "$WORK/out"
named --net user --add "$WORK/names.py" /usr/bin/python3 "$WORK/names.py"
prints 'user network: python3' "$ways"
named --net user /usr/bin/curl -sS http://host.test:8000/
prints 'user network: curl' 'served by name'
named --net tap=tap0 --ip dhcp --add "$WORK/names.py" /usr/bin/python3 "$WORK/names.py"
prints 'tap: python3' "$ways"
named --net tap=tap0 --ip dhcp /usr/bin/curl -sS http://near:8000/
prints 'tap: curl, and a domain to search' 'served by name'
