#!/bin/bash
# timeout: 400
# Partitions: the machine shows what sfdisk and sgdisk wrote on the host, reads and writes inside
# them, and takes up what they write in the machine.
. tests/system/lib.sh
PATH=$PATH:/sbin:/usr/sbin
LIMIT=200
DISK=$WORK/disk.img

guest() {
    cat >"$WORK/script"
    osprey "$@" --package util-linux --package fdisk --package gdisk sh "$WORK/script" \
        >"$WORK/out" 2>"$WORK/err" </dev/null
}

truncate -s 64M "$DISK"
sfdisk -q "$DISK" <<'END'
label: dos
label-id: 0x1234abcd
start=2048, size=2048, type=83
start=4096, size=8192, type=ef
start=20480, size=80000, type=5
start=22528, size=2048, type=83
start=40960, size=4096, type=83
END
printf 'at the start of the fifth' | dd of="$DISK" bs=512 seek=22528 conv=notrunc status=none
truncate -s 64M "$WORK/gpt.img"
sgdisk -n 1:2048:4095 -n 3:8192:+4M -c 1:one -u 1:C12A7328-F81F-11D2-BA4B-00A0C93EC93B \
    "$WORK/gpt.img" >/dev/null
dd if=/dev/zero of="$WORK/gpt.img" bs=512 seek=1 count=1 conv=notrunc status=none

guest --disk "$DISK" --disk "$WORK/gpt.img" <<'END'
sed -n 's/  */ /gp' /proc/partitions
cd /sys/block/vda
for p in vda?; do echo $p $(cat $p/partition $p/start $p/size $p/dev $p/ro); done
cat vda5/uevent /sys/block/vdb/vdb1/uevent /sys/class/block/vda6/start /sys/dev/block/254:5/size
readlink /sys/class/block/vda1
head -c 25 /dev/vda5; echo
blockdev --getsz --getss /dev/vda5
ls /dev/vd*
printf 'written in the machine' | dd of=/dev/vda6 bs=22 seek=1 conv=fsync status=none
dd if=/dev/zero of=/dev/vda1 bs=1M count=2 2>&1 | grep -c 'No space'
END
check 'what is shown' diff "$WORK/out" - <<'END'
major minor #blocks name
 254 0 65536 vda
 254 1 1024 vda1
 254 2 4096 vda2
 254 3 1 vda3
 254 5 1024 vda5
 254 6 2048 vda6
 254 16 65536 vdb
 254 17 1024 vdb1
 254 19 4096 vdb3
vda1 1 2048 2048 254:1 0
vda2 2 4096 8192 254:2 0
vda3 3 20480 2 254:3 0
vda5 5 22528 2048 254:5 0
vda6 6 40960 4096 254:6 0
MAJOR=254
MINOR=5
DEVNAME=vda5
DEVTYPE=partition
PARTN=5
MAJOR=254
MINOR=17
DEVNAME=vdb1
DEVTYPE=partition
PARTN=1
PARTNAME=one
40960
2048
../../block/vda/vda1
at the start of the fifth
2048
512
/dev/vda
/dev/vda1
/dev/vda2
/dev/vda3
/dev/vda5
/dev/vda6
/dev/vdb
/dev/vdb1
/dev/vdb3
1
END
check 'the damaged first GPT is said' grep -q 'vdb: the partition table (GPT) is damaged, its backup' "$WORK/err"
check 'a write lands in its partition' sh -c \
    "[ \"\$(dd if='$DISK' bs=1 skip=$((40960 * 512 + 22)) count=22 status=none)\" = 'written in the machine' ]"
check 'and not beyond' sh -c \
    "[ \$(dd if='$DISK' bs=512 skip=4096 count=8192 status=none | tr -d '\\0' | wc -c) = 0 ]"

# The tools in the machine: new tables are taken up, partitions in use keep the old one.
truncate -s 32M "$WORK/new.img"
guest --disk "$WORK/new.img" <<'END'
printf ',4M\n,\n' | sfdisk -q /dev/vda && ls /dev/vda*
printf 'label: gpt\nsize=4M, name=one\nsize=8M\nsize=+\n' | sfdisk -q /dev/vda && cat /sys/block/vda/vda3/start
exec 3</dev/vda2
blockdev --rereadpt /dev/vda 2>&1 | grep -o 'busy'
exec 3<&-
blockdev --rereadpt /dev/vda && echo again
partx -d --nr 2 /dev/vda && ls /dev/vda*
partx -a --nr 2 /dev/vda && ls /dev/vda2
sgdisk -o /dev/vda >/dev/null 2>&1; ls /dev/vda*
END
check 'sfdisk, sgdisk, partx and blockdev in the machine' diff "$WORK/out" - <<'END'
/dev/vda
/dev/vda1
/dev/vda2
26624
busy
again
/dev/vda
/dev/vda1
/dev/vda3
/dev/vda2
/dev/vda
END

# A partition that is open changes its size in the middle of a page.
cat >"$WORK/size.py" <<'END'
import os, fcntl, ctypes, struct
disk = os.open('/dev/vda', os.O_RDWR)
def blkpg(op, size):
    part = ctypes.create_string_buffer(struct.pack('qqi128x4x', 1 << 20, size, 1))
    fcntl.ioctl(disk, 0x1269, struct.pack('iiiQ', op, 0, len(part), ctypes.addressof(part)))
blkpg(1, 4096 + 512)
part = os.open('/dev/vda1', os.O_RDWR)
print(len(os.pread(part, 100000, 0)), os.pwrite(part, b'w' * 10, 4096))
blkpg(3, 8192)
print(os.pread(part, 100000, 4096) == b'w' * 10 + b'd' * 4086, os.pwrite(part, b'x' * 100, 6000))
blkpg(3, 4096 + 1024)
os.pwrite(part, b'y', 4096 + 512)
os.fsync(part)
blkpg(3, 8192)
print(os.pread(part, 100000, 4096) == b'w' * 10 + b'd' * 502 + b'y' + b'd' * 1391 + b'x' * 100 + b'd' * 2092)
END
head -c 4M /dev/zero | tr '\0' d >"$DISK"
osprey --disk "$DISK" /usr/bin/python3 "$WORK/size.py" >"$WORK/out" 2>"$WORK/err" </dev/null
check 'an open partition that grows and shrinks' diff - "$WORK/out" <<'END'
4608 10
True 100
True
END
check 'and what is on the disk then' sh -c "[ \$(dd if='$DISK' bs=1 skip=$(((1 << 20) + 4096)) count=4096 status=none |
    tr -d d) = wwwwwwwwwwy\$(head -c 100 /dev/zero | tr '\\0' x) ]"
exit 0
