#!/bin/bash
# timeout: 600
# A disk that fails reads and writes (QEMU's blkdebug): the program sees EIO where Linux tells it, and
# the machine goes on. A line of `drivers` for each driver: machine, devices, name of the disk.
. tests/system/lib.sh
LIMIT=300
DISK=$WORK/disk.img

drivers='microvm virtio-blk-device,drive=d vda
q35 virtio-blk-pci,packed=on,drive=d vda
pc virtio-blk-pci,disable-modern=on,drive=d vda
q35 ide-hd,drive=d sda
pc ide-hd,drive=d sda
q35 nvme,serial=1,drive=d nvme0n1
q35 virtio-scsi-pci+scsi-hd,drive=d sda
pc pvscsi+scsi-hd,drive=d sda'

# Sector 64 cannot be read, sector 128 not be written.
cat >"$WORK/errors" <<'END'
[inject-error]
event = "read_aio"
errno = "5"
sector = "64"
[inject-error]
event = "write_aio"
errno = "5"
sector = "128"
END

cat >"$WORK/bad.py" <<'END'
import errno, mmap, os, signal, sys
def err(f, *a):
    try:
        r = f(*a)
        return len(r) if isinstance(r, bytes) else r
    except OSError as e:
        return errno.errorcode[e.errno]
name = '/dev/' + sys.argv[1]
fd = os.open(name, os.O_RDWR)
other = os.open(name, os.O_RDWR)
size = os.lseek(fd, 0, os.SEEK_END)
print('read', err(os.pread, fd, 512, 64 * 512), err(os.pread, fd, 4096, 0), err(os.pread, fd, 4096, 36864))
print('across', err(os.pread, fd, 65536, 0))
d = os.open(name, os.O_RDWR | os.O_DIRECT)
page = mmap.mmap(-1, 8192)
print('direct', err(os.preadv, d, [memoryview(page)[:512]], 64 * 512), err(os.preadv, d, [memoryview(page)[:512]], 0),
      err(os.pwritev, d, [memoryview(page)[:512]], 128 * 512), err(os.pwritev, d, [memoryview(page)[:512]], 131072))
print('write', err(os.pwrite, fd, b'x' * 4096, 128 * 512), err(os.fsync, fd), err(os.fsync, fd), err(os.fsync, other),
      err(os.fdatasync, other))
late = os.open(name, os.O_RDWR)
print('late', err(os.fsync, late), err(os.pwrite, fd, b'y' * 4096, 0), err(os.fsync, fd))
sync = os.open(name, os.O_RDWR | os.O_DSYNC)
print('dsync', err(os.pwrite, sync, b'x' * 4096, 128 * 512), err(os.pwrite, sync, b'x' * 4096, 131072))
err(os.fsync, fd)
m = mmap.mmap(fd, size)
m[128 * 512] = 1
print('msync', err(m.flush), err(m.flush), m[0] == ord('y'))
pid = os.fork()
if pid == 0:
    m[64 * 512]
    os._exit(0)
print('mapped', signal.Signals(os.WTERMSIG(os.waitpid(pid, 0)[1])).name)
for fault in range(200):
    err(os.pread, fd, 512, 64 * 512)
    os.pwrite(fd, b'x', 128 * 512)
    err(os.fsync, fd)
print('on', os.pread(fd, 3, 0))
END
cat >"$WORK/wanted" <<'END'
read EIO 4096 4096
across 32768
direct EIO 512 EIO 512
write 4096 EIO None EIO None
late None 4096 None
dsync EIO 4096
msync EIO None True
mapped SIGBUS
on b'yyy'
END
while read -r machine device name; do
    head -c 1M /dev/urandom >"$DISK"
    devices=()
    for one in ${device//+/ }; do devices+=(--qemu-arg -device --qemu-arg "$one"); done
    osprey --machine "$machine" --qemu-arg -drive --qemu-arg \
        "if=none,id=d,format=raw,file=blkdebug:$WORK/errors:$DISK,rerror=report,werror=report" \
        "${devices[@]}" /usr/bin/python3 "$WORK/bad.py" "$name" >"$WORK/out" 2>"$WORK/err" </dev/null
    check "$machine, ${device%,drive=d}: errors of the disk are EIO" diff "$WORK/wanted" "$WORK/out"
    sed 's/^/# /' "$WORK/err" | grep -v 'block: .*failed' | head -5
done <<<"$drivers"
exit 0
