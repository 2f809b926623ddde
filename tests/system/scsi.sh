#!/bin/bash
# timeout: 600
# SCSI: disks and CD-ROMs behind each host adapter. What the guest writes is what the host reads and
# the other way round; errors, time-outs, limits and changes of size come back as they should.
. tests/system/lib.sh
PATTERNS=$PWD/tests/system/programs/patterns.py
LIMIT=300
DISK=$WORK/disk.img
D=(--qemu-arg -device --qemu-arg)
drive() { echo --qemu-arg -drive --qemu-arg "if=none,id=$1,format=raw,discard=unmap,${3:-file=$2}"; }

head -c 4M /dev/urandom >"$WORK/first.img"
cp "$WORK/first.img" "$WORK/copy.img"
python3 "$PATTERNS" "$WORK/copy.img" 42 80

# patterns NAME CPUS MACHINE ADAPTER [DISK'S OPTIONS [A WORD FOR THE KERNEL]]
patterns() {
    local name=$1 cpus=$2 machine=$3 adapter=$4
    cp "$WORK/first.img" "$DISK"
    # shellcheck disable=SC2046
    osprey --machine "$machine" --cpus "$cpus" $(drive d "$DISK") "${D[@]}" "$adapter" \
        "${D[@]}" "scsi-hd,drive=d${5:-}" --kernel-arg "${6:-loglevel=5}" /usr/bin/python3 "$PATTERNS" /dev/sda 42 80 \
        >"$WORK/out" 2>"$WORK/err" </dev/null || cat "$WORK/err"
    check "patterns: $name" cmp "$DISK" "$WORK/copy.img"
}
patterns 'virtio, modern PCI, a queue for each of 4 processors' 4 q35 virtio-scsi-pci,num_queues=4
patterns 'virtio, MMIO, blocks of 4096' 1 microvm virtio-scsi-device \
    ,logical_block_size=4096,physical_block_size=4096
patterns 'virtio, packed, a short ring without indirect descriptors' 2 q35 \
    virtio-scsi-pci,packed=on,virtqueue_size=8,indirect_desc=off
patterns 'virtio, legacy PCI' 1 pc virtio-scsi-pci,disable-modern=on,disable-legacy=off
patterns 'pvscsi' 2 q35 pvscsi ,logical_block_size=4096,physical_block_size=4096
patterns 'pvscsi by its line' 2 pc pvscsi '' pci=nomsi

# --- what a disk says of itself, and its ends

cat >"$WORK/ends.py" <<'END2'
import errno, os
def err(f, *a):
    try:
        return f(*a)
    except OSError as e:
        return errno.errorcode[e.errno]
def show(name):
    return open('/sys/block/' + name).read().strip()
print(show('sda/size'), show('sda/serial'), show('sda/dev'), show('sda/queue/write_cache'),
      show('sda/queue/rotational'), show('sda/queue/discard_granularity'))
fd = os.open('/dev/sda', os.O_RDWR)
end = os.lseek(fd, 0, os.SEEK_END)
print(os.pread(fd, 10, end), err(os.pwrite, fd, b'x', end), os.pwrite(fd, b'xyz', end - 1))
print(os.fsync(fd))
ro = os.open('/dev/sdb', os.O_RDONLY)
print(show('sdb/ro'), show('sdb/dev'), len(os.read(ro, 100)))
cd = os.open('/dev/sr0', os.O_RDONLY)
print(show('sr0/dev'), show('sr0/ro'), show('sr0/queue/logical_block_size'), os.pread(cd, 8, 40000))
print(err(os.open, '/dev/sdc', os.O_RDONLY))
END2
ends_of() {
    cp "$WORK/first.img" "$DISK"
    head -c 64K /dev/zero >"$WORK/ro.img"
    { head -c 40000 /dev/zero && echo -n discdata && head -c 25536 /dev/zero; } >"$WORK/cd.iso"
    # shellcheck disable=SC2046
    osprey --machine q35 --cpus 2 "${D[@]}" "$1,id=h" \
        $(drive d "$DISK") "${D[@]}" scsi-hd,drive=d,serial=abc,rotation_rate=1,bus=h.0,scsi-id=0,lun=0 \
        $(drive e "$WORK/ro.img" "read-only=on,file=$WORK/ro.img") "${D[@]}" "scsi-hd,drive=e,bus=h.0,scsi-id=$2" \
        $(drive c "$WORK/cd.iso" "read-only=on,file=$WORK/cd.iso") "${D[@]}" scsi-cd,drive=c,bus=h.0,scsi-id=5 \
        /usr/bin/python3 "$WORK/ends.py" >"$WORK/out" 2>"$WORK/err" </dev/null
    check "$1: disks, a read-only one, a CD-ROM: what they are and where they end" diff - "$WORK/out" <<'END2'
8192 abc 8:0 write back 0 4096
b'' ENOSPC 1
None
1 8:16 100
11:0 1 2048 b'discdata'
ENOENT
END2
}
ends_of virtio-scsi-pci 0,lun=7
ends_of pvscsi 1,lun=0

