#!/bin/bash
# timeout: 900
# AHCI, NVMe, IDE and SCSI disks: what the machine reads and writes is what the host has, whichever the
# processors, sizes and commands; errors and silence of a disk are errors of a call.
. tests/system/lib.sh
LIMIT=300
DISK=$WORK/disk.img
CPUS='1 2'
[ "$SOAK" = 1 ] && CPUS='1 2 4'
build diskwork sh -c 'gcc -O2 -static -pthread -Wall -o $OUT tests/system/programs/diskwork.c'
WORKER=$PROGRAMS/diskwork
declare -A NAME=([ahci]=/dev/sda [ide]=/dev/sda [nvme]=/dev/nvme0n1 [scsi]=/dev/sda [pvscsi]=/dev/sda)
head -c 6M /dev/urandom >"$WORK/first.img"
operations=25
[ "$SOAK" = 1 ] && operations=300

D() { printf -- '--qemu-arg -device --qemu-arg %s ' "$@"; }
B() { printf -- '--qemu-arg -drive --qemu-arg if=none,format=raw,discard=unmap,id=%s,file=%s ' "$@"; }

# Four threads with a quarter of the disk each, and then the host compares. worked NAME UNIT OPTIONS...
worked() {
    local name=$1 device=$2 unit=$3 direct=$4
    shift 4
    cp "$WORK/first.img" "$DISK"
    cp "$WORK/first.img" "$WORK/copy.img"
    osprey "$@" --add "$WORKER" sh -c "sha256sum <$device && $WORKER $device 7 4 $operations $unit $direct" \
        >"$WORK/out" 2>"$WORK/err" </dev/null
    "$WORKER" "$WORK/copy.img" 7 4 $operations "$unit"
    if [ "$(cat "$WORK/out")" = "$SUM" ] && cmp "$DISK" "$WORK/copy.img" >>"$WORK/err" 2>&1; then
        ok "$name"
    else
        not_ok "$name" "$WORK/out" "$WORK/err"
    fi
}
SUM=$(sha256sum <"$WORK/first.img")

for bus in ahci nvme ide scsi pvscsi; do
    for cpus in $CPUS; do
        worked "$bus: reads and writes, --cpus $cpus" ${NAME[$bus]} 512 direct --cpus "$cpus" \
            --disk "$DISK,bus=$bus"
    done
done
worked 'nvme: parts of blocks' ${NAME[nvme]} 1 '' --cpus 4 --disk "$DISK,bus=nvme"
# shellcheck disable=SC2046
worked 'nvme: 4096-byte blocks, the second namespace, on pc' /dev/nvme0n2 4096 direct --machine pc --cpus 2 \
    $(B e "$WORK/copy.img" d "$DISK") $(D nvme,id=n,serial=s,max_ioqpairs=1 nvme-ns,drive=e,bus=n,nsid=1) \
    $(D nvme-ns,drive=d,bus=n,nsid=9,logical_block_size=4096,physical_block_size=4096)
# shellcheck disable=SC2046
worked 'nvme: small transfers, without MSI-X' ${NAME[nvme]} 512 direct --machine q35 --cpus 2 \
    $(B d "$DISK") $(D nvme,serial=s,drive=d,mdts=1,msix_qsize=1)
worked 'ahci: on pc' ${NAME[ahci]} 512 direct --machine pc --cpus 2 --disk "$DISK,bus=ahci"
operations=3
worked 'ide: without DMA' ${NAME[ide]} 512 '' --kernel-arg ide=nodma --disk "$DISK,bus=ide"

# Many disks, of odd sizes; each is itself.
many() {
    local name=$1 n=0 options=() devices=() size bus
    shift
    : >"$WORK/sums"
    for bus; do
        for size in ${SIZES[$bus]}; do
            head -c $((size * 512)) /dev/urandom >"$WORK/disk$n"
            options+=(--disk "$WORK/disk$n,bus=$bus")
            sha256sum <"$WORK/disk$n" >>"$WORK/sums"
            n=$((n + 1))
        done
        [ "$bus" = nvme ] && devices+=(/dev/nvme?n1) || devices+=(/dev/sd?)
    done
    osprey --cpus 2 "${options[@]}" sh -c "for d in ${devices[*]}; do sha256sum <\$d; done" \
        >"$WORK/out" 2>"$WORK/err" </dev/null
    check "$name" diff "$WORK/out" "$WORK/sums"
}
declare -A SIZES=([ahci]='1 2047 2049 4095 777 8' [nvme]='1 9 2049 4095 777 8' [ide]='1 2047 2049 4095')
many 'six disks behind AHCI, six NVMe controllers' ahci nvme
many 'four disks behind IDE' ide

# What they say they are.
osprey --machine q35 --disk "$WORK/disk3,bus=ahci" --disk "$WORK/disk2,ro,bus=nvme" --package util-linux sh -c '
    blockdev --getss --getpbsz --getsz /dev/sda /dev/nvme0n1
    cd /sys/block; cat sda/serial sda/dev sda/queue/write_cache sda/queue/rotational
    cat nvme0n1/serial nvme0n1/dev nvme0n1/queue/rotational' >"$WORK/out" 2>"$WORK/err" </dev/null
check 'sizes, serial numbers' diff - "$WORK/out" <<'END2'
512
512
4095
512
512
2049
disk0
8:0
write back
1
disk1
259:0
0
END2

