#!/bin/bash
# timeout: 600
# Datagrams larger than the link on virtio-net: a device that offers HOST_UFO gets each as one frame, over
# IPv4 and IPv6, without that they leave as fragments; either way they come back whole.
. tests/system/lib.sh
. tests/system/net/namespace.bash

load_wire

# The longest IP packet of UDP, and of fragments, that comes out of the machine; told at SIGTERM.
cat >"$WORK/longest.py" <<'END'
import signal, socket, struct, sys
mac = bytes.fromhex(sys.argv[1].replace(":", ""))
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
s.bind(("tap0", 0))
longest = {("v4", "whole"): 0, ("v4", "cut"): 0, ("v6", "whole"): 0, ("v6", "cut"): 0}
def tell(*_):
    print(*(f"{family}-{how} {n}" for (family, how), n in longest.items()), sep="\n")
    sys.exit()
signal.signal(signal.SIGTERM, tell)
open(sys.argv[2], "w").close()
while True:
    frame, address = s.recvfrom(70000)
    kind, n = address[1], len(frame) - 14
    if frame[6:12] != mac or address[2] == socket.PACKET_OUTGOING:
        continue
    if kind == 0x800 and frame[23] == 17:
        key = "v4", "cut" if struct.unpack_from(">H", frame, 20)[0] & 0x3fff else "whole"
    elif kind == 0x86dd and frame[20] in (17, 44):
        key = "v6", "cut" if frame[20] == 44 else "whole"
    else:
        continue
    longest[key] = max(longest[key], n)
END

# longest FAMILY HOW: as the witness has told.
longest() { sed -n "s/^$1-$2 //p" "$WORK/longest"; }

# datagrams NAME UFO OPTIONS...: UFO: 1 or 0, whether the device is to offer it.
datagrams() {
    local name=$1 ufo=$2 server witness family address
    shift 2
    rm -f "$WORK/ready"
    background within timeout 200 python3 "$WORK/longest.py" $MAC "$WORK/ready" >"$WORK/longest" 2>"$WORK/longest.err"
    witness=$!
    background within timeout 200 "$OSPREY" run --timeout 190 --net tap=tap0 --mac $MAC --ip 192.0.2.2/24 "$@" \
        --add "$NETLOAD" sh -c "cut -c15 /sys/bus/virtio/devices/virtio*/features; exec $NETLOAD serve 7000" \
        </dev/null >"$WORK/vm.out" 2>"$WORK/vm.err"
    server=$!
    until_true 100 test -e "$WORK/ready"
    until_true 150 within "$NETLOAD" many 192.0.2.2 7000 1
    for address in 192.0.2.2 $LOCAL%tap0; do
        if within timeout 100 "$NETLOAD" udp $address 7000 30 >"$WORK/check.out" 2>&1; then
            ok "$name: ${address%\%*}, datagrams come back"
        else
            not_ok "$name: ${address%\%*}, datagrams come back" "$WORK/check.out" "$WORK/vm.err"
        fi
    done
    stop $server
    stop $witness
    if [ $ufo = 1 ] && ! grep -q 1 "$WORK/vm.out"; then
        skip "$name: as one frame" "this tap does not take UFO"
        return
    fi
    for family in v4 v6; do
        if [ $ufo = 1 ]; then
            check "$name: $family, as one frame" \
                test "$(longest $family whole)" -gt 4000 -a "$(longest $family cut)" = 0
        else
            check "$name: $family, as fragments" \
                test "$(longest $family whole)" -le 1500 -a "$(longest $family cut)" -gt 1400 -a \
                "$(longest $family cut)" -le 1500
        fi
    done
}

G=(--qemu-arg -global --qemu-arg)
datagrams 'MMIO' 1
datagrams 'PCI, packed' 1 --nic packed --cpus 2
datagrams 'legacy PCI' 1 --nic legacy
datagrams 'without UFO' 0 "${G[@]}" virtio-net-device.host_ufo=off
