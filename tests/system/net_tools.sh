#!/bin/bash
# timeout: 300
# Programs that look at the network rather than use it: ping, tcpdump with a filter, ifconfig.
. tests/system/lib.sh

osprey /usr/bin/ping -c 3 -i 0.2 127.0.0.1 >"$WORK/ping" 2>&1
check 'ping: every echo is answered' \
    grep -q '3 packets transmitted, 3 received, 0% packet loss' "$WORK/ping"

# tcpdump says that it listens, then someone speaks: two pings, and a datagram that is filtered out
# with the error that answers it.
cat >"$WORK/capture.sh" <<'EOF'
tcpdump -i lo -n -l -c 4 'icmp[icmptype] != icmp-unreach' 2>/tmp/told &
until grep -q 'listening on lo' /tmp/told; do sleep 0.05; done
echo x >/dev/udp/127.0.0.1/9
ping -c 2 -i 0.2 127.0.0.1 >/tmp/ping
wait
cat /tmp/told
EOF
osprey --strace --add "$WORK/capture.sh" --add /usr/bin/tcpdump --add /usr/bin/ping --add /usr/bin/grep \
    --add /usr/bin/sleep /bin/bash "$WORK/capture.sh" >"$WORK/capture" 2>&1
check 'tcpdump: both requests are seen' test "$(grep -c 'ICMP echo request' "$WORK/capture")" = 2
check 'tcpdump: and both answers' test "$(grep -c 'ICMP echo reply' "$WORK/capture")" = 2
check 'tcpdump: with a ring of TPACKET_V3' \
    grep -Eq 'setsockopt\(0x[0-9a-f]+, 0x107, 0x5, 0x[0-9a-f]+, 0x1c,.*= 0' "$WORK/capture"
check 'tcpdump: none is dropped' grep -q '0 packets dropped by kernel' "$WORK/capture"

osprey /usr/sbin/ifconfig lo >"$WORK/ifconfig" 2>&1
check 'ifconfig: flags, address and MTU of lo' \
    grep -q 'lo: flags=73<UP,LOOPBACK,RUNNING>  mtu 65536' "$WORK/ifconfig"
check 'ifconfig: the address' grep -q 'inet 127.0.0.1  netmask 255.0.0.0' "$WORK/ifconfig"
