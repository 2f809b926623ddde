#!/bin/bash
# timeout: 600
# Firecracker's machine without Firecracker: its configuration is read by a stand-in (programs/firecracker.py) that
# recreates the hand-over under QEMU's microvm: a loader of our own leaves processor, tables, boot_params, MP table
# and command line as Firecracker does, devices are on the command line, there is no ACPI and no PCI.
. tests/system/lib.sh
LIMIT=300

strip -o "$WORK/osprey.stripped" "$BUILD/osprey.elf"
# loader NAME FLAGS...
loader() {
    local name=$1
    shift
    gcc -m32 -O2 -std=gnu17 -ffreestanding -fno-pic -fno-pie -fno-stack-protector -mno-sse -nostdlib -static \
        -DFIRECRACKER "$@" -DKERNEL_FILE="\"$WORK/osprey.stripped\"" -Wl,--build-id=none \
        -Wl,--no-warn-rwx-segments -T tests/system/programs/linux64.ld -o "$WORK/$name.elf32" \
        tests/system/programs/linux64.c && objcopy -I elf32-i386 -O elf64-x86-64 "$WORK/$name.elf32" "$WORK/$name.elf"
}
if ! loader loader || ! loader acpi -DFIRECRACKER_ACPI; then
    not_ok "the loader builds"
    exit
fi
mkdir "$WORK/bin"
cp tests/system/programs/firecracker.py "$WORK/bin/firecracker"
chmod +x "$WORK/bin/firecracker"
export FIRECRACKER_LOADER=$WORK/loader.elf
PATH=$WORK/bin:$PATH
export PATH

prefix=()
# run NAME STATUS OUTPUT ARGS...
run() {
    local name=$1 status=$2 text=$3 got
    shift 3
    "${prefix[@]}" env -i PATH="$PATH" HOME="$HOME" FIRECRACKER_LOADER="$FIRECRACKER_LOADER" \
        FIRECRACKER_DSDT="${FIRECRACKER_DSDT:-}" timeout $LIMIT \
        "$OSPREY" run --vmm firecracker "$@" >"$WORK/out" 2>"$WORK/err" </dev/null
    got=$?
    if [ $got -eq "$status" ] && [ "$(cat "$WORK/out")" = "$text" ]; then
        ok "$name"
    else
        echo "# status $got, not $status"
        not_ok "$name" "$WORK/out" "$WORK/err"
    fi
}
run "hello" 0 hello /bin/echo hello
run "the program's status" 3 "" /bin/sh -c 'exit 3'
run "killed by a signal" 137 "" /bin/sh -c 'kill -9 $$'
for n in 1 2 4; do
    run "$n processors by the MP table" 0 "$n" --cpus $n /usr/bin/nproc
done
run "a machine of 64 MiB" 0 ok --memory 64M /bin/echo ok

# Network and disk, with the MP table, with ACPI as well (then every device is announced twice), with ACPI's word alone.
NS=osprey-fc-$$
head -c 1M /dev/urandom >"$WORK/disk"
sum=$(sha256sum <"$WORK/disk" | cut -c1-16)
mkdir "$WORK/www" && echo "by the wire" >"$WORK/www/file"
# shellcheck disable=SC2317
clean_up() {
    [ -z "$server" ] || kill "$server" 2>/dev/null
    ip netns del "$NS" 2>/dev/null
    rm -rf "$WORK"
}
server=
if ip netns add "$NS" 2>"$WORK/err"; then
    trap clean_up EXIT
    ip netns exec "$NS" sh -c "ip link set lo up && ip tuntap add tap0 mode tap && ip addr add 10.9.7.1/24 dev tap0 &&
        ip link set tap0 up"
    ip netns exec "$NS" python3 -m http.server --bind 10.9.7.1 -d "$WORK/www" 8000 >"$WORK/http" 2>&1 &
    server=$!
    for ((i = 0; i < 600; i++)); do
        ip netns exec "$NS" bash -c 'exec 3<>/dev/tcp/10.9.7.1/8000' 2>/dev/null && break
        sleep 0.1
    done
    prefix=(ip netns exec "$NS")
    for how in loader acpi dsdt; do
        export FIRECRACKER_LOADER=$WORK/${how/dsdt/acpi}.elf FIRECRACKER_DSDT=${how#loader}
        [ $how = dsdt ] || FIRECRACKER_DSDT=
        run "network and disk ($how)" 0 "by the wire
$sum
2" --net tap=tap0 --ip 10.9.7.2/24 --disk "$WORK/disk,ro" --cpus 2 --package busybox-static /bin/sh -c \
            'busybox wget -q -O - http://10.9.7.1:8000/file; sha256sum </dev/vda | cut -c1-16; nproc'
    done
    prefix=()
    export FIRECRACKER_LOADER=$WORK/loader.elf FIRECRACKER_DSDT=
else
    skip "network and disk" "$(head -n 1 "$WORK/err")"
fi

env -i PATH="$PATH" HOME="$HOME" "$OSPREY" run --vmm firecracker --gdb /bin/true >"$WORK/out" 2>"$WORK/err"
check "--gdb is refused" [ $? -eq 125 ]
env -i PATH="$PATH" HOME="$HOME" "$OSPREY" build --format firecracker -o "$WORK/folder" /bin/echo built
(cd "$WORK/folder" && timeout $LIMIT firecracker --no-api --config-file config.json) >"$WORK/out" 2>&1 </dev/null
check "osprey build --format firecracker" grep -q "^built" "$WORK/out"
PATH=/usr/bin:/bin "$OSPREY" run --vmm firecracker /bin/true >"$WORK/out" 2>"$WORK/err"
check "without Firecracker a clear message" grep -q "firecracker is missing" "$WORK/err"
