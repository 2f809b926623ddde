#!/bin/bash
# timeout: 600
# The memory balloon and the entropy device, on every ring and transport: QEMU's monitor asks for
# memory back, gets it, and the program that needs it all the same is given it.
. tests/system/lib.sh
LIMIT=300
qmp() { timeout 200 python3 tests/system/host/qmp.py "$@"; }

# lines N: wait for so many in the output (or for the end of the run).
lines() {
    while [ "$(wc -l <"$WORK/out")" -lt "$1" ] && kill -0 $! 2>/dev/null; do sleep 0.05; done
}

# balloon NAME OPTIONS...: from 256 MiB to 96 and back.
balloon() {
    local name=$1 fifo=$WORK/in socket=$WORK/qmp
    shift
    rm -f "$fifo" "$socket" "$WORK/go".*
    mkfifo "$fifo"
    : >"$WORK/out" # lines() may look before the command has begun
    osprey --memory 256M "$@" --qemu-arg -qmp --qemu-arg "unix:$socket,server=on,wait=off" \
        sh -c 'free() { sed -n "s/MemFree: *\([0-9]*\).*/\1/p" /proc/meminfo; }
            free; read x; free; read x; free' <"$fifo" >"$WORK/out" 2>"$WORK/err" &
    exec 7>"$fifo"
    lines 1
    qmp "$socket" 'balloon={"value":100663296}' until=query-balloon:actual:0:100663296 >"$WORK/qmp.out" &&
        echo >&7
    lines 2
    qmp "$socket" 'balloon={"value":268435456}' until=query-balloon:actual:268435456:268435456 >>"$WORK/qmp.out" &&
        echo >&7
    exec 7>&-
    wait $!
    mapfile -t free <"$WORK/out"
    if [ ${#free[@]} -eq 3 ] && [ $((free[0] - free[1])) -gt 140000 ] &&
        [ "${free[2]}" -gt $((free[0] - 4000)) ] && ! [ -s "$WORK/err" ]; then
        ok "$name"
    else
        not_ok "$name" "$WORK/out" "$WORK/err" "$WORK/qmp.out"
    fi
}
balloon 'microvm' --qemu-arg -device --qemu-arg virtio-balloon-device
balloon 'modern PCI, packed ring' --machine q35 --qemu-arg -device \
    --qemu-arg virtio-balloon-pci,packed=on,disable-legacy=on
balloon 'legacy PCI, 2 processors' --machine pc --cpus 2 --qemu-arg -device \
    --qemu-arg virtio-balloon-pci,disable-modern=on

# The host's figures come from the guest.
rm -f "$WORK/qmp"
osprey --memory 256M --qemu-arg -qmp --qemu-arg "unix:$WORK/qmp,server=on,wait=off" --qemu-arg -device \
    --qemu-arg virtio-balloon-device,id=b0 cat < <(
    path='"path":"/machine/peripheral/b0"'
    qmp "$WORK/qmp" "qom-set={$path,\"property\":\"guest-stats-polling-interval\",\"value\":1}" \
        >"$WORK/qmp.out"
    for _ in $(seq 600); do
        qmp "$WORK/qmp" "qom-get={$path,\"property\":\"guest-stats\"}" >"$WORK/qmp.out"
        grep -q '"stat-total-memory": 2[0-9]\{8\},' "$WORK/qmp.out" && break
        sleep 0.1
    done
) >"$WORK/out" 2>"$WORK/err"
check 'statistics' grep -q '"stat-total-memory": 2[0-9]\{8\},' "$WORK/qmp.out"

# With deflate-on-oom the program gets what the balloon has.
rm -f "$WORK/qmp"
osprey --memory 256M --qemu-arg -qmp --qemu-arg "unix:$WORK/qmp,server=on,wait=off" --qemu-arg -device \
    --qemu-arg virtio-balloon-device,deflate-on-oom=on \
    /usr/bin/python3 -c 'input(); b = bytearray(180 << 20); print(len(b))' < <(
    qmp "$WORK/qmp" 'balloon={"value":100663296}' until=query-balloon:actual:0:100663296 >"$WORK/qmp.out"
    echo
) >"$WORK/out" 2>"$WORK/err"
check 'a program that needs the memory gets it back' grep -qx 188743680 "$WORK/out"

# Free page reporting: what the program has given back does not stay with the host's process.
rm -f "$WORK/pid"
osprey --memory 512M --qemu-arg -pidfile --qemu-arg "$WORK/pid" --qemu-arg -device \
    --qemu-arg virtio-balloon-device,free-page-reporting=on /usr/bin/python3 -u -c '
import mmap
m = mmap.mmap(-1, 256 << 20)
for i in range(0, len(m), 4096): m[i] = 1
print("full"); input(); m.close(); print("free"); input()' < <(
    rss() { awk '/^VmRSS/ { n += $2 } END { print n }' "/proc/$(cat "$WORK/pid")/status"; }
    until grep -q full "$WORK/out"; do sleep 0.1; done
    rss >"$WORK/full"
    echo
    for _ in $(seq 600); do
        rss >"$WORK/less"
        [ "$(cat "$WORK/less")" -lt $(($(cat "$WORK/full") - 150000)) ] && break
        sleep 0.1
    done
    echo
) >"$WORK/out" 2>"$WORK/err"
echo "# $(cat "$WORK/full") KiB, then $(cat "$WORK/less")"
check 'free memory is reported' [ "$(cat "$WORK/less")" -lt $(($(cat "$WORK/full") - 150000)) ]

# The entropy device: /dev/hwrng gives what the host gives, here known bytes.
yes osprey | head -c 65536 >"$WORK/entropy"
for device in virtio-rng-device virtio-rng-pci,packed=on virtio-rng-pci,disable-modern=on; do
    machine=q35
    [ $device = virtio-rng-device ] && machine=microvm
    osprey --machine $machine --qemu-arg -object --qemu-arg "rng-random,id=r0,filename=$WORK/entropy" \
        --qemu-arg -device --qemu-arg $device,rng=r0 head -c 7000 /dev/hwrng >"$WORK/out" 2>"$WORK/err"
    check "$device: /dev/hwrng" sh -c "[ \$(wc -c <'$WORK/out') = 7000 ] &&
        [ \"\$(tr -d 'osprey\n' <'$WORK/out')\" = '' ] && ! [ -s '$WORK/err' ]"
done
