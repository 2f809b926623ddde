#!/bin/bash
# timeout: 300
# A panic says what happened, of kernel and program, and ends the machine with 121.
. tests/system/lib.sh

build depth sh -c 'gcc -O0 -static -o $OUT tests/system/programs/depth.c'
build depth-dynamic sh -c 'gcc -O0 -o $OUT tests/system/programs/depth.c'
build depth-plain sh -c 'gcc -O1 -fno-optimize-sibling-calls -fomit-frame-pointer -o $OUT tests/system/programs/depth.c'

# crash ORDER PROGRAM ARGS...: run with crash=ORDER on 2 processors; the console is in $WORK/said.
crash() {
    local order=$1
    shift
    timeout 240 "$OSPREY" run --timeout 200 --cpus 2 --kernel-arg "crash=$order" "$@" \
        >"$WORK/out" 2>"$WORK/said" </dev/null
    status=$?
}

# says NAME PATTERN...: status 121, and each pattern is on the console.
says() {
    local name=$1 pattern
    shift
    for pattern; do
        if [ $status -ne 121 ] || ! grep -qE "$pattern" "$WORK/said"; then
            echo "# status $status; looked for: $pattern"
            not_ok "$name" "$WORK/said"
            return
        fi
    done
    ok "$name"
}

crash assert /bin/true
says 'an assertion: message, source, backtrace with names' '^osprey: panic: .*crash\.c: assertion failed' \
    ' crash_assert\+0x' ' kernel_main\+0x'
crash null /bin/true
says 'a null pointer in the kernel: address and registers' 'panic: page fault at 0x0,.* in the kernel' \
    '^osprey: rip ffffffff8.* cr2 0000000000000000' '^osprey: rax [0-9a-f]{16} rbx' ' crash_null\+0x'
crash smash /bin/true
says 'an overrun on a kernel stack is found' 'a kernel stack frame was overwritten' ' crash_smash\+0x'
crash doublefault /bin/true
says 'a double fault' 'panic: double fault' ' crash_doublefault\+0x'
crash stack /bin/true
says 'the boot stack has a guard page' 'panic: kernel stack overflow' ' deeper'
crash stack@getppid "$PROGRAMS/depth"
says 'a thread'"'"'s kernel stack has a guard page' 'panic: kernel stack overflow.*depth\)' \
    'in system call getppid' '\(main\+0x'
crash null@irq "$PROGRAMS/depth" 1000000000
says 'in an interrupt' 'panic: .*in an interrupt\)' ' irq_dispatch\+0x'
crash null@ap /bin/sleep 5
says 'on the other processor' 'panic: .*\(cpu 1, crash\)' ' crash_null\+0x'
crash jump@getppid "$PROGRAMS/depth"
says 'a call of a null pointer in the kernel is not taken for the program'"'"'s' \
    'panic: page fault at 0x0.*outside'

crash null@getppid "$PROGRAMS/depth" 2
says 'what the program was doing: call, mapping, stack with names' \
    "^osprey: program: $PROGRAMS/depth, process 1, thread 1 \"depth\", in system call getppid" \
    "rip  .*r-xp $PROGRAMS/depth\+0x" 'rsp  .*rw-p \[stack\]\+0x' '\(bottom\+0x' '\(descend\+0x' '\(main\+0x'
check 'as many calls as there are' [ "$(grep -c '(descend+' "$WORK/said")" -eq 3 ]
crash null@getppid "$PROGRAMS/depth-dynamic" 2
says 'names from a shared library' 'libc\.so\.6\+0x[0-9a-f]+ \(getppid\+0x' '\(main\+0x'
crash null@getppid "$PROGRAMS/depth-plain" 2
says 'without frame pointers by return addresses on the stack' '\? .*\(descend\+0x' '\? .*\(main\+0x'

# The end of the machine.
timeout 200 "$OSPREY" run --timeout 20 --kernel-arg crash=assert --kernel-arg panic=halt /bin/true \
    >"$WORK/out" 2>"$WORK/said" </dev/null
status=$?
check 'panic=halt stays where it is' [ $status -eq 124 ]
timeout 200 "$OSPREY" run --timeout 150 --kernel-arg crash=assert --kernel-arg panic=reboot /bin/true \
    >"$WORK/out" 2>"$WORK/said" </dev/null
status=$?
check 'panic=reboot resets: no status, so 125' [ $status -eq 125 ]
check 'a panic starts with osprey: panic:' grep -q '^osprey: panic: ' "$WORK/said"

# Whoever does not come to an end is asked, by an NMI, what it does. (clock_nanosleep is call 230.)
timeout 200 "$OSPREY" run --timeout 20 --cpus 2 --kernel-arg crash=spin@uname \
    sh -c 'sleep 1000 & until grep -q "^230 " /proc/$!/syscall; do :; done; exec uname' >"$WORK/out" 2>"$WORK/said" </dev/null
status=$?
check 'time is up: 124' [ $status -eq 124 ]
for pattern in 'panic: asked from outside' '^osprey: cpu [01]: uname' ' crash_spin\+0x' \
    'program: /.*/uname, process 1, .* in system call uname' '^osprey: cpu [01]: idle' \
    '"sleep" in clock_nanosleep: sleep_'; do
    check "a machine that hangs tells where: $pattern" grep -qE "$pattern" "$WORK/said"
done

# The program's own end.
osprey "$PROGRAMS/depth" 2 divide >"$WORK/out" 2>"$WORK/said"
check 'a fault of the program: one line' [ "$(grep -c '^osprey:' "$WORK/said")" -eq 1 ]
osprey --kernel-arg report "$PROGRAMS/depth" 2 divide >"$WORK/out" 2>"$WORK/said"
status=$((${?} == 136 ? 121 : 0))
says 'with the word report: registers and backtrace' 'SIGFPE' '^osprey: rax' '\(bottom\+0x' '\(descend\+0x' \
    '\(main\+0x'

# What tests/guest/hardening.c cannot see from inside one boot.
build hardening sh -c 'gcc -O2 -pthread -o $OUT tests/guest/hardening.c'
osprey "$PROGRAMS/hardening" | grep canary >"$WORK/canary.1"
osprey "$PROGRAMS/hardening" | grep canary >"$WORK/canary.2"
check 'the canary differs from boot to boot' \
    sh -c "[ -s '$WORK/canary.1' ] && ! cmp -s '$WORK/canary.1' '$WORK/canary.2'"

# Who listens at a pvpanic hears of it, where no isa-debug-exit is: QEMU then ends with 1.
"$OSPREY" build -o "$WORK/image" /bin/true
for device in pvpanic pvpanic-pci none; do
    add=(-device $device)
    [ $device = none ] && add=()
    timeout 200 qemu-system-x86_64 -M q35 -accel tcg -m 128 -display none -nodefaults -no-reboot -serial "file:$WORK/said" \
        -action panic=exit-failure "${add[@]}" -kernel "$BUILD/osprey.elf" -initrd "$WORK/image" \
        -append 'crash=assert' </dev/null >"$WORK/out" 2>&1
    status=$?
    want=1
    [ $device = none ] && want=0
    check "panic and $device" sh -c "[ $status = $want ] && grep -q 'osprey: panic: ' '$WORK/said'"
done
