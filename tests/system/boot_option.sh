#!/bin/bash
# timeout: 600
# `osprey run --boot`: whatever way the kernel comes up, streams and status are the program's.
. tests/system/lib.sh
LIMIT=300
export TMPDIR=$WORK/tmp # what is left behind there is this test's
mkdir -p "$TMPDIR"

# carries WAY OPTIONS...
carries() {
    local way=$1 status
    shift
    echo through | osprey --boot "$way" "$@" --env "LONG=$(seq -s, 1 300)" /bin/sh -c \
        'cat; echo "$#  && ; ${LONG##*,}"; echo error >&2; exit 23' x '&&' ';' '#' >"$WORK/out" 2>"$WORK/err"
    status=$?
    printf 'through\n3  && ; 300\n' >"$WORK/want"
    check "$way carries streams and status" sh -c \
        "[ $status = 23 ] && [ \"\$(cat '$WORK/err')\" = error ] && cmp -s '$WORK/out' '$WORK/want'"
    [ $status = 23 ] || sed 's/^/# /' "$WORK/out" "$WORK/err"
}
for way in pvh linux bios uefi pxe; do carries $way; done
carries linux --machine q35 --cpus 2
carries bios --compress lzma
carries pxe --compress lz4
osprey --boot bios --bootchart="$WORK/chart.svg" /bin/true >"$WORK/out" 2>"$WORK/err"
check 'the boot chart shows firmware, loader and kernel' sh -c \
    "grep -q ' firmware$' '$WORK/err' && grep -q ' loader$' '$WORK/err' &&
        grep -q ' unpack$' '$WORK/err' && grep -q ' hand-over$' '$WORK/err'"
# Steps below 1/200 of the whole share one row: which they are depends on the host.
check '--bootchart=FILE draws them' python3 -c '
import sys, xml.etree.ElementTree as tree
words = [e.text for e in tree.parse(sys.argv[1]).iter() if e.text]
assert {"firmware", "loader", "unpack", "kernel", "all others"} <= set(words), words' "$WORK/chart.svg"
check 'nothing is left behind' sh -c '! ls "${TMPDIR:-/tmp}"/osprey-boot.* >/dev/null 2>&1'

ends 'microvm has no BIOS disk' 125 'needs --machine pc or q35' "$OSPREY" run --machine microvm --boot bios /bin/true
ends 'OVMF and too little memory' 125 'OVMF needs' "$OSPREY" run --memory 64M --boot uefi /bin/true
ends 'not with Firecracker' 125 'boot does not go' "$OSPREY" run --vmm firecracker --boot bios /bin/true
ends 'nothing to unpack' 125 'compress goes with --boot' "$OSPREY" run --compress lzma /bin/true
ends 'a kernel packed already' 125 'exclude each other' "$OSPREY" run --boot linux --compress lzma --kernel x /bin/true
ends 'a way that is none' 125 'one of bios' "$OSPREY" run --boot floppy /bin/true
