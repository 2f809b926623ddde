#!/bin/bash
# timeout: 400
# soak-timeout: 3600
# One image file, unchanged, on every machine that QEMU can be: it boots, its program runs on all processors and
# serves HTTP. `tests/system/platforms.sh --docs` runs them all and writes docs/platforms.md.
cd "$(dirname "$0")/../.." || exit 2
export BUILD=${BUILD:-build} OSPREY=${OSPREY:-./osprey}
docs=0
[ "${1:-}" = --docs ] && docs=1 SOAK=1
. tests/system/lib.sh
OVMF=/usr/share/OVMF
LIMIT=300
ACCEL=tcg,thread=multi
[ -w /dev/kvm ] && grep -qE 'vmx|svm' /proc/cpuinfo && ACCEL=kvm

"$OSPREY" build --format raw --hostname platform --package busybox-static -o "$WORK/disk" /bin/busybox sh -c \
    'mkdir /www; nproc >/www/index.html; echo "program runs"; exec busybox httpd -f -p 80 -h /www' 2>"$WORK/err" ||
    not_ok "the image is built" "$WORK/err"
"$OSPREY" cmdline "$WORK/disk" "ip=::::platform:eth0:dhcp $("$OSPREY" cmdline "$WORK/disk")"
sum=$(sha256sum <"$WORK/disk")

disk_words() { # disk_words KIND MACHINE
    local drive="file=$WORK/disk,format=raw,if=none,id=d,snapshot=on"
    case $1 in
    virtio-mmio) echo "-drive $drive -device virtio-blk-device,drive=d" ;;
    virtio-legacy) echo "-drive $drive -device virtio-blk-pci,drive=d,disable-modern=on,bootindex=0" ;;
    virtio-modern) echo "-drive $drive -device virtio-blk-pci,drive=d,disable-legacy=on,bootindex=0" ;;
    virtio-scsi) echo "-drive $drive -device virtio-scsi-pci -device scsi-hd,drive=d,bootindex=0" ;;
    pvscsi) echo "-drive $drive -device pvscsi -device scsi-hd,drive=d,bootindex=0" ;;
    ide | ahci) echo "-drive $drive -device ide-hd,drive=d,bootindex=0" ;;
    ahci-card) echo "-drive $drive -device ahci,id=s -device ide-hd,drive=d,bus=s.0,bootindex=0" ;;
    nvme) echo "-drive $drive -device nvme,drive=d,serial=1,bootindex=0" ;;
    esac
}
firmware_words() {
    [ "$1" = UEFI ] && echo "-drive if=pflash,format=raw,readonly=on,file=$OVMF/OVMF_CODE_4M.fd
        -drive if=pflash,format=raw,snapshot=on,file=$OVMF/OVMF_VARS_4M.fd"
}
machine_words() {
    case $1 in
    microvm) echo "-M microvm,acpi=on,rtc=on -bios /usr/share/seabios/bios-microvm.bin -global virtio-mmio.force-legacy=false" ;;
    *) echo "-M $1" ;;
    esac
}
nic_words() {
    case $1 in
    virtio-mmio) echo "-device virtio-net-device,netdev=n" ;;
    virtio-net) echo "-device virtio-net-pci,netdev=n,romfile=" ;;
    *) echo "-device $1,netdev=n,romfile=" ;;
    esac
}

results=()
# on MACHINE FIRMWARE DISK NIC CPUS MEMORY
on() {
    local name="$1, $2, disk $3, network $4, $5 processors, $6" pid port i got='' said=no
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    : >"$WORK/log"
    # shellcheck disable=SC2046
    timeout $LIMIT qemu-system-x86_64 -accel $ACCEL -accel tcg,thread=multi -display none -no-reboot -nodefaults -serial "file:$WORK/log" \
        $(machine_words "$1") $(firmware_words "$2") $(disk_words "$3" "$1") -netdev \
        "user,id=n,hostfwd=tcp:127.0.0.1:$port-:80" $(nic_words "$4") -smp "$5" -m "$6" </dev/null >"$WORK/qemu" 2>&1 &
    pid=$!
    for ((i = 0; i < LIMIT * 4; i++)); do
        kill -0 $pid 2>/dev/null || break
        grep -aq '^program runs' "$WORK/log" && said=yes
        [ $said = yes ] && got=$(curl -s -m 5 "http://127.0.0.1:$port/") && [ -n "$got" ] && break
        sleep 0.25
    done
    kill $pid 2>/dev/null
    wait $pid 2>/dev/null
    if [ "$got" = "$5" ]; then
        ok "$name"
        results+=("| $1 | $2 | $3 | $4 | $5 | $6 | runs, serves |")
    else
        tr -d '\r' <"$WORK/log" | tail -n 5 | cut -c1-120 | sed 's/^/# /'
        not_ok "$name" "$WORK/qemu"
        results+=("| $1 | $2 | $3 | $4 | $5 | $6 | $([ $said = yes ] && echo 'runs, no network' || echo 'does not boot') |")
    fi
}

on pc BIOS ide e1000 1 32M
on q35 BIOS virtio-modern virtio-net 2 256M
on microvm BIOS virtio-mmio virtio-mmio 1 128M
[ "$SOAK" = 1 ] || on q35 UEFI ahci e1000e 4 256M
if [ "$SOAK" = 1 ]; then
    for disk in virtio-legacy virtio-modern virtio-scsi pvscsi ahci-card nvme; do on pc BIOS $disk virtio-net 1 128M; done
    for nic in e1000 e1000e vmxnet3; do on q35 BIOS ahci $nic 2 128M; done
    on pc BIOS ide vmxnet3 1 128M
    for disk in ahci virtio-legacy virtio-modern virtio-scsi nvme; do on q35 UEFI $disk virtio-net 2 256M; done
    for nic in e1000 e1000e vmxnet3; do on q35 UEFI nvme $nic 1 256M; done
    on pc UEFI ide e1000 1 256M
    for cpus in 2 4; do
        on pc BIOS ide virtio-net $cpus 128M
        on microvm BIOS virtio-mmio virtio-mmio $cpus 128M
        on q35 UEFI ahci e1000e $cpus 256M
    done
    for memory in 32M 64M 1G 4G 8G; do on q35 BIOS ahci e1000e 2 $memory; done
    for memory in 32M 8G; do on microvm BIOS virtio-mmio virtio-mmio 1 $memory; done
    on q35 UEFI nvme vmxnet3 4 8G
fi
check 'the image is as it was' [ "$(sha256sum <"$WORK/disk")" = "$sum" ]

if [ $docs = 1 ]; then
    cat >docs/platforms.md <<END
# Platforms

Written by \`tests/system/platforms.sh --docs\`: one image file (\`osprey build --format raw\`), the same on every machine.
It boots, its program runs on all processors and serves HTTP. $(qemu-system-x86_64 --version | head -n 1),
accelerator ${ACCEL%%,*}, $(date -u +%F). The firmware reads kernel and root image from the disk, so the first column of
disks says what the firmware reads, whether or not Osprey has a driver for it ([devices](devices.md) tells).

| machine | firmware | disk | network | processors | memory | result |
| --- | --- | --- | --- | ---: | ---: | --- |
$(printf '%s\n' "${results[@]}")

The short form in \`make test\` runs four of these, \`make soak\` all. BIOS is SeaBIOS, UEFI is OVMF, which has no driver of
pvscsi in Debian: UEFI boots from any disk but that one.
END
fi
exit 0