# --- giving space back, and zeroes

clears() {
    head -c 8M /dev/urandom >"$DISK"
    # shellcheck disable=SC2046
    osprey --machine q35 $(drive d "$DISK") "${D[@]}" "$1" "${D[@]}" scsi-hd,drive=d --package util-linux sh -c \
        'blkdiscard -o 1048576 -l 2097152 /dev/sda && blkdiscard -z -o 4194304 -l 1048576 /dev/sda' \
        >"$WORK/out" 2>"$WORK/err" </dev/null || cat "$WORK/err"
    check "$1: discarded blocks leave the host file" sh -c "[ \$(du -k '$DISK' | cut -f1) -lt 6600 ]"
    check "$1: zeroed blocks are zeroes" cmp -n 1048576 -i 4194304:0 "$DISK" /dev/zero
}
clears virtio-scsi-pci
clears pvscsi

# --- a disk that fails, one that never answers, one that grows

printf '[inject-error]\nevent = "read_aio"\nerrno = "5"\nsector = "64"\n[inject-error]\nevent = "write_aio"\nerrno = "5"\nsector = "128"\n[inject-error]\nevent = "write_aio"\nerrno = "28"\nsector = "256"\n' >"$WORK/errors"
cat >"$WORK/bad.py" <<'END2'
import os, errno, mmap
fd = os.open('/dev/sda', os.O_RDWR | os.O_DIRECT)
def err(call, n, sector):
    try:
        return call(fd, [mmap.mmap(-1, n)], sector * 512)
    except OSError as e:
        return errno.errorcode[e.errno]
print(err(os.preadv, 512, 64), err(os.preadv, 512, 0), err(os.pwritev, 512, 128), err(os.pwritev, 512, 256),
      err(os.pwritev, 512, 1), err(os.preadv, 4096, 16))
END2
fails() {
    cp "$WORK/first.img" "$DISK"
    for cpus in ${2:-2}; do
        osprey --machine q35 --cpus $cpus --qemu-arg -drive --qemu-arg \
            "if=none,id=d,format=raw,file=blkdebug:$WORK/errors:$DISK" "${D[@]}" "$1" "${D[@]}" \
            scsi-hd,drive=d,rerror=report,werror=report /usr/bin/python3 "$WORK/bad.py" >"$WORK/out" 2>"$WORK/err" </dev/null
        check "$1, --cpus $cpus: errors of the disk are errors of the program" \
            grep -qx 'EIO 512 EIO ENOSPC 512 4096' "$WORK/out"
    done
}
fails virtio-scsi-pci '1 4'
fails pvscsi

# A command that takes too long is aborted, its unit reset, the adapter given up: EIO, and on it goes.
silent() {
    osprey --machine q35 --cpus 2 --kernel-arg disk_timeout_ms=200 --qemu-arg -blockdev \
        --qemu-arg driver=null-co,node-name=d,size=1048576,latency-ns=6000000000,read-zeroes=on \
        "${D[@]}" "$1" "${D[@]}" scsi-hd,drive=d /usr/bin/python3 -c '
import os
fd = os.open("/dev/sda", os.O_RDONLY)
try:
    os.read(fd, 512)
except OSError as e:
    print(e.errno)
' >"$WORK/out" 2>"$WORK/err" </dev/null
    if grep -qx 5 "$WORK/out"; then ok "$1: a disk that does not answer"; else
        not_ok "$1: a disk that does not answer" "$WORK/out" "$WORK/err"
    fi
}
silent virtio-scsi-pci
[ "$SOAK" = 1 ] && silent pvscsi

grows() {
    truncate -s 4M "$DISK"
    rm -f "$WORK/qmp"
    # shellcheck disable=SC2046
    osprey --machine q35 --qemu-arg -qmp --qemu-arg "unix:$WORK/qmp,server=on,wait=off" $(drive d "$DISK") \
        "${D[@]}" "$1" "${D[@]}" scsi-hd,drive=d sh -c 'head -c 1 /dev/sda | wc -c; read x; head -c 1 /dev/sda | wc -c
            while [ $(cat /sys/block/sda/size) = 8192 ]; do :; done; cat /sys/block/sda/size' < <(
        timeout 200 python3 tests/system/host/qmp.py "$WORK/qmp" 'block_resize={"device":"d","size":6291456}' >"$WORK/qmp.out"
        echo
    ) >"$WORK/out" 2>"$WORK/err"
    check "$1: a disk that grows" diff - "$WORK/out" <<'END2'
1
1
12288
END2
}
grows virtio-scsi-pci
