#!/bin/bash
# timeout: 900
# Machines, numbers of processors, sizes of memory.
. tests/system/lib.sh
LIMIT=300
cat >"$WORK/count.py" <<'END'
import os, threading
def burn(): sum(range(10000))
ts = [threading.Thread(target=burn) for _ in range(8)]
[t.start() for t in ts]; [t.join() for t in ts]
print(os.cpu_count(), len(os.sched_getaffinity(0)))
END

# prints WANT NAME ARGS...: the run prints WANT, nothing on standard error, status 0.
prints() {
    local want=$1 name=$2 text status
    shift 2
    text=$(osprey "$@" 2>"$WORK/err" </dev/null)
    status=$?
    if [ "$text" = "$want" ] && [ $status -eq 0 ] && ! [ -s "$WORK/err" ]; then
        ok "$name"
    else
        echo "# status $status, output \"$text\""
        not_ok "$name" "$WORK/err"
    fi
}

for machine in microvm q35 pc; do
    prints hello "$machine" --machine $machine /bin/echo hello
    prints hello "$machine, 4 processors" --machine $machine --cpus 4 /bin/echo hello
    check "$machine passes input and output" \
        [ "$(echo through | osprey --machine $machine /bin/cat)" = through ]
    osprey --machine $machine /bin/busybox ash -c 'exit 23'
    check "$machine hands on the status" [ $? -eq 23 ]
done
for acpi in on off; do
    prints hello "microvm, acpi=$acpi" --qemu-arg -machine --qemu-arg acpi=$acpi /bin/echo hello
    prints '3 3' "microvm, acpi=$acpi, 3 processors" --cpus 3 --qemu-arg -machine \
        --qemu-arg acpi=$acpi /usr/bin/python3 "$WORK/count.py"
done
prints hello 'q35 without ACPI tables' --machine q35 --qemu-arg -machine --qemu-arg acpi=off /bin/echo hello
prints hello 'kernel argument acpi=off' --machine q35 --kernel-arg acpi=off /bin/echo hello
for cpu in max qemu64 Nehalem max,-xsave max,-fsgsbase,-erms,-fsrm,-smap,-smep max,-pdpe1gb \
    max,-rdrand,-rdseed max,-tsc-deadline; do
    prints hello "processor $cpu" --qemu-arg -cpu --qemu-arg "$cpu" /bin/echo hello
done
for cpus in 1 2 3 8 16 64; do
    prints "$cpus $cpus" "$cpus processors" --cpus $cpus --memory 512M /usr/bin/python3 "$WORK/count.py"
done
for memory in 16M 32M 128M 1G 3G 4G 5G 64G; do
    prints hello "memory $memory" --memory $memory /bin/echo hello
done
prints '1 1' 'nr_cpus=1 of 4' --cpus 4 --kernel-arg nr_cpus=1 /usr/bin/python3 "$WORK/count.py"
prints hello 'nopatch' --kernel-arg nopatch /bin/echo hello
prints hello 'norandmaps' --kernel-arg norandmaps /bin/echo hello

# The second boot protocol: a small loader that QEMU starts by PVH hands the kernel over by it.
strip -o "$WORK/osprey.stripped" "$BUILD/osprey.elf"
if gcc -m32 -O2 -std=gnu17 -ffreestanding -fno-pic -fno-pie -fno-stack-protector -mno-sse -nostdlib -static \
    -DKERNEL_FILE="\"$WORK/osprey.stripped\"" -Wl,--build-id=none -Wl,--no-warn-rwx-segments \
    -T tests/system/programs/linux64.ld -o "$WORK/linux64.elf32" tests/system/programs/linux64.c &&
    objcopy -I elf32-i386 -O elf64-x86-64 "$WORK/linux64.elf32" "$WORK/linux64.elf"; then
    export OSPREY_KERNEL=$WORK/linux64.elf
    for machine in microvm q35; do
        prints hello "Linux 64-bit boot protocol on $machine" --machine $machine /bin/echo hello
    done
    prints '3 3' 'Linux 64-bit boot protocol, 3 processors' --cpus 3 /usr/bin/python3 "$WORK/count.py"
    unset OSPREY_KERNEL
else
    not_ok 'the loader for the Linux 64-bit boot protocol builds'
fi

osprey --bootchart /bin/echo hello >"$WORK/out" 2>"$WORK/err"
check '--bootchart writes a chart beside the output' \
    sh -c "[ \"\$(cat '$WORK/out')\" = hello ] && [ \$(wc -l <'$WORK/err') -gt 3 ]"
osprey --strace /bin/echo hello >"$WORK/out" 2>"$WORK/err"
check '--strace shows the calls beside the output' \
    sh -c "[ \"\$(cat '$WORK/out')\" = hello ] && grep -q 'write(1' '$WORK/err' && grep -q 'exit_group(0' '$WORK/err'"
osprey --strace /usr/bin/env /nonexistent >"$WORK/out" 2>"$WORK/err"
check '--strace shows why a program does not start' \
    grep -q 'execve("/nonexistent", .*) = -1 errno 2' "$WORK/err"
osprey --dry-run /bin/echo hello >"$WORK/out"
check '--dry-run prints the command' grep -q qemu-system-x86_64 "$WORK/out"

"$OSPREY" build -o "$WORK/image" /bin/echo built >"$WORK/err" 2>&1
check 'osprey build writes an image' [ -s "$WORK/image" ]
prints built 'an image runs as it was built' --image "$WORK/image"
prints other 'an image runs with another command' --image "$WORK/image" /bin/echo other
"$OSPREY" build --add /bin/echo -o "$WORK/image" ls / >"$WORK/err" 2>&1
prints other "another program than the image's own" --image "$WORK/image" echo other
check 'osprey version' sh -c "$OSPREY version | grep -qi osprey"
check 'osprey help run' sh -c "$OSPREY help run | grep -q -e --memory"
