#!/bin/bash
# timeout: 900
# Screen and keyboard: what is on the screen is read back out of the machine, keys are pressed. The program has written
# all that it writes by itself when "red" is there, so that nothing comes between the keys' echoes.
. tests/system/lib.sh
QEMU=(-accel tcg,thread=multi -display none -no-reboot -nodefaults -m 256)
screen() { timeout -s KILL 500 python3 tests/system/programs/screen.py "$@" >"$WORK/out" 2>&1; } # it says what it did not see

cat >"$WORK/show.sh" <<'END'
printf '\033[2J\033[H'
stty size
printf '\033[3;5HAt three, five\033[5;1H\033[31mred\033[0m \342\224\214\342\224\200\342\224\220\n'
read -r line
echo "It was <$line>"
stty -icanon -echo min 1
for n in 1 2 3; do dd bs=8 count=1 2>/dev/null | od -An -c | tr -s ' '; done
echo "Now the end"
sleep 60
END
"$OSPREY" build --format raw --package coreutils --add "$WORK/show.sh" -o "$WORK/disk" /bin/sh "$WORK/show.sh" 2>"$WORK/out" ||
    not_ok "the image is built" "$WORK/out"
steps=("see:    At three, five" "see:red")
keys=("type:Hi, you [a]-(B) \"c\" |\$1
" 'see:It was <Hi, you [a]-(B) "c" |$1>' key:up 'see: 033 [ A' key:f12 'see: 033 [ 2 4 ~' key:ctrl-c)
DISK=(-drive "file=$WORK/disk,format=raw,if=none,id=d")
for machine in pc q35; do
    screen text "${steps[@]}" "see:┌─┐" "see:25 80" "${keys[@]}" end -- "${QEMU[@]}" -M $machine -vga std -serial none \
        "${DISK[@]}" -device ide-hd,drive=d
    check "$machine: VGA's text, keys, no serial port" [ $? -eq 0 ]
    [ -s "$WORK/out" ] && sed 's/^/# /' "$WORK/out"
done
screen text "${steps[@]}" "${keys[@]}" end -- "${QEMU[@]}" -M pc -vga std -serial "file:$WORK/serial" "${DISK[@]}" \
    -device ide-hd,drive=d
check "the screen beside a serial port" [ $? -eq 0 ]
[ -s "$WORK/out" ] && sed 's/^/# /' "$WORK/out"
check "and the serial port has it all, too" grep -aq 'It was <Hi, you' "$WORK/serial"
OVMF=/usr/share/OVMF
screen pixels "${steps[@]}" "${keys[@]}" end -- "${QEMU[@]}" -M q35 -vga std -serial none "${DISK[@]}" \
    -device ide-hd,drive=d,bootindex=0 -drive "if=pflash,format=raw,readonly=on,file=$OVMF/OVMF_CODE_4M.fd" \
    -drive "if=pflash,format=raw,snapshot=on,file=$OVMF/OVMF_VARS_4M.fd"
check "UEFI's framebuffer, keys, no serial port" [ $? -eq 0 ]
[ -s "$WORK/out" ] && sed 's/^/# /' "$WORK/out"

# GRUB's framebuffer (VESA's), by Multiboot 2 and as a Linux kernel, of 16 and 32 bits.
"$OSPREY" build --package coreutils --add "$WORK/show.sh" -o "$WORK/root" /bin/sh "$WORK/show.sh" 2>"$WORK/out" ||
    not_ok "the root is built" "$WORK/out"
# grub MODE COMMANDS...
grub() {
    mkdir -p "$WORK/grub/boot/grub"
    cp "$BUILD/osprey.bin" "$WORK/root" "$WORK/grub/boot"
    printf 'set timeout=0\ninsmod all_video\nset gfxpayload=%s\nmenuentry osprey {\n%s\n}\n' "$@" \
        >"$WORK/grub/boot/grub/grub.cfg"
    grub-mkrescue -d /usr/lib/grub/i386-pc -o "$WORK/grub.iso" "$WORK/grub" >"$WORK/out" 2>&1 ||
        not_ok "grub-mkrescue" "$WORK/out"
    screen pixels "${steps[@]}" "${keys[@]}" end -- "${QEMU[@]}" -M pc -vga std -serial "file:$WORK/serial" \
        -cdrom "$WORK/grub.iso"
    check "GRUB's framebuffer, ${2%% *}, $1" [ $? -eq 0 ]
    [ -s "$WORK/out" ] && sed 's/^/# /' "$WORK/out"
}
grub 800x600x16 $'linux /boot/osprey.bin\ninitrd /boot/root'
grub 1024x768x32 $'linux /boot/osprey.bin\ninitrd /boot/root'
check "the screen has the mode that GRUB was told" grep -aq '48 128' "$WORK/serial"
grub keep $'multiboot2 /boot/osprey.bin\nmodule2 /boot/root'
check "and nothing is complained of" sh -c "! grep -a 'not usable' '$WORK/serial'"
exit 0
