#!/bin/bash
# timeout: 600
# From power-on to the program's first line without a disk: iPXE in the network card's ROM, over QEMU's own TFTP, and over
# dnsmasq's DHCP and TFTP and over HTTP in a network namespace of this test's own.
. tests/system/lib.sh
LIMIT=300
NS=osprey-nb-$$
server=()

# shellcheck disable=SC2317
clean_up() {
    local pid
    for pid in "${server[@]}"; do kill "$pid" 2>/dev/null; done
    ip netns del "$NS" 2>/dev/null
    rm -rf "$WORK"
}
trap clean_up EXIT

"$OSPREY" build --format netboot -o "$WORK/folder" /bin/echo "from the network"

# boots NAME PREFIX... -- ARGS...: QEMU behind the prefix.
boots() {
    local name=$1 prefix=()
    shift
    while [ "$1" != -- ]; do prefix+=("$1") && shift; done
    shift
    timeout $LIMIT "${prefix[@]}" qemu-system-x86_64 -accel tcg,thread=multi -display none -no-reboot \
        -nodefaults -m 256 -boot n -serial "file:$WORK/log" "$@" </dev/null >"$WORK/err" 2>&1
    if tr -d '\r' <"$WORK/log" | grep -aq '^from the network$'; then
        ok "$name"
    else
        not_ok "$name" "$WORK/log" "$WORK/err"
    fi
}
for nic in virtio-net-pci e1000; do
    boots "iPXE in the ROM of $nic, QEMU's TFTP" -- -M pc \
        -netdev "user,id=n,tftp=$WORK/folder,bootfile=boot.ipxe" -device $nic,netdev=n
done

check "the kernel that is loaded is the smaller one" cmp "$WORK/folder/osprey.bin" "$BUILD/osprey-lzma.bin"
"$OSPREY" build --format netboot --compress lz4 -o "$WORK/folder" /bin/echo "from the network"
check "but where the other one is asked for" cmp "$WORK/folder/osprey.bin" "$BUILD/osprey.bin"
boots "which boots, too" -- -M pc \
    -netdev "user,id=n,tftp=$WORK/folder,bootfile=boot.ipxe" -device virtio-net-pci,netdev=n

if ! ip netns add "$NS" 2>"$WORK/err"; then
    skip "dnsmasq in a network namespace" "$(head -n 1 "$WORK/err")"
    exit 0
fi
ip netns exec "$NS" sh -c "ip link set lo up && ip tuntap add tap0 mode tap && ip addr add 10.9.8.1/24 dev tap0 &&
    ip link set tap0 up"
# serve BOOTFILE: dnsmasq in the foreground, as a child.
serve() {
    ip netns exec "$NS" dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --port=0 \
        --interface=tap0 --bind-interfaces --dhcp-range=10.9.8.10,10.9.8.20,1h --dhcp-leasefile="$WORK/leases" \
        --enable-tftp --tftp-root="$WORK/folder" --tftp-no-fail --dhcp-boot="$1" --pid-file= --user=root \
        >"$WORK/dnsmasq" 2>&1 &
    server+=($!)
}
serve boot.ipxe
boots "iPXE, dnsmasq's DHCP and TFTP" ip netns exec "$NS" -- -M q35 \
    -netdev tap,id=n,ifname=tap0,script=no,downscript=no -device virtio-net-pci,netdev=n
kill "${server[-1]}"
wait "${server[-1]}" 2>/dev/null
(cd "$WORK/folder" && exec ip netns exec "$NS" python3 -m http.server --bind 10.9.8.1 8080 >"$WORK/http" 2>&1) &
server+=($!)
serve http://10.9.8.1:8080/boot.ipxe
boots "iPXE over HTTP" ip netns exec "$NS" -- -M pc \
    -netdev tap,id=n,ifname=tap0,script=no,downscript=no -device e1000,netdev=n
check "all three files came over HTTP" \
    sh -c "grep -q 'GET /osprey.bin' '$WORK/http' && grep -q 'GET /root.erofs' '$WORK/http'"
