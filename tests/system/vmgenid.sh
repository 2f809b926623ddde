#!/bin/bash
# timeout: 300
# The machine's generation (VMGenID): two machines that go on from one snapshot draw different random
# bytes, from the first on.
. tests/system/lib.sh
LIMIT=300
build draws sh -c 'gcc -O2 -static -Wall -o $OUT tests/system/programs/draws.c' || exit 0
"$OSPREY" build --format elf -o "$WORK/image" "$PROGRAMS/draws" 2>"$WORK/err" || { not_ok 'the image is built' "$WORK/err"; exit 0; }

# vm OUTPUT GUID COMMANDS [OPTION]...: a machine, until the monitor has been given the commands.
vm() {
    "$3" "$1" | timeout -s KILL "$LIMIT" qemu-system-x86_64 -M q35 -accel tcg -cpu max -m 64 -nodefaults -display none \
        -no-reboot -kernel "$WORK/image" -serial "file:$1" -device "vmgenid,guid=$2" -monitor stdio "${@:4}" >"$1.monitor" 2>&1
}
# Wait for some draws, or for the machine's end, when writing fails.
draws() {
    until [ "$(grep -ac '^draw' "$1")" -ge 5 ]; do
        sleep 0.2
        echo || return
    done
}
save() { draws "$1" && printf 'migrate "exec:cat >%s"\nquit\n' "$WORK/state"; }
go_on() { draws "$1" && echo quit; }

vm "$WORK/first" 11111111-1111-4111-8111-111111111111 save 2>/dev/null
check 'a machine is saved' [ -s "$WORK/state" ]
for n in 2 3; do
    vm "$WORK/copy$n" $n$n$n$n$n$n$n$n-1111-4111-8111-111111111111 go_on -incoming "exec:cat $WORK/state" 2>/dev/null
    check "copy $n goes on" [ "$(grep -ac '^draw' "$WORK/copy$n")" -ge 5 ]
    # A line may be cut off where the machine was saved.
    grep -a '^draw' "$WORK/copy$n" | tail -n +2 | head -n 4 >"$WORK/draws$n"
done
check 'they draw different bytes' [ "$(sort -u "$WORK"/draws[23] | wc -l)" -eq 8 ]
