#!/bin/bash
# timeout: 600
# The page cache of disks: what is written by write(2), by a mapping and with O_DIRECT is one, reads
# run ahead, what is dirty is bounded and written back, and clean pages go when memory is short.
. tests/system/lib.sh
LIMIT=200
DISK=$WORK/disk.img
guest() { # guest SCRIPT OPTIONS...
    osprey "${@:2}" /usr/bin/python3 "$1" >"$WORK/out" 2>"$WORK/err" </dev/null
}

# Three ways to the same bytes, in the machine and on a copy on the host.
cat >"$WORK/ways.py" <<'END'
import mmap, os, random, sys
random.seed(7)
name = sys.argv[1]
fd = os.open(name, os.O_RDWR)
size = os.lseek(fd, 0, os.SEEK_END)
try:
    direct = os.open(name, os.O_RDWR | (os.O_DIRECT if name.startswith('/dev/') else 0))
except OSError:
    direct = fd
m = mmap.mmap(fd, size)
model = bytearray(m[:])
page = mmap.mmap(-1, 65536)
for step in range(400):
    n = random.choice((1, 100, 511, 4096, 5000, 65536))
    at = random.randrange(size - n)
    way = random.randrange(7)
    data = random.randbytes(n)
    if way == 0:
        os.pwrite(fd, data, at)
        model[at:at + n] = data
    elif way == 1:
        m[at:at + n] = data
        model[at:at + n] = data
    elif way == 2:
        at, n = at & ~511, max(n & ~511, 512)
        data = random.randbytes(n)
        page[:n] = data
        if direct != fd or True:
            os.pwritev(direct, [memoryview(page)[:n]], at)
        model[at:at + n] = data
    elif way == 3:
        assert os.pread(fd, n, at) == model[at:at + n], (step, 'read', at, n)
    elif way == 4:
        assert m[at:at + n] == model[at:at + n], (step, 'map', at, n)
    elif way == 5:
        at, n = at & ~511, max(n & ~511, 512)
        os.preadv(direct, [memoryview(page)[:n]], at)
        assert page[:n] == model[at:at + n], (step, 'direct', at, n)
    else:
        random.choice((lambda: os.fsync(fd), lambda: m.flush(), os.sync,
                       lambda: os.posix_fadvise(fd, at, n, os.POSIX_FADV_DONTNEED)))()
assert m[:] == model and os.pread(fd, size, 0) == model
m.close()
print('fine')
END
head -c 6M /dev/urandom >"$DISK"
truncate -s +1536 "$DISK"
cp "$DISK" "$WORK/copy.img"
for cpus in 1 2; do
    osprey --cpus $cpus --disk "$DISK" /usr/bin/python3 "$WORK/ways.py" /dev/vda >"$WORK/out" 2>"$WORK/err" </dev/null
    python3 "$WORK/ways.py" "$WORK/copy.img" >"$WORK/host.out" 2>&1
    check "mapped, written and direct are one, $cpus processor(s)" grep -qx fine "$WORK/out"
    check "and so they are on the disk" cmp "$DISK" "$WORK/copy.img"
done

# A disk larger than memory, read and written through: memory holds it in part, nothing dies.
cat >"$WORK/large.py" <<'END'
import mmap, os
fd = os.open('/dev/vda', os.O_RDWR)
size = os.lseek(fd, 0, os.SEEK_END)
def line(what):
    return int([l for l in open('/proc/meminfo') if l.startswith(what + ':')][0].split()[1])
block = bytes(range(256)) * 4096
for at in range(0, size, len(block)):
    os.pwrite(fd, block, at)
    assert line('Dirty') + line('Writeback') < line('MemTotal') * 0.3, at
os.fsync(fd)
assert line('Dirty') == 0
for at in range(0, size, len(block)):
    assert os.pread(fd, len(block), at) == block
assert line('Buffers') > 8192
m = mmap.mmap(fd, size)
for at in range(0, size, 4096):
    m[at] = 77
for at in range(0, size, 4096):
    assert m[at] == 77 and m[at + 1] == 1
m.flush()
assert line('Dirty') == 0
held = bytearray(line("MemAvailable") * 1024 - (8 << 20))  # the cache gives way
for at in range(0, len(held), 4096):
    held[at] = 1
del held
open('/proc/sys/vm/drop_caches', 'w').write('1')
m.close()
def count(name):
    return int(open('/sys/block/vda/' + name).read().split()[0])
open('/proc/sys/vm/drop_caches', 'w').write('1')
before = count('stat')
fd2 = os.open('/dev/vda', os.O_RDONLY)
for at in range(0, 16 << 20, 4096):
    assert os.pread(fd2, 1, at) == b'M'
reads = count('stat') - before
print('fine', 'ahead' if reads <= 600 else reads)
END
truncate -s 192M "$DISK"
guest "$WORK/large.py" --memory 128M --disk "$DISK"
check 'a disk larger than memory, and reading ahead' grep -qx 'fine ahead' "$WORK/out"
cat "$WORK/err" | head -5 | sed 's/^/# /'
check 'what was mapped is on the disk' python3 -c "
d = open('$DISK', 'rb').read()
assert d[::4096] == b'M' * (len(d) // 4096) and d[1::4096] == b'\1' * (len(d) // 4096)"

# Nobody syncs: the flusher does, and the end of the program does.
cat >"$WORK/lazy.py" <<'END'
import os, sys, time
open('/proc/sys/vm/dirty_expire_centisecs', 'w').write('10')
open('/proc/sys/vm/dirty_writeback_centisecs', 'w').write('10')
fd = os.open('/dev/vda', os.O_WRONLY)
os.pwrite(fd, b'by the flusher', 0)
while int([l for l in open('/proc/meminfo') if l.startswith('Dirty:')][0].split()[1]):
    time.sleep(0.05)
print('clean')
open('/proc/sys/vm/dirty_expire_centisecs', 'w').write('100000')
os.pwrite(fd, b'at the end', 8192)
END
guest "$WORK/lazy.py" --disk "$DISK"
check 'the flusher writes' grep -qx clean "$WORK/out"
check 'and so does the end' sh -c \
    "[ \"\$(head -c 14 '$DISK')\$(dd if='$DISK' bs=4096 skip=2 count=1 status=none | head -c 10)\" = 'by the flusherat the end' ]"
exit 0
