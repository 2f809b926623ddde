#!/bin/bash
# timeout: 300
# The tools that look at a network and change it: ip, ss, netstat, ifconfig, route, arp, ping, and
# busybox's, in a machine with a network card and some sockets.
. tests/system/lib.sh

add=()
for tool in ip ss netstat ifconfig route arp ping sleep cat grep; do
    path=$(command -v "$tool") && add+=(--add "$path")
done

cat >"$WORK/sockets.py" <<'END'
import os, socket, subprocess, sys
tcp = socket.create_server(("127.0.0.1", 8080), backlog=7)
near = socket.create_connection(("127.0.0.1", 8080))
far = tcp.accept()[0]
near.sendall(b"12345")
far.recv(5, socket.MSG_PEEK | socket.MSG_WAITALL)
six = socket.create_server(("::1", 8081), family=socket.AF_INET6)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("0.0.0.0", 5353))
local = socket.socket(socket.AF_UNIX)
local.bind("/tmp/named")
local.listen(3)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
sys.exit(subprocess.call(["/bin/bash", sys.argv[1]]))
END

cat >"$WORK/script.sh" <<'END'
part() {
    local name=$1
    shift
    echo "=== $name"
    "$@" 2>&1
    echo "=== status $?"
}
part link ip -s link show lo
part addr ip addr show eth0
part brief ip -br addr
part json ip -json addr show lo
part route ip route
part route-all ip route show table all
part get ip route get 192.0.2.9
part get-own ip route get 10.0.2.15
part rule ip rule
part change bash -c 'ip addr add 10.9.0.1/24 dev eth0 && ip route add 10.8.0.0/16 via 10.9.0.7 &&
    ip route show 10.8.0.0/16 && ip link set eth0 mtu 1300 && ip link show eth0 &&
    ip route del 10.8.0.0/16 && ip addr del 10.9.0.1/24 dev eth0 && ip link set eth0 mtu 1500'
part twice ip addr add 10.0.2.15/24 dev eth0
part unknown ip link show nosuch0
part neigh bash -c 'ip neigh add 10.0.2.77 lladdr 02:00:00:00:00:77 dev eth0 && ip neigh show 10.0.2.77 &&
    arp -n && ip neigh del 10.0.2.77 dev eth0'
part down bash -c 'ip link set eth0 down && ip route && ip link set eth0 up && ip addr show eth0 &&
    ip route add default via 10.0.2.2' # which went with the link
part monitor bash -c 'ip monitor address >/tmp/monitor & id=$!
    for i in {1..200}; do ip addr add 10.7.0.1/24 dev lo; ip addr del 10.7.0.1/24 dev lo
        grep -q 10.7.0.1 /tmp/monitor && break; sleep 0.05; done
    kill $id; cat /tmp/monitor'
part ss ss -tuanp
part ss-info ss -tino state established
part ss-filter ss -Htln sport = :8080
part ss-unix ss -xlp
part ss-raw ss -wan
part ss-sum ss -s
part netstat netstat -tuanp
part netstat-r netstat -rn
part netstat-i netstat -i
part netstat-s netstat -s
part ifconfig ifconfig -a
part route-n route -n
part ping ping -n -c 2 -i 0.2 127.0.0.1
part ping6 ping -n -c 1 ::1
part bb-ip busybox ip addr
part bb-route busybox ip route
part bb-netstat busybox netstat -tln
part bb-ifconfig busybox ifconfig eth0
END

if ! osprey --net user "${add[@]}" --add "$(command -v busybox)" --add "$WORK/script.sh" --add /bin/bash \
    --add "$WORK/sockets.py" /usr/bin/python3 "$WORK/sockets.py" "$WORK/script.sh" >"$WORK/out" 2>"$WORK/err"; then
    not_ok 'the tools run' "$WORK/err" "$WORK/out"
    exit 0
fi

# shows NAME PART PATTERN: a line of that part matches.
shows() {
    sed -n "/^=== $2\$/,/^=== status/p" "$WORK/out" >"$WORK/part"
    if grep -qE "$3" "$WORK/part"; then ok "$1"; else not_ok "$1" "$WORK/part"; fi
}

