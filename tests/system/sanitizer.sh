#!/bin/bash
# timeout: 900
# The kernel of make KASAN=1: each kind of broken access is found and named, and a sound one is not.
# (make KASAN=1 test-guest runs all guest tests under it.)
. tests/system/lib.sh

if ! flock "$BUILD/kasan.lock" make -s -j2 KASAN=1 BUILD="$BUILD/kasan" kernel >"$WORK/build" 2>&1; then
    not_ok 'the sanitizer'"'"'s kernel is built' "$WORK/build"
    exit 0
fi
ok 'the sanitizer'"'"'s kernel is built'
plain=$BUILD/osprey.elf
sanitized=$BUILD/kasan/osprey.elf

# finds ORDER PATTERN...: crash=ORDER panics, and each pattern is on the console.
finds() {
    local order=$1 pattern status
    shift
    OSPREY_KERNEL=$sanitized timeout 240 "$OSPREY" run --timeout 200 --cpus 2 \
        --kernel-arg "crash=$order" /bin/true >"$WORK/out" 2>"$WORK/said" </dev/null
    status=$?
    for pattern; do
        if [ $status -ne 121 ] || ! grep -qE "$pattern" "$WORK/said"; then
            echo "# status $status; looked for: $pattern"
            not_ok "crash=$order is found" "$WORK/said"
            return
        fi
    done
    ok "crash=$order is found"
}

finds kasan-heap '^osprey: sanitizer: write of 1 bytes at ffff8.* in sanitize_broken_heap\+0x.*: outside an object of the heap' \
    '0 bytes behind an object of 13 bytes' '^osprey: allocated by:' ' sanitize_broken_heap\+0x' '^osprey: panic: sanitizer:'
finds kasan-free 'sanitizer: read of 1 bytes at .* in sanitize_broken_free\+.*: a freed object of the heap' \
    '40 bytes into an object of 100 bytes' '^osprey: allocated by:' '^osprey: freed by:'
finds kasan-twice 'sanitizer: write .* in kfree\+.*: a freed object of the heap' '^osprey: freed by:'
finds kasan-frame 'sanitizer: read .* in sanitize_broken_frame\+.*: a free frame'
finds kasan-stack 'sanitizer: read .* in sanitize_broken_stack\+.*: behind the variables on the stack'
finds kasan-global 'sanitizer: read of 4 bytes .* in sanitize_broken_global\+.*: behind a global variable'
finds kasan-user 'sanitizer: read of 4 bytes at 0000000000400000 .*: program memory outside mm/uaccess'
finds null 'panic: undefined: kernel/crash\.c:[0-9]+:[0-9]+: null pointer 0x0' ' crash_null\+0x'
finds ubsan 'panic: undefined: kernel/sanitize/broken\.c:[0-9]+:[0-9]+: .* shifted by 33'
finds kasan-heap@irq 'in an interrupt'
finds kasan-free@ap 'panic: sanitizer: .*\(cpu 1, crash\)'

OSPREY_KERNEL=$sanitized osprey --cpus 2 sh -c 'seq 1000 | sort -n | tail -n 1' >"$WORK/out" 2>"$WORK/said"
check 'a sound program runs' [ "$(cat "$WORK/out" "$WORK/said")" = 1000 ]
check 'a kernel without it holds nothing of it' sh -c "[ -f $plain ] && ! nm $plain | grep -qE 'asan|ubsan|sanitize'"
