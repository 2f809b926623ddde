#!/bin/bash
# timeout: 400
# IPV6_JOIN_ANYCAST over a wire: neighbours find the address (RFC 4861, 7.2.7: without override),
# what is sent to it arrives, answers come from the host's own address, TCP is not for it. The same
# server runs on Linux (in a namespace) and in the VM.
. tests/system/lib.sh
. tests/system/net/namespace.bash

PREFIX=2001:db8:6: OWN=2001:db8:6::2
make_space "$NS"
make_space "$NS.peer"
ip netns exec "$NS.peer" sysctl -qw net.ipv6.conf.default.accept_dad=0
within sysctl -qw net.ipv6.conf.default.accept_dad=0

cat >"$WORK/server.py" <<'END_PYTHON'
import os, socket, struct, sys
SOL_IPV6, JOIN, LEAVE, PKTINFO, RECVPKTINFO = 41, 27, 28, 50, 49
device = sys.argv[1]
address = socket.inet_pton(socket.AF_INET6, "2001:db8:6::aaa")
index = socket.if_nametoindex(device)
def joined(s, how):
    s.setsockopt(SOL_IPV6, how, address + struct.pack("I", index))
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(SOL_IPV6, RECVPKTINFO, 1)
s.bind(("::", 7000))
t = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
t.bind(("::", 7000))
t.listen(5)
joined(s, JOIN)
print("ready", flush=True)
while True:
    data, control, _, peer = s.recvmsg(2000, 200)
    told = [c[2] for c in control if c[:2] == (SOL_IPV6, PKTINFO)][0]
    if data == b"leave": # before it says so
        joined(s, LEAVE)
    answer = data + b" to " + socket.inet_ntop(socket.AF_INET6, told[:16]).encode()
    if data == b"as you asked":
        s.sendmsg([answer], [(SOL_IPV6, PKTINFO, told)], 0, peer)
    else:
        s.sendto(answer, peer)
    if data == b"bye":
        break
END_PYTHON

cat >"$WORK/client.py" <<'END_PYTHON'
import os, socket, sys, threading
ANY, OWN = "2001:db8:6::aaa", "2001:db8:6::2"
def say(name, good, what=""):
    print(("ok - " if good else f"# {what}\nnot ok - ") + sys.argv[1] + ": " + name, flush=True)
def ask(to, port, text, seconds=100):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.settimeout(seconds)
    s.sendto(text, (to, port))
    try:
        data, peer = s.recvfrom(2000)
        return data.decode(), peer[0]
    except OSError as e:
        return e, None
seen = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
got = ask(ANY, 7000, b"hello")
say("a datagram arrives, the answer has the host's own address", got == (f"hello to {ANY}", OWN), got)
seen.settimeout(50)
while True:
    data, peer = seen.recvfrom(2000)
    if data[0] == 136 and data[8:24] == socket.inet_pton(socket.AF_INET6, ANY):
        break
say("the neighbour's answer is solicited, without override", data[4] & 0x60 == 0x40, hex(data[4]))
say("and comes from an address of its own", peer[0] != ANY, peer)
got = ask(ANY, 7000, b"as you asked")
say("IPV6_PKTINFO may answer from it", got == (f"as you asked to {ANY}", ANY), got)
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(41, 25, 1)
s.sendto(b"?", (ANY, 7001))
s.settimeout(100)
try:
    s.recvfrom(100)
    refused = False
except ConnectionRefusedError:
    refused = True
data, control, _, _ = s.recvmsg(100, 500, socket.MSG_ERRQUEUE)
say("a closed port: the error comes from it", refused and socket.inet_pton(socket.AF_INET6, ANY) in control[0][2],
    control)
t = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
t.settimeout(3)
try:
    t.connect((ANY, 7000))
    got = "connected"
except OSError as e:
    got = e
say("TCP is not for it", isinstance(got, socket.timeout), got)
t = socket.create_connection((OWN, 7000), 100)
say("but for the host's own", True)
got = os.popen(f"ping -6 -c 1 -W 50 {ANY}").read()
say("echoes come from its own", f"from {OWN}" in got, got)
got = ask(OWN, 7000, b"leave")
say("it leaves", got == (f"leave to {OWN}", OWN), got)
got = ask(ANY, 7000, b"who", 2)
say("and is not there any more", got[1] is None, got)
ask(OWN, 7000, b"bye")
END_PYTHON

# against NAME DEVICE: the client, with the server behind the device.
against() {
    ip -n "$NS" addr add ${PREFIX}:1/64 dev "$2" nodad
    until_true 150 grep -q ready "$WORK/$1.out" || { not_ok "$1: serves" "$WORK/$1.out" "$WORK/$1.err" && return; }
    within timeout 250 /usr/bin/python3 "$WORK/client.py" "$1" 2>"$WORK/client.err" || not_ok "$1: the client" "$WORK/client.err"
    ip -n "$NS" addr del ${PREFIX}:1/64 dev "$2"
}

ip -n "$NS" link add near type veth peer name eth0 netns "$NS.peer"
ip -n "$NS" link set near up
ip -n "$NS.peer" link set eth0 up
ip -n "$NS.peer" addr add $OWN/64 dev eth0 nodad
background ip netns exec "$NS.peer" timeout 300 /usr/bin/python3 "$WORK/server.py" eth0 >"$WORK/Linux.out" 2>"$WORK/Linux.err"
against Linux near

ip -n "$NS" tuntap add dev tap0 mode tap
ip -n "$NS" link set tap0 up
echo "ip -6 addr add $OWN/64 dev eth0 nodad; exec /usr/bin/python3 $WORK/server.py eth0" >"$WORK/serve.sh"
background within timeout $((LIMIT + 30)) "$OSPREY" run --timeout "$LIMIT" --env LC_ALL=C --net tap=tap0 --ip 192.0.2.2/24 \
    --add "$WORK/server.py" --add "$WORK/serve.sh" --add /usr/bin/python3 --add "$(command -v ip)" sh "$WORK/serve.sh" \
    >"$WORK/Osprey.out" 2>"$WORK/Osprey.err" </dev/null
against Osprey tap0