shows 'ip -s link' link 'lo: <LOOPBACK,UP,LOWER_UP> mtu 65536'
shows 'ip -s link: bytes' link 'RX: +bytes +packets'
shows 'ip addr' addr 'inet 10\.0\.2\.15/24 brd 10\.0\.2\.255 scope global eth0'
shows 'ip addr: the hardware address' addr 'link/ether 52:54:00:12:34:56 brd ff:ff:ff:ff:ff:ff'
shows 'ip -br addr' brief '^lo +UNKNOWN +127\.0\.0\.1/8 '
shows 'ip -json' json '"ifname":"lo".*"local":"127\.0\.0\.1","prefixlen":8,"scope":"host"'
shows 'ip route' route '^default via 10\.0\.2\.2 dev eth0'
shows 'ip route: what is on the link' route '^10\.0\.2\.0/24 dev eth0 proto kernel scope link src 10\.0\.2\.15'
shows 'ip route: all tables' route-all '^local 10\.0\.2\.15 dev eth0 table local proto kernel scope host'
shows 'ip route get' get '^192\.0\.2\.9 via 10\.0\.2\.2 dev eth0 src 10\.0\.2\.15'
shows 'ip route get: an own address' get-own '^local 10\.0\.2\.15 dev lo'
shows 'ip rule' rule '^32766:.from all lookup main'
shows 'ip addr, route and link change things' change '^=== status 0'
shows 'a route that was added' change '^10\.8\.0\.0/16 via 10\.9\.0\.7 dev eth0'
shows 'an MTU that was set' change 'mtu 1300'
shows 'an address twice' twice 'File exists|already assigned'
shows 'an interface that is not there' unknown 'Device "nosuch0" does not exist'
shows 'ip neigh' neigh '^10\.0\.2\.77 dev eth0 lladdr 02:00:00:00:00:77 PERMANENT'
shows 'arp' neigh '^10\.0\.2\.77 +ether +02:00:00:00:00:77 +CM +eth0'
shows 'an interface goes down and up' down '<BROADCAST,MULTICAST,UP,LOWER_UP>'
shows 'its address stays' down 'inet 10\.0\.2\.15/24'
shows 'ip monitor' monitor 'inet 10\.7\.0\.1/24 '
shows 'ss: who listens' ss '^tcp +LISTEN +0 +7 +127\.0\.0\.1:8080 .*"python3",pid=1,'
shows 'ss: who is connected' ss '^tcp +ESTAB +5 +0 +127\.0\.0\.1:8080 '
shows 'ss: UDP' ss '^udp +UNCONN +0 +0 +0\.0\.0\.0:5353 '
shows 'ss: IPv6' ss '^tcp +LISTEN .* \[::1\]:8081 '
shows 'ss -i' ss-info 'cubic .*rto:.*mss:'
shows 'ss with a condition' ss-filter '^LISTEN +0 +7 +127\.0\.0\.1:8080'
shows 'ss -x' ss-unix 'u_str +LISTEN +0 +3 +/tmp/named '
shows 'ss -w' ss-raw ':(icmp|1) '
shows 'ss -s' ss-sum '^TCP: +[4-9]'
shows 'netstat: who listens' netstat '^tcp +[0-9]+ +[0-9]+ 127\.0\.0\.1:8080 +0\.0\.0\.0:\* +LISTEN +1/python3'
shows 'netstat -r' netstat-r '^0\.0\.0\.0 +10\.0\.2\.2 +0\.0\.0\.0 +UG '
shows 'netstat -i' netstat-i '^eth0 +1500 '
shows 'netstat -s' netstat-s 'active connection openings'
shows 'ifconfig' ifconfig 'inet 10\.0\.2\.15  netmask 255\.255\.255\.0  broadcast 10\.0\.2\.255'
shows 'ifconfig: lo' ifconfig 'inet6 ::1  prefixlen 128  scopeid 0x10<host>'
shows 'route' route-n '^10\.0\.2\.0 +0\.0\.0\.0 +255\.255\.255\.0 +U '
shows 'ping' ping '2 packets transmitted, 2 received, 0% packet loss'
shows 'ping over IPv6' ping6 '1 received'
shows "busybox's ip addr" bb-ip 'inet 10\.0\.2\.15/24'
shows "busybox's ip route" bb-route '^10\.0\.2\.0/24 dev eth0'
shows "busybox's netstat" bb-netstat '127\.0\.0\.1:8080 '
shows "busybox's ifconfig" bb-ifconfig 'inet addr:10\.0\.2\.15'
