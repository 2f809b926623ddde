#!/bin/bash
# timeout: 900
# soak-timeout: 7200
# Random calls (tests/fuzz/): no panic, no hang, no memory lost, nothing written where no call was told to. A
# minute on 1, 2 and 4 processors and under the sanitizer, the same calls each time; an hour of others in the soak.
# SEED=N repeats a run's calls.
. tests/system/lib.sh

[ -z "$(find tests/fuzz -newer "$PROGRAMS/fuzz" -print -quit 2>&1)" ] || rm -f "$PROGRAMS/fuzz"
build fuzz sh -c 'cd tests/fuzz && gcc -O2 -g -static -pthread -Wall -Wno-unused-result -o $OUT \
    main.c worker.c args.c rings.c traced.c calls.c'
[ "$SOAK" = 1 ] && seconds=1000 || seconds=18

# fuzz NAME CPUS [OPTIONS]...: a failure shows the seed and the last calls.
fuzz() {
    local name=$1 cpus=$2 seed=${SEED:-$((SOAK ? RANDOM : 10 + $2))} status
    shift 2
    rm -f "$WORK/port"
    timeout $((seconds * 4 + 200)) "$OSPREY" run --timeout $((seconds * 3 + 150)) --cpus "$cpus" --memory 256M \
        --qemu-arg -debugcon --qemu-arg "file:$WORK/port" "$PROGRAMS/fuzz" --seed "$seed" \
        --seconds $seconds --port 0xe9 "$@" >"$WORK/said" 2>&1 </dev/null
    status=$?
    grep -a 'calls, ' "$WORK/said" | sed "s/^/# seed $seed: /"
    if [ $status -eq 0 ] && grep -q '^fuzz: passed' "$WORK/said"; then
        ok "$name"
    else
        [ $status -eq 1 ] || "$PROGRAMS/fuzz" --decode "$WORK/port" 3 >>"$WORK/said"
        echo "# status $status, SEED=$seed"
        grep -a '^fuzz: FAILED' "$WORK/said" | sed 's/^/# /'
        grep -v 'is missing: ENOSYS' "$WORK/said" | cut -c1-250 | tail -n 200 | sed 's/^/# /'
        echo "not ok - $name"
    fi
}

fuzz '1 processor' 1
fuzz '2 processors' 2
fuzz '4 processors' 4
[ "$SOAK" = 1 ] && fuzz 'tracers, 2 processors' 2 --only 500
if flock "$BUILD/kasan.lock" make -s -j2 KASAN=1 BUILD="$BUILD/kasan" kernel >"$WORK/build" 2>&1; then
    OSPREY_KERNEL=$BUILD/kasan/osprey.elf fuzz 'the sanitizer, 2 processors' 2
else
    not_ok 'the sanitizer'"'"'s kernel is built' "$WORK/build"
fi
