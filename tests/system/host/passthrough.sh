#!/bin/bash
# timeout: 300
# `osprey passthrough` on a made-up /sys: what it writes, in which order, and what it refuses.
. tests/system/lib.sh
export OSPREY_SYSFS=$WORK/sys
PCI=$OSPREY_SYSFS/bus/pci

# device ADDR CLASS GROUP DRIVER
device() {
    mkdir -p "$PCI/devices/$1" "$PCI/drivers/$4"
    echo "$2" >"$PCI/devices/$1/class"
    : >"$PCI/devices/$1/driver_override"
    [ "$4" = none ] || ln -sfn "../../drivers/$4" "$PCI/devices/$1/driver"
    : >"$PCI/drivers/$4/unbind"
    [ "$3" = none ] && return
    mkdir -p "$OSPREY_SYSFS/kernel/iommu_groups/$3/devices"
    ln -sfn "../../../../kernel/iommu_groups/$3" "$PCI/devices/$1/iommu_group"
    : >"$OSPREY_SYSFS/kernel/iommu_groups/$3/devices/$1"
}
device 0000:03:00.0 0x020000 15 ixgbe
device 0000:03:00.1 0x020000 15 none
device 0000:04:00.0 0x010802 none nvme
device 0000:05:00.0 0x060400 16 pcieport
device 0000:06:00.0 0x020000 17 e1000e
device 0000:06:00.1 0x0c0300 17 xhci_hcd
device 0000:07:00.0 0x020000 18 igb
mkdir -p "$PCI/devices/0000:07:00.0/net/eth7"
echo up >"$PCI/devices/0000:07:00.0/net/eth7/operstate"
: >"$PCI/drivers_probe"

ends 'without vfio-pci' 125 'modprobe vfio-pci' "$OSPREY" passthrough 03:00.0
mkdir -p "$PCI/drivers/vfio-pci"
: >"$PCI/drivers/vfio-pci/unbind"
ends 'no such device' 125 'no PCI device 0000:09:00.0' "$OSPREY" passthrough 09:00.0
ends 'no address' 125 'no address of a PCI device' "$OSPREY" passthrough eth0
ends 'no address, either' 125 'no address of a PCI device' "$OSPREY" passthrough 03:00.9
ends 'no IOMMU' 125 'intel_iommu=on' "$OSPREY" passthrough 04:00.0
ends 'a bridge' 125 'is a bridge' "$OSPREY" passthrough 05:00.0
ends 'a group that others use' 125 'shares group 17 with 0000:06:00.1, which xhci_hcd drives' "$OSPREY" passthrough 06:00.0
ends 'an interface that is up' 125 'eth7, which is up' "$OSPREY" passthrough 07:00.0

# disk ADDR NAME NUMBER HOLDER...: one behind the device.
disk() {
    local folder=$PCI/devices/$1/host0/block/$2
    mkdir -p "$folder/holders" "$OSPREY_SYSFS/class/block"
    echo "$3" >"$folder/dev"
    ln -sfn "$folder" "$OSPREY_SYSFS/class/block/$2"
    shift 3
    for holder; do : >"$folder/holders/$holder"; done
}
export OSPREY_PROC=$WORK/proc
mkdir -p "$OSPREY_PROC/self"
printf '%s\n' '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw' \
    '23 22 0:40 /sub /home rw - btrfs /dev/sdc rw' >"$OSPREY_PROC/self/mountinfo"
printf 'Filename Type Size Used Priority\n/dev/nvme3n1p2 partition 8 0 -2\n' >"$OSPREY_PROC/swaps"
for n in 1 2 3 4 5 6; do device 0000:0a:00.$n 0x010601 3$n ahci; done
disk 0000:0a:00.1 sda 8:0
disk 0000:0a:00.1 sda1 8:1
disk 0000:0a:00.2 sdb 8:16 dm-0
disk 0000:0a:00.3 sdc 8:32
disk 0000:0a:00.4 nvme3c7n1 259:9
mkdir -p "$OSPREY_SYSFS/devices/virtual/nvme-subsys3/nvme3n1p2"
ln -sfn ../../devices/virtual/nvme-subsys3/nvme3n1p2 "$OSPREY_SYSFS/class/block/nvme3n1p2"
disk 0000:0a:00.5 sda11 8:11
ends 'a mounted disk' 125 '0a:00.1 is in use: sda1 is mounted at /: umount' "$OSPREY" passthrough 0a:00.1
ends 'a disk of an LVM' 125 'sdb is part of dm-0' "$OSPREY" passthrough --dry-run 0a:00.2
ends 'a mounted disk without the number' 125 'sdc is mounted at /home' "$OSPREY" passthrough 0a:00.3
ends 'swap on one of several paths' 125 'nvme3n1p2 is swapped to: swapoff' "$OSPREY" passthrough 0a:00.4
ends 'a disk that is not in use' 0 '' "$OSPREY" passthrough --dry-run 0a:00.5
ends 'no disk' 0 '' "$OSPREY" passthrough --dry-run 0a:00.6

ends 'without an address' 125 'usage' "$OSPREY" passthrough --dry-run

"$OSPREY" passthrough --dry-run 03:00.0 >"$WORK/out"
check 'a dry run prints what it would write' diff "$WORK/out" - <<END
echo 'vfio-pci' >$PCI/devices/0000:03:00.0/driver_override
echo '0000:03:00.0' >$PCI/drivers/ixgbe/unbind
echo '0000:03:00.0' >$PCI/drivers_probe
END
check 'and writes nothing' [ ! -s "$PCI/drivers_probe" ]
ends 'a kernel that does not follow' 125 'has not taken' "$OSPREY" passthrough 0000:03:00.0
check 'the files are written' sh -c "grep -qx vfio-pci '$PCI/devices/0000:03:00.0/driver_override' &&
    grep -qx 0000:03:00.0 '$PCI/drivers/ixgbe/unbind' && grep -qx 0000:03:00.0 '$PCI/drivers_probe'"
ends 'run --device before that' 125 'osprey passthrough 03:00.0' "$OSPREY" run --dry-run --device 03:00.0 /bin/true

# A kernel that follows: it reads the pipe and binds.
rm "$PCI/drivers_probe" && mkfifo "$PCI/drivers_probe"
rm "$PCI/drivers/ixgbe/unbind" && mkfifo "$PCI/drivers/ixgbe/unbind"
(
    read -r address <"$PCI/drivers/ixgbe/unbind" && ln -sfn ../../drivers/vfio-pci "$PCI/devices/$address/driver" &&
        read -r address <"$PCI/drivers_probe"
) &
ends 'a device is given to vfio-pci' 0 "is vfio-pci's, group 15" "$OSPREY" passthrough 03:00.0
wait
ends 'once more' 0 'already' "$OSPREY" passthrough 03:00.0
"$OSPREY" run --dry-run --device 03:00.0 /bin/true >"$WORK/out"
check 'run --device' grep -q -- '-machine q35.* -device vfio-pci,host=0000:03:00.0' "$WORK/out"
ends 'not on a microvm' 125 'needs --machine' "$OSPREY" run --machine microvm --device 03:00.0 /bin/true
"$OSPREY" passthrough --dry-run --back 03:00.0 >"$WORK/out"
check 'and back' diff "$WORK/out" - <<END
echo '' >$PCI/devices/0000:03:00.0/driver_override
echo '0000:03:00.0' >$PCI/drivers/vfio-pci/unbind
echo '0000:03:00.0' >$PCI/drivers_probe
END
