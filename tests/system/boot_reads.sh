#!/bin/bash
# timeout: 300
# A disk boot reads each sector of the kernel once: counted in QEMU's trace of what the disk was asked for.
. tests/system/lib.sh
# disk OPTIONS...
disk() {
    "$OSPREY" build --format raw "$@" -o "$WORK/disk" /bin/echo "from the disk"
    at=$(($(od -An -tu4 -j $((0x194)) -N 4 "$WORK/disk")))
    sectors=$(($(od -An -tu4 -j $((0x198)) -N 4 "$WORK/disk")))
}

# once NAME ARGS...
once() {
    local name=$1
    shift
    rm -f "$WORK/trace" "$WORK/log"
    timeout 280 qemu-system-x86_64 -accel tcg,thread=multi -display none -no-reboot -nodefaults -m 128 \
        -serial "file:$WORK/log" -trace "blk_co_preadv,file=$WORK/trace" \
        -drive "file=$WORK/disk,format=raw,if=none,id=d" "$@" </dev/null >"$WORK/err" 2>&1
    check "$name: it boots" grep -aq '^from the disk' "$WORK/log"
    check "$name: each sector of the kernel is read once" python3 - "$WORK/trace" "$at" "$sectors" <<'END'
import re, sys
at, sectors = int(sys.argv[2]), int(sys.argv[3])
times = [0] * sectors
for line in open(sys.argv[1]):
    found = re.search(r'blk_co_preadv .*offset (0x[0-9a-f]+|\d+) bytes (0x[0-9a-f]+|\d+)', line)
    if found:
        first, n = (int(text, 0) // 512 for text in found.groups())
        for sector in range(max(first, at), min(first + n, at + sectors)):
            times[sector - at] += 1
print('#', sectors, 'sectors, reads of each:', sorted(set(times)))
sys.exit(set(times) != {1})
END
}
disk
once 'IDE' -M pc -device ide-hd,drive=d
once 'AHCI' -M q35 -device ide-hd,drive=d
once 'virtio-blk' -M pc -device virtio-blk-pci,drive=d
plain=$sectors
disk --compress lzma
once 'IDE, packed by LZMA' -M pc -device ide-hd,drive=d
check 'which are fewer by a fifth at least' [ $((sectors * 5)) -lt $((plain * 4)) ]
