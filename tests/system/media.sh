#!/bin/bash
# timeout: 1500
# What `osprey build --format` writes boots without the command: by BIOS, UEFI, Multiboot, as a Linux kernel and
# as an ELF file; and says what is wrong when it cannot.
. tests/system/lib.sh
LIMIT=240
OVMF=/usr/share/OVMF

# machine LOG ARGS...: QEMU until it ends by itself or the limit is over, in place of this (sub)shell.
machine() {
    local log=$1
    shift
    exec timeout $LIMIT qemu-system-x86_64 -accel tcg,thread=multi -display none -no-reboot -nodefaults \
        -serial "file:$log" -m 128 "$@" </dev/null >"$log.err" 2>&1
}

# boots NAME TEXT ARGS...: the program prints the text, and the machine goes off.
boots() {
    local name=$1 text=$2 status
    shift 2
    : >"$WORK/log"
    (machine "$WORK/log" "$@")
    status=$?
    if [ $status -eq 0 ] && tr -d '\r' <"$WORK/log" | grep -aqF "$text"; then
        ok "$name"
    else
        echo "# status $status"
        not_ok "$name" "$WORK/log" "$WORK/log.err"
    fi
}

# stops NAME TEXT ARGS...: the machine says it once, and stands.
stops() {
    local name=$1 text=$2 pid i
    shift 2
    : >"$WORK/log"
    machine "$WORK/log" -pidfile "$WORK/pid" "$@" &
    pid=$!
    for ((i = 0; i < LIMIT * 4; i++)); do
        grep -aqF "$text" "$WORK/log" && break
        kill -0 $pid 2>/dev/null || break
        sleep 0.25
    done
    sleep 1
    if [ "$(grep -acF "$text" "$WORK/log")" = 1 ] && kill -0 $pid 2>/dev/null; then
        ok "$name"
    else
        not_ok "$name" "$WORK/log" "$WORK/log.err"
    fi
    kill "$(<"$WORK/pid")" 2>/dev/null # and so its parents end
    wait $pid 2>/dev/null
}

build_as() {
    "$OSPREY" build --format "$1" -o "$WORK/it.$1" /bin/echo "this is $1" || not_ok "$1 is built"
}

"$OSPREY" build -o "$WORK/root" /bin/echo "as a Linux kernel"
for machine in pc q35; do
    boots "osprey.bin as a Linux kernel on $machine" "as a Linux kernel" -M $machine \
        -kernel "$BUILD/osprey.bin" -initrd "$WORK/root"
done
boots "osprey-lzma.bin as a Linux kernel" "as a Linux kernel" -M pc -kernel "$BUILD/osprey-lzma.bin" \
    -initrd "$WORK/root"
boots "a command line of the loader's" "other words" -M pc -kernel "$BUILD/osprey.bin" \
    -initrd "$WORK/root" -append "-- /bin/echo other words"

for format in raw qcow2 vmdk vdi vhdx iso elf netboot; do build_as $format; done
boots "a raw disk by BIOS on IDE" "this is raw" -M pc -drive "file=$WORK/it.raw,format=raw,if=ide"
boots "a raw disk by BIOS on virtio-blk" "this is raw" -M q35 \
    -drive "file=$WORK/it.raw,format=raw,if=virtio"
"$OSPREY" build --format raw --compress lzma -o "$WORK/lzma.raw" /bin/echo "this is lzma"
boots "a raw disk with LZMA by BIOS, in 16 MiB" "this is lzma" -M pc -m 16 \
    -drive "file=$WORK/lzma.raw,format=raw,if=ide"
"$OSPREY" build --format qcow2 --compress lzma -o "$WORK/it.qcow2" /bin/echo "this is qcow2"
for format in qcow2 vmdk vdi vhdx; do
    boots "$format by BIOS" "this is $format" -M pc \
        -drive "file=$WORK/it.$format,format=$format,if=ide,snapshot=on"
done
boots "a CD by BIOS" "this is iso" -M pc -cdrom "$WORK/it.iso" -boot d
boots "an ELF of kernel and root on microvm" "this is elf" -M microvm -kernel "$WORK/it.elf"
boots "the same on q35" "this is elf" -M q35 -kernel "$WORK/it.elf"

# uefi NAME TEXT ARGS...
uefi() {
    local name=$1 text=$2
    shift 2
    cp $OVMF/OVMF_VARS_4M.fd "$WORK/vars.fd"
    boots "$name" "$text" -M q35 -m 256 \
        -drive "if=pflash,format=raw,readonly=on,file=$OVMF/OVMF_CODE_4M.fd" \
        -drive "if=pflash,format=raw,file=$WORK/vars.fd" "$@"
}
uefi "the same raw disk by UEFI" "this is raw" -drive "file=$WORK/it.raw,format=raw,if=virtio"
uefi "a raw disk with LZMA by UEFI" "this is lzma" -drive "file=$WORK/lzma.raw,format=raw,if=virtio"
uefi "the same CD by UEFI" "this is iso" -cdrom "$WORK/it.iso"
uefi "osprey.bin as a Linux kernel under UEFI" "as a Linux kernel" -kernel "$BUILD/osprey.bin" \
    -initrd "$WORK/root"