# Giving space back, zeroes.
clears() {
    local bus=$1 most=$2 zero=${3:-}
    cp "$WORK/first.img" "$DISK"
    osprey --disk "$DISK,bus=$bus" --package util-linux sh -c \
        "blkdiscard -o 1048576 -l 2097152 ${NAME[$bus]} $zero" >"$WORK/out" 2>"$WORK/err" </dev/null
    check "$bus: discarded blocks leave the host file" sh -c "[ \$(du -k '$DISK' | cut -f1) -lt $most ]"
}
clears ahci 4800
clears ide 4800
clears nvme 4000 '&& blkdiscard -z -o 4194304 -l 1048576 /dev/nvme0n1'
check 'nvme: zeroed blocks are zeroes' cmp -n 1048576 -i 4194304:0 "$DISK" /dev/zero

# A disk that fails: QEMU's blkdebug answers some sectors with errors, while others are at work.
printf '[inject-error]\nevent = "read_aio"\nerrno = "5"\nsector = "64"\n[inject-error]\nevent = "write_aio"\nerrno = "5"\nsector = "128"\n' >"$WORK/errors"
cat >"$WORK/bad.py" <<'END2'
import errno, mmap, os, sys, threading
fd = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
def err(call, n, at):
    try:
        return call(fd, [mmap.mmap(-1, n)], at)
    except OSError as e:
        return errno.errorcode[e.errno]
print(err(os.preadv, 512, 64 * 512), err(os.preadv, 512, 0), err(os.pwritev, 512, 128 * 512),
      err(os.pwritev, 512, 512), err(os.preadv, 4096, 8192))
good, bad = [], []
def many(i):
    for j in range(10):
        good.append(err(os.preadv, 8192, 1 << 20 | i << 17 | j << 13))
        if i == 0:
            bad.append(err(os.preadv, 512, 64 * 512))
threads = [threading.Thread(target=many, args=(i,)) for i in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
os.fsync(fd)
print(good == [8192] * 40, bad == ['EIO'] * 10)
END2
fails() {
    local name=$1 machine=$2 device=$3 node=$4
    cp "$WORK/first.img" "$DISK"
    # shellcheck disable=SC2046
    osprey --machine "$machine" --cpus 2 --qemu-arg -drive --qemu-arg \
        "if=none,id=d,format=raw,file=blkdebug:$WORK/errors:$DISK,rerror=report,werror=report" \
        $(D "$device,drive=d") /usr/bin/python3 "$WORK/bad.py" "$node" >"$WORK/out" 2>"$WORK/err" </dev/null
    check "$name: errors of the disk are EIO, and on it goes" diff - "$WORK/out" <<'END2'
EIO 512 EIO 512 4096
True True
END2
}
fails ahci q35 ide-hd,bus=ide.2 /dev/sda
fails ide pc ide-hd,bus=ide.1,unit=1 /dev/sda
fails nvme q35 nvme,serial=s /dev/nvme0n1

# A disk that takes longer than a command may: EIO after the recovery, not silence.
silent() {
    local name=$1 machine=$2 device=$3 node=$4
    # shellcheck disable=SC2046
    osprey --machine "$machine" --cpus 2 --kernel-arg disk_timeout_ms=200 --qemu-arg -blockdev \
        --qemu-arg driver=null-co,node-name=d,size=1048576,latency-ns=2000000000,read-zeroes=on \
        $(D "$device,drive=d") sh -c "head -c 512 $node; echo \$?" >"$WORK/out" 2>"$WORK/err" </dev/null
    if grep -q 'Input/output error' "$WORK/err" && grep -qx 1 "$WORK/out"; then
        ok "$name: a disk that does not answer"
    else
        not_ok "$name: a disk that does not answer" "$WORK/out" "$WORK/err"
    fi
}
silent ahci q35 ide-hd,bus=ide.0 /dev/sda
if [ "$SOAK" = 1 ]; then
    silent ide pc ide-hd,bus=ide.0 /dev/sda
    silent nvme q35 nvme,serial=s /dev/nvme0n1
fi

# CD-ROMs: with a medium, with one that fails, without.
cdrom() {
    local machine=$1 place=$2 node=file=$3 want=$5
    # shellcheck disable=SC2046
    osprey --machine "$machine" --qemu-arg -drive --qemu-arg \
        "if=none,id=d,format=raw,media=cdrom,rerror=report,$node" $(D "ide-cd,drive=d,bus=$place") \
        sh -c 'sha256sum </dev/sr0; head -c 2048 /dev/sr0 | wc -c; echo >/dev/sr0' >"$WORK/out" 2>"$WORK/err" </dev/null
    check "$machine: a CD-ROM, $4" grep -qF "$want" "$WORK/out" "$WORK/err"
}
for place in 'q35 ide.1' 'pc ide.1'; do
    # shellcheck disable=SC2086
    cdrom $place "$WORK/first.img" good "$SUM"
    # shellcheck disable=SC2086
    cdrom $place "blkdebug:$WORK/errors:$WORK/first.img" bad 'Input/output error'
done
osprey --machine pc --qemu-arg -device --qemu-arg ide-cd sh -c 'ls /dev/sr0' >"$WORK/out" 2>&1 </dev/null
check 'a drive without a medium is no disk' grep -q 'No such file' "$WORK/out"

ends 'a bus that there is not' 125 'bus=floppy' "$OSPREY" run --disk "$DISK,bus=floppy" true
ends 'a bus that the machine has not' 125 'machine' "$OSPREY" run --machine q35 --disk "$DISK,bus=ide" true
ends 'a read-only IDE disk' 125 'read-only' "$OSPREY" run --disk "$DISK,ro,bus=ide" true
