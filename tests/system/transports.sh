#!/bin/bash
# timeout: 600
# Virtio on each transport and ring: the console, whose ports carry the program's streams.
. tests/system/lib.sh
LIMIT=200
G=(--qemu-arg -global --qemu-arg)
# Two bits of what was negotiated: VERSION_1 (32), RING_PACKED (34); and the transport.
SHOW='cut -c33,35 /sys/bus/virtio/devices/virtio0/features; cut -d" " -f1 /sys/bus/virtio/devices/virtio0/place; cat; echo err >&2'

# carries NAME BITS PLACE OPTIONS...
carries() {
    local name=$1 want="$2
$3
through"
    shift 3
    for cpus in 1 2; do
        text=$(echo through | osprey --cpus $cpus "$@" sh -c "$SHOW" 2>"$WORK/err")
        if [ "$text" = "$want" ] && [ "$(cat "$WORK/err")" = err ]; then
            ok "$name, --cpus $cpus"
        else
            echo "$text" >"$WORK/out"
            not_ok "$name, --cpus $cpus" "$WORK/out" "$WORK/err"
        fi
    done
}
carries 'MMIO' 10 mmio
carries 'MMIO, packed' 11 mmio "${G[@]}" virtio-serial-device.packed=on
carries 'MMIO, version 1' 00 mmio "${G[@]}" virtio-mmio.force-legacy=true
carries 'MMIO, packed, without event index and indirect descriptors' 11 mmio \
    "${G[@]}" virtio-serial-device.packed=on "${G[@]}" virtio-serial-device.event_idx=off \
    "${G[@]}" virtio-serial-device.indirect_desc=off
carries 'transitional PCI' 10 pci --machine q35 "${G[@]}" virtio-serial-pci.disable-legacy=off
carries 'modern PCI, packed' 11 pci --machine q35 "${G[@]}" virtio-serial-pci.packed=on
carries 'modern PCI, notified by a port' 10 pci --machine q35 "${G[@]}" virtio-serial-pci.modern-pio-notify=on
carries 'modern PCI, line interrupt' 10 pci --machine pc "${G[@]}" virtio-serial-pci.vectors=0
carries 'modern PCI, an interrupt for all queues' 10 pci --machine q35 "${G[@]}" virtio-serial-pci.vectors=2
carries 'legacy PCI' 00 pci-legacy --machine pc "${G[@]}" virtio-serial-pci.disable-modern=on
carries 'legacy PCI, line interrupt' 00 pci-legacy --machine q35 "${G[@]}" virtio-serial-pci.disable-modern=on \
    "${G[@]}" virtio-serial-pci.vectors=0

# Where the firmware assigns no addresses: microvm with PCI Express. The program is on the serial line.
head -c 100000 /dev/urandom >"$WORK/disk.img"
sum=$(sha256sum <"$WORK/disk.img")
reads() {
    local name=$1
    shift
    "$OSPREY" run --dry-run --qemu-arg -machine --qemu-arg acpi=on,pcie=on --kernel-arg acpi=on \
        --qemu-arg -drive --qemu-arg "if=none,id=d,format=raw,read-only=on,file=$WORK/disk.img" "$@" \
        sh -c 'head -c 100000 /dev/vda | sha256sum' >"$WORK/command" 2>"$WORK/err"
    timeout -s KILL "$LIMIT" sh "$WORK/command" </dev/null >"$WORK/out" 2>&1
    check "$name" grep -q "${sum%% *}" "$WORK/out"
}
truncate -s 100352 "$WORK/disk.img"
D=(--qemu-arg -device --qemu-arg)
reads 'addresses are assigned' "${D[@]}" virtio-blk-pci,drive=d
reads 'addresses behind bridges' "${D[@]}" pcie-root-port,id=rp,chassis=1 "${D[@]}" pcie-pci-bridge,id=br,bus=rp \
    "${D[@]}" virtio-blk-pci,drive=d,bus=br,addr=3
reads 'pci=nobar: through the window, without an interrupt' --kernel-arg pci=nobar "${D[@]}" virtio-blk-pci,drive=d

# pci=off, and a device that nobody drives.
osprey "${D[@]}" virtio-rng-device --kernel-arg pci=off ls /dev/hwrng >"$WORK/out" 2>"$WORK/err"
check 'pci=off leaves MMIO alone' grep -qx /dev/hwrng "$WORK/out"
osprey --machine q35 "${D[@]}" edu cat /proc/bus/pci/devices >"$WORK/out" 2>"$WORK/err"
check 'a device without driver is listed' grep -q 123411e8 "$WORK/out"
check 'and no error' [ ! -s "$WORK/err" ]
