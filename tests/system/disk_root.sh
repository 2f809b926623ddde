#!/bin/bash
# timeout: 1800
# The root read from the disk, page by page: a machine whose memory is smaller than its root, by BIOS,
# UEFI and root=; a root that is damaged; mount(2) of EROFS.
. tests/system/lib.sh
LIMIT=300
OVMF=/usr/share/OVMF
DISK=$WORK/disk.raw

# A line for each kind of disk: machine, what is behind -drive if=none,id=d.
disks='q35 virtio-blk-pci,drive=d
pc ide-hd,drive=d
q35 ide-hd,drive=d
q35 nvme,serial=1,drive=d
q35 virtio-scsi-pci+scsi-hd,drive=d'

machine() { # machine LOG ARGS...
    local log=$1
    shift
    timeout $LIMIT qemu-system-x86_64 -accel tcg,thread=multi -display none -no-reboot -nodefaults \
        -serial "file:$log" "$@" </dev/null >"$log.err" 2>&1
}
boots() { # boots NAME TEXT ARGS...
    local name=$1 text=$2
    shift 2
    : >"$WORK/log"
    if machine "$WORK/log" "$@" && tr -d '\r' <"$WORK/log" | grep -aqxF "$text"; then
        ok "$name"
    else
        not_ok "$name" "$WORK/log" "$WORK/log.err"
    fi
}
with() { echo -drive "if=none,id=d,format=raw,snapshot=on,file=$1" -device "${2//+/ -device }"; }

# 90 MiB of data; a program that reads all of it by read(2) and as a mapping.
mkdir "$WORK/data"
head -c 90M /dev/urandom >"$WORK/data/big"
sum=$(md5sum <"$WORK/data/big" | cut -d' ' -f1)
cat >"$WORK/data/all.py" <<END
import hashlib, mmap, sys
f = open('$WORK/data/big', 'rb')
h = hashlib.md5()
while True:
    b = f.read(300000)
    if not b:
        break
    h.update(b)
m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
g = hashlib.md5()
for at in range(0, len(m), 1 << 20):
    g.update(m[at:at + (1 << 20)])
free = [l for l in open('/proc/meminfo') if l.startswith('MemTotal')][0].split()[1]
print('all of it', h.hexdigest(), g.hexdigest(), 'little' if int(free) < 80000 else 'much')
END
cat >"$WORK/data/bad.py" <<END
import errno, mmap, os, signal
fd = os.open('$WORK/data/big', os.O_RDONLY)
failed = 0
for at in range(0, 90 << 20, 4096):
    try:
        assert len(os.pread(fd, 4096, at)) == 4096
    except OSError as e:
        assert e.errno == errno.EIO
        failed += 1
        bad = at
m = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
pid = os.fork()
if not pid:
    m[bad]
    os._exit(0)
print('pages that fail:', failed, signal.Signals(os.WTERMSIG(os.waitpid(pid, 0)[1])).name)
END
"$OSPREY" build --format raw -o "$DISK" --add "$WORK/data" /usr/bin/python3 "$WORK/data/all.py" ||
    not_ok 'the disk is built'
while read -r machine device; do
    # shellcheck disable=SC2046
    boots "BIOS, $machine, ${device%,*}: 64 MiB for a root of 100" "all of it $sum $sum little" -M "$machine" \
        -m 64 $(with "$DISK" "$device")
done <<<"$disks"
cp $OVMF/OVMF_VARS_4M.fd "$WORK/vars.fd"
# shellcheck disable=SC2046
boots "UEFI: 128 MiB" "all of it $sum $sum much" -M q35 -m 128 \
    -drive "if=pflash,format=raw,readonly=on,file=$OVMF/OVMF_CODE_4M.fd" \
    -drive "if=pflash,format=raw,file=$WORK/vars.fd" $(with "$DISK" virtio-blk-pci,drive=d)

# The kernel alone, and root=.
line=$("$OSPREY" cmdline "$DISK")
uuid=$(od -An -tx4 -j 440 -N 4 "$DISK" | tr -d ' ')
for root in /dev/vda2 "PARTUUID=$uuid-02" disk; do
    # shellcheck disable=SC2046
    boots "root=$root" "all of it $sum $sum little" -M q35 -m 64 -kernel "$BUILD/osprey.elf" \
        -append "root=$root $line" $(with "$DISK" virtio-blk-pci,drive=d)
