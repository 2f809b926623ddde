#!/bin/bash
# timeout: 600
# Time without anybody who tells the TSC's frequency: by PIT, HPET, ACPI's timer; and by the HPET alone. What the
# machine takes for a second is compared with the host's second, by a factor that only a wrong clock can have.
. tests/system/lib.sh
"$OSPREY" build -o "$WORK/image" /bin/sh -c 'echo begin; sleep 4; echo end'

# keeps NAME MACHINE WORDS OPTIONS...
keeps() {
    local name=$1 machine=$2 words=$3
    shift 3
    timeout 200 qemu-system-x86_64 -M "$machine" -accel tcg -m 128 -display none -nodefaults -no-reboot -serial stdio "$@" \
        -kernel "$BUILD/osprey.elf" -initrd "$WORK/image" -append "debug_exit=0xf4 $words" \
        -device isa-debug-exit,iobase=0xf4,iosize=4 </dev/null 2>"$WORK/err" |
        while read -r line; do echo "$(date +%s.%N) $line"; done >"$WORK/out"
    check "$name" awk '$2 ~ /^begin/ {b = $1} $2 ~ /^end/ {e = $1} END {exit !(b && e - b > 2 && e - b < 60)}' "$WORK/out"
}
keeps 'measured by the PIT' pc '' -cpu max,hypervisor=off
keeps 'measured by the HPET' q35,pit=off '' -cpu max,hypervisor=off
keeps "measured by ACPI's timer" pc,pit=off,hpet=off '' -cpu max,hypervisor=off
keeps 'measured by nothing but the APIC' q35,pit=off,hpet=off,acpi=off '' -cpu max
keeps 'the HPET is the clock' q35 tsc=unstable -cpu max -smp 2
