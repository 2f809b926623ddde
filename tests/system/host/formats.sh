#!/bin/sh
# timeout: 300
# `osprey build --format` and `osprey cmdline`: the line of every format is read and replaced; what is cut off, foreign
# or cannot be written is told in one line, the old file stays as it was, and nothing is left behind.
. "$(dirname "$0")/lib.sh"
unset OSPREY_KERNEL
cd "$work" || exit 1
mkdir files && cd files || exit 1
for tool in qemu-img xorriso mkfs.erofs; do
    command -v $tool >/dev/null || { echo "skip - formats # no $tool" && exit 0; }
done
formats='image raw qcow2 vmdk vdi vhdx iso elf netboot firecracker'
awkward='x=y env=A="a b" -- /bin/echo "tab\there" "\x24HOME; #&& \"q\" \\" "ä€" ""'

for format in $formats; do
    "$osprey" build --format $format -o it.$format /bin/echo "this is $format" >out 2>&1
    same "build $format says nothing" 0 "$?$(cat out)"
    line=$("$osprey" cmdline it.$format)
    same "the line of $format" "-- /bin/echo \"this is $format\"" "-- ${line##*-- }"
    cp -r it.$format copy
    "$osprey" cmdline copy "$awkward"
    same "a new one for $format" "$awkward" "$("$osprey" cmdline copy)"
    "$osprey" cmdline copy "$line" && [ -f copy ] && [ $format != qcow2 ] && [ $format != vmdk ] &&
        [ $format != vdi ] && [ $format != vhdx ] && { cmp copy it.$format && ok "the old one again: $format" ||
        not_ok "the old one again: $format"; }
    rm -r copy
done
for format in raw iso netboot; do
    "$osprey" build --format $format --compress lzma -o small.$format /bin/echo "this is $format"
    same "the line of $format with the kernel packed by LZMA" "-- /bin/echo \"this is $format\"" \
        "-- $("$osprey" cmdline small.$format | sed 's/.*-- //')"
    rm -r small.$format
done
for format in image elf firecracker; do
    fails "no packed kernel in $format" 125 "no packed kernel in --format $format" \
        "$osprey" build --format $format --compress lz4 -o small /bin/true
done
fails "a compression that is none" 125 "'zip' is not one of lz4, lzma" \
    "$osprey" build --format raw --compress zip -o small /bin/true
fails "the empty one" 125 "'' is not one of lz4, lzma" "$osprey" build --format raw --compress= -o small /bin/true
fsck.erofs it.image >out 2>&1
"$osprey" cmdline it.image '-- /bin/true and some more words than there were before'
fsck.erofs it.image >out 2>&1 && ok "a root image with a new line is whole" ||
    not_ok "a root image with a new line is whole" "$(cat out)"
same "the script for iPXE keeps what was added" "kernel osprey.bin initrd=root.erofs -- /bin/a initrd root.erofs" \
    "$(sed -i 's/^boot$/# mine/' it.netboot/boot.ipxe && "$osprey" cmdline it.netboot '-- /bin/a' &&
        grep -q '# mine' it.netboot/boot.ipxe && sed -n 2,3p it.netboot/boot.ipxe | tr '\n' ' ' | sed 's/ $//')"
same "JSON's escapes" 'a"b\c/d é' "$(mkdir j && printf '{"boot-source": {"boot_args" : "a\\"b\\\\c\\/d é"}}' >j/config.json &&
    "$osprey" cmdline j)"

long=$(head -c 65024 /dev/zero | tr '\0' x)
middle=$(head -c 5000 /dev/zero | tr '\0' x)
rm -f out && ls >../before
for format in $formats; do
    fails "too long a line for $format" 125 "too long.* 65024 bytes, at most" "$osprey" cmdline it.$format "$long"
done
fails "too long a line for a root image" 125 "too long for this image: 5000 bytes, at most 4095" "$osprey" cmdline it.image "$middle"
fails "too long a line for Firecracker" 125 "too long for Firecracker" "$osprey" cmdline it.firecracker "$middle"
fails "two lines" 125 "one line" "$osprey" cmdline it.raw "a
b"
fails "no such file" 125 "nowhere: No such file" "$osprey" cmdline nowhere
fails "a file of something else" 125 "no command line of Osprey" "$osprey" cmdline /bin/true
fails "a folder of something else" 125 "no command line of Osprey" "$osprey" cmdline .
fails "an empty file" 125 "no command line of Osprey" "$osprey" cmdline /dev/null
same "usage, asked for" "$("$osprey" help cmdline)" "$("$osprey" cmdline --help)"
fails "usage" 125 "usage: osprey cmdline IMAGE" "$osprey" cmdline

# Cut off in the headers, in the line, behind it: an error in words or the whole line, never half of it.
whole() { [ "$1" = 0 ] && [ "$(cat out)" = "$2" ]; }
for format in $formats; do
    [ -f it.$format ] || continue
    line=$("$osprey" cmdline it.$format)
    bad=
    for size in 0 1 511 512 600 4096 40000 70000 1000000; do
        head -c $size it.$format >cut
        "$osprey" cmdline cut >out 2>err
        status=$?
        whole $status "$line" || { [ $status = 125 ] && [ "$(wc -l <err)" = 1 ] && grep -q '^osprey: ' err; } ||
            bad="$bad $size: $status $(cat err)"
        cp cut kept
        "$osprey" cmdline cut "a b c" 2>err || cmp -s cut kept || bad="$bad $size: changed"
    done
    same "$format, cut off" "" "$bad"
    rm -f cut kept
done
rm -f out err
ls | diff ../before - >../left && ok "nothing is left behind" || not_ok "nothing is left behind" "$(cat ../left)"

# What cannot be written.
for format in $formats; do
    fails "$format into a folder that is not there" 125 "nowhere/x" "$osprey" build --format $format -o nowhere/x /bin/true
done
mkdir folder
for format in image raw qcow2 iso elf; do
    fails "$format over a folder" 125 "folder" "$osprey" build --format $format -o folder /bin/true
done
echo plain >plain
for format in netboot firecracker; do
    fails "$format over a file" 125 "plain" "$osprey" build --format $format -o plain /bin/true
done
same "which stays" plain "$(cat plain)"
if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=4m none small 2>/dev/null; then
    for format in image raw qcow2 vmdk vdi vhdx iso elf netboot firecracker; do
        fails "$format on a full disk" 125 "No space|space left|Failed to write" "$osprey" build --format $format -o small/it /bin/bash
        same "and nothing of it stays" "" "$(ls small | grep -v '^it$')$([ -f small/it ] && echo it)"
        rm -rf small/*
    done
    "$osprey" build --format qcow2 -o small/it.qcow2 /bin/true 2>/dev/null
    umount small
else
    echo "skip - full disks # no mount here"
fi
finish
