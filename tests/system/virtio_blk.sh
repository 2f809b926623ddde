#!/bin/bash
# timeout: 900
# Disks: what the guest writes is what the host reads and the other way round, errors come back as
# errors, on each transport and ring.
. tests/system/lib.sh
PATTERNS=$PWD/tests/system/programs/patterns.py
LIMIT=200
DISK=$WORK/disk.img
build diskreads sh -c 'gcc -O2 -static -pthread -Wall -o $OUT tests/system/programs/diskreads.c'

# guest OPTIONS...: a script on standard input of this function runs in the machine.
guest() {
    cat >"$WORK/script"
    osprey "$@" --package util-linux sh "$WORK/script" >"$WORK/out" 2>"$WORK/err" </dev/null
}

# The program writes patterns at odd places in odd sizes; the host does the same to a copy.
patterns() {
    local name=$1
    shift
    head -c 8M /dev/urandom >"$DISK"
    cp "$DISK" "$WORK/copy.img"
    python3 "$PATTERNS" "$WORK/copy.img" 42 120
    osprey "$@" /usr/bin/python3 "$PATTERNS" /dev/vda 42 120 >"$WORK/out" 2>"$WORK/err" </dev/null
    check "$name" cmp "$DISK" "$WORK/copy.img"
}
drive() { echo --qemu-arg -drive --qemu-arg "if=none,id=d,format=raw,file=$DISK"; }
patterns 'patterns, --disk on microvm' --disk "$DISK"
patterns 'patterns, --disk on q35, 2 processors' --machine q35 --cpus 2 --disk "$DISK"
# shellcheck disable=SC2046
for device in virtio-blk-device,packed=on virtio-blk-pci,packed=on virtio-blk-pci,disable-modern=on \
    virtio-blk-pci,num-queues=2,queue-size=8 virtio-blk-pci,indirect_desc=off,event_idx=off \
    virtio-blk-pci,logical_block_size=4096,physical_block_size=4096; do
    machine=q35
    [[ $device == *-device* ]] && machine=microvm
    patterns "patterns, $device" --machine $machine --cpus 2 $(drive) --qemu-arg -device \
        --qemu-arg $device,drive=d
done

# One processor: each request is made known while QEMU's other threads are busy with those before.
[ "$SOAK" = 1 ] && reads=200000 || reads=25000
LIMIT=300 osprey --machine q35 --disk "$DISK" "$PROGRAMS/diskreads" /dev/vda 4 $reads >"$WORK/out" 2>"$WORK/err" \
    </dev/null
check 'no request of one processor is overlooked' grep -qx "read $((4 * reads))" "$WORK/out"

# What the disk is.
head -c 1M /dev/urandom >"$DISK"
guest --disk "$DISK" <<'END2'
blockdev --getsize64 --getsz --getss --getpbsz --getro --getbsz /dev/vda
cat /sys/block/vda/size /sys/block/vda/serial /sys/class/block/vda/dev /sys/dev/block/254:0/ro
sed -n 's/  */ /gp' /proc/partitions
END2
check 'size, sectors, serial number' diff "$WORK/out" - <<'END2'
1048576
2048
512
512
0
4096
2048
disk0
254:0
0
major minor #blocks name
 254 0 1024 vda
END2

# Errors and ends, as Linux has them.
cat >"$WORK/ends.py" <<'END2'
import errno, fcntl, mmap, os
def err(f, *a):
    try:
        return f(*a)
    except OSError as e:
        return errno.errorcode[e.errno]
fd = os.open('/dev/vda', os.O_RDWR)
end = os.lseek(fd, 0, os.SEEK_END)
print(os.pread(fd, 10, end), err(os.pwrite, fd, b'x', end), os.pwrite(fd, b'xyz', end - 1))
print(err(os.lseek, fd, end + 1, 0), err(os.lseek, fd, 0, 3), os.fstat(fd).st_size)
d = os.open('/dev/vda', os.O_RDWR | os.O_DIRECT)
page = mmap.mmap(-1, 8192)
page[:] = b'd' * 8192
print(err(os.pwritev, d, [page], 512), err(os.pwritev, d, [page], 100),
      err(os.preadv, d, [memoryview(page)[1:513]], 0), os.pread(fd, 3, 512))
a = os.open('/dev/vda', os.O_RDONLY | os.O_EXCL)
print(err(os.open, '/dev/vda', os.O_RDONLY | os.O_EXCL))
os.close(a)
os.close(os.open('/dev/vda', os.O_RDONLY | os.O_EXCL))
ro = os.open('/dev/vdb', os.O_RDWR)
print(err(os.write, ro, b'x'), len(os.read(ro, 100)))
print(err(os.open, '/dev/vdc', os.O_RDONLY))
END2
head -c 64K /dev/zero >"$WORK/ro.img"
osprey --disk "$DISK" --disk "$WORK/ro.img,ro" /usr/bin/python3 "$WORK/ends.py" >"$WORK/out" 2>"$WORK/err" </dev/null
check 'ends and errors' diff "$WORK/out" - <<'END2'
b'' ENOSPC 1
EINVAL EINVAL 0
8192 EINVAL EINVAL b'ddd'
EBUSY
EPERM 100
ENOENT
END2

# Giving space back, and zeroes.
head -c 8M /dev/urandom >"$DISK"
guest --disk "$DISK" <<'END2'
blkdiscard -o 1048576 -l 2097152 /dev/vda && blkdiscard -z -o 4194304 -l 1048576 /dev/vda &&
fallocate --punch-hole -o 6291456 -l 65536 /dev/vda
cat /sys/block/vda/queue/write_cache
END2
check 'discarded blocks leave the host file' sh -c "[ \$(du -k '$DISK' | cut -f1) -lt 6500 ]"
check 'zeroed blocks are zeroes' cmp -n 1048576 -i 4194304:0 "$DISK" /dev/zero
check 'a punched hole is zeroes' cmp -n 65536 -i 6291456:0 "$DISK" /dev/zero

# Zeroes that begin and end in pages which are changed, but not written yet.
cat >"$WORK/edges.py" <<'END2'
import os, fcntl, struct
fd = os.open('/dev/vda', os.O_RDWR)
os.pwrite(fd, b'k' * 600, 4096)
os.pwrite(fd, b'm' * 600, 12700)
fcntl.ioctl(fd, 0x127f, struct.pack('QQ', 4608, 8192))
print(os.pread(fd, 12288, 4096) == b'k' * 512 + bytes(8192) + b'm' * 500 + b'd' * 3084)
END2
head -c 64K /dev/zero | tr '\0' d >"$DISK"
osprey --disk "$DISK" /usr/bin/python3 "$WORK/edges.py" >"$WORK/out" 2>"$WORK/err" </dev/null
check 'zeroes over parts of pages' grep -qx True "$WORK/out"
check 'and on the disk' sh -c "[ \$(dd if='$DISK' bs=4096 skip=1 count=3 status=none | cksum | cut -d' ' -f1) = \
    \$(python3 -c 'print(\"k\" * 512 + \"\\0\" * 8192 + \"m\" * 500 + \"d\" * 3084, end=\"\")' | cksum | cut -d' ' -f1) ]"

ends 'a disk that is not there' 125 'disk' "$OSPREY" run --disk "$WORK/nothing.img" true
ends 'a folder is no disk' 125 'disk' "$OSPREY" run --disk "$WORK" true