done
# shellcheck disable=SC2046
machine "$WORK/log" -M q35 -m 64 -kernel "$BUILD/osprey.elf" -append "root=/dev/nothing $line" \
    $(with "$DISK" virtio-blk-pci,drive=d)
check 'root= that is not there is said' grep -aq 'there is no /dev/nothing' "$WORK/log"

# Small roots come by the loader, unless the line says otherwise.
"$OSPREY" build --format raw -o "$WORK/small.raw" /bin/sh -c 'grep Buffers: /proc/meminfo | tr -d " "'
line=$("$OSPREY" cmdline "$WORK/small.raw")
# shellcheck disable=SC2046
boots 'a small root is in memory' 'Buffers:0kB' -M q35 -m 64 $(with "$WORK/small.raw" virtio-blk-pci,drive=d)
"$OSPREY" cmdline "$WORK/small.raw" "root=disk $line"
# shellcheck disable=SC2046
machine "$WORK/log" -M q35 -m 64 $(with "$WORK/small.raw" virtio-blk-pci,drive=d)
check 'root=disk leaves it where it is' grep -aqE 'Buffers:[1-9][0-9]*kB' "$WORK/log"
"$OSPREY" cmdline "$DISK" "root=memory $("$OSPREY" cmdline "$DISK")"
# shellcheck disable=SC2046
boots 'root=memory brings a large one in' "all of it $sum $sum much" -M q35 -m 256 \
    $(with "$DISK" virtio-blk-pci,drive=d)

# Damage: no panic, whatever the bytes are.
cp "$WORK/small.raw" "$WORK/bad.raw"
dd if=/dev/urandom of="$WORK/bad.raw" bs=512 seek=12290 count=1 conv=notrunc status=none
# shellcheck disable=SC2046
machine "$WORK/log" -M q35 -m 64 $(with "$WORK/bad.raw" virtio-blk-pci,drive=d)
check 'a damaged superblock is said' grep -aqE 'erofs: the image on .* cannot be used' "$WORK/log"
check 'and is no panic' sh -c "! grep -aq panic '$WORK/log'"

# A disk that fails under the root: the program sees EIO.
python3 - "$DISK" "$WORK/data/big" >"$WORK/at" <<'END'
import mmap, sys
d, f = open(sys.argv[1], 'rb'), open(sys.argv[2], 'rb')
print(mmap.mmap(d.fileno(), 0, prot=mmap.PROT_READ).find(f.read(4096)) // 512)
END
cat >"$WORK/errors" <<END
[inject-error]
event = "read_aio"
errno = "5"
sector = "$(($(cat "$WORK/at") + 80000))"
END
"$OSPREY" cmdline "$DISK" "root=disk -- /usr/bin/python3 $WORK/data/bad.py"
# shellcheck disable=SC2046
boots 'a bad sector in a file of the root is EIO' 'pages that fail: 1 SIGBUS' -M q35 -m 64 -drive \
    "if=none,id=d,format=raw,file=blkdebug:$WORK/errors:$DISK,rerror=report" -device virtio-blk-pci,drive=d

# mount(2).
cat >"$WORK/script" <<'END'
mkdir /tmp/a /tmp/b
mount -t erofs /dev/vda2 /tmp/a && mount -t erofs -o ro /dev/vda2 /tmp/b && grep -c erofs /proc/mounts
cmp /tmp/a/bin/sh /bin/sh && /tmp/b/bin/sh -c 'echo runs'
umount /tmp/a; /tmp/b/bin/sh -c 'echo still'; umount /tmp/b
mount -t erofs /dev/vda1 /tmp/a 2>/dev/null || echo 'no image'
mount -t erofs /tmp /tmp/a 2>&1 | grep -o 'not a block device'
blockdev --rereadpt /dev/vda && echo free
END
osprey --disk "$WORK/small.raw" --package util-linux --package mount --package diffutils sh "$WORK/script" >"$WORK/out" 2>"$WORK/err" </dev/null
check 'mount -t erofs' diff "$WORK/out" - <<'END'
2
runs
still
no image
not a block device
free
END
exit 0