# GRUB, by all three of its commands.
grub() {
    local name=$1 folder=$WORK/grub kernel=$BUILD/${2:-osprey.bin}
    rm -rf "$folder"
    mkdir -p "$folder/boot/grub"
    cp "$WORK/root" "$folder/boot"
    cp "$kernel" "$folder/boot/osprey.bin"
    printf 'set timeout=0\nmenuentry osprey {\n%s\n%s\n}\n' "$name /boot/osprey.bin" \
        "${commands[$name]} /boot/root" >"$folder/boot/grub/grub.cfg"
    grub-mkrescue -d /usr/lib/grub/i386-pc -o "$WORK/grub.iso" "$folder" >"$WORK/grub.log" 2>&1 ||
        not_ok "grub-mkrescue" "$WORK/grub.log"
    boots "GRUB: $name, $(basename "$kernel")" "as a Linux kernel" -M pc -vga std -cdrom "$WORK/grub.iso"
}
declare -A commands=([multiboot]=module [multiboot2]=module2 [linux]=initrd)
grub multiboot
grub multiboot osprey-lzma.bin
grub multiboot2
grub linux
grub linux osprey-lzma.bin

# The command line inside.
for format in raw qcow2 elf iso; do
    check "osprey cmdline reads that of $format" \
        sh -c "'$OSPREY' cmdline '$WORK/it.$format' | grep -q -- 'this is $format'"
    check "and replaces it" "$OSPREY" cmdline "$WORK/it.$format" "-- /bin/echo changed $format"
done
boots "the new line counts on a disk" "changed raw" -M pc -drive "file=$WORK/it.raw,format=raw,if=ide"
boots "the new line counts on a CD" "changed iso" -M pc -cdrom "$WORK/it.iso" -boot d
boots "the new line counts in an ELF" "changed elf" -M microvm -kernel "$WORK/it.elf"
"$OSPREY" cmdline /bin/true >"$WORK/out" 2>&1
check "a file without a command line is refused" [ $? -eq 125 ]

# Damage.
kernel_at=$(($(od -An -tu4 -j $((0x194)) -N 4 "$WORK/it.raw") * 512))
for image in it lzma; do
    cp "$WORK/$image.raw" "$WORK/bad.raw"
    printf '\xff' | dd of="$WORK/bad.raw" bs=1 seek=$((kernel_at + 100000)) conv=notrunc status=none
    stops "a damaged kernel is refused: $image.raw" "osprey: the kernel is damaged (its checksum" -M pc \
        -drive "file=$WORK/bad.raw,format=raw,if=ide"
done
# Half of it, which its checksum says nothing of, as it is made anew: what unpacks it does.
halve() {
    python3 - "$BUILD/$1" "$WORK/bad.bin" <<'END'
import struct, sys
data = bytearray(open(sys.argv[1], 'rb').read())
about = 4096 + 0x280
magic, offset, size = struct.unpack_from('<III', data, about)
assert magic == 0x4b50534f
start, size = 4096 + offset, size // 2
crc = 0xffffffff
for byte in data[start:start + size]:
    crc ^= byte
    for _ in range(8):
        crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
struct.pack_into('<I', data, about + 8, size)
struct.pack_into('<I', data, about + 24, crc)
open(sys.argv[2], 'wb').write(data)
END
}
for kernel in osprey.bin osprey-lzma.bin; do
    halve $kernel
    stops "a kernel that cannot be unpacked: $kernel" "osprey: the kernel is damaged (it cannot be unpacked)" \
        -M pc -kernel "$WORK/bad.bin" -initrd "$WORK/root"
done
for image in it lzma; do
    head -c $((kernel_at + 65536)) "$WORK/$image.raw" >"$WORK/short.raw"
    stops "a truncated disk is refused: $image.raw" "osprey: the disk cannot be read" -M pc \
        -drive "file=$WORK/short.raw,format=raw,if=ide"
done
cp "$WORK/it.raw" "$WORK/empty.raw"
dd if=/dev/zero of="$WORK/empty.raw" bs=512 seek=$((kernel_at / 512)) count=16 conv=notrunc status=none
stops "a disk without a kernel is refused" "osprey: no kernel on this disk" -M pc \
    -drive "file=$WORK/empty.raw,format=raw,if=ide"
stops "too little memory for the root is said" "osprey: too little memory" -M pc -m 8 \
    -drive "file=$WORK/it.raw,format=raw,if=ide"
exit 0
