#!/bin/bash
# timeout: 1200
# soak-timeout: 5400
# Random sequences of calls, their answers compared with Linux's line by line (tests/differ/): the same seeds each
# time, others in the soak. SEEDS=A-B and FAMILIES=NAME,... repeat a run; a difference is cut down to what it takes.
. tests/system/lib.sh

[ -z "$(find tests/differ -newer "$PROGRAMS/differ" -print -quit 2>&1)" ] || rm -f "$PROGRAMS/differ"
build differ sh -c 'cd tests/differ && gcc -std=gnu17 -O1 -g -static -Wall -Wextra -Wno-unused-result -Wno-nonnull \
    -Wno-stringop-overflow -Wno-stringop-overread -o $OUT *.c' || exit 0
steps=${STEPS:-1000}

# Versions of Linux answer some odd questions differently: these have been tried.
case $(uname -r) in
6.18.*) ;;
*) [ -n "${ANY_LINUX:-}" ] || { skip 'all of it' 'tried with Linux 6.18 only; ANY_LINUX=1 tries this one' && exit 0; } ;;
esac
# Linux as it is by itself: level 2 also guards files in sticky folders that a group may write to.
for guard in fifos regular; do
    if [ "$(cat /proc/sys/fs/protected_$guard 2>"$WORK/err" || echo 0)" -ge 2 ]; then
        skip 'all of it' "fs.protected_$guard is 2 here"
        exit 0
    fi
done

# compare FAMILY SEEDS: digests of the runs, here and in the machine.
compare() {
    local family=$1 seeds=$2 seed
    "$PROGRAMS/differ" --families "$family" --seeds "$seeds" --steps "$steps" >"$WORK/linux" 2>&1 </dev/null
    if grep -q "^$family skip" "$WORK/linux"; then
        skip "$family" "$(sed -n "s/^$family skip //p;q" "$WORK/linux")"
        return
    fi
    osprey "$PROGRAMS/differ" --families "$family" --seeds "$seeds" --steps "$steps" \
        >"$WORK/osprey" 2>"$WORK/err" </dev/null
    if cmp -s "$WORK/linux" "$WORK/osprey"; then
        ok "$family, seeds $seeds, $steps calls each"
        return
    fi
    seed=$(diff "$WORK/linux" "$WORK/osprey" | sed -n 's/^< [^ ]* \([0-9]*\) .*/\1/p' | head -n 1)
    OSPREY=$OSPREY timeout 600 tests/differ/minimize.py "$PROGRAMS/differ" "$family" "${seed:-1}" "$steps" \
        >"$WORK/shortest" 2>&1
    echo "# seed ${seed:-?}; runs that differ: $(diff "$WORK/linux" "$WORK/osprey" | grep -c '^<')"
    not_ok "$family, seeds $seeds, $steps calls each" "$WORK/err" "$WORK/shortest"
}

for family in $(IFS=,; echo ${FAMILIES:-$("$PROGRAMS/differ" --list)}); do
    if [ -n "${SEEDS:-}" ]; then
        compare "$family" "$SEEDS"
    elif [ "$SOAK" = 0 ]; then
        compare "$family" 1-5
    elif [[ $family = @(memory|mounts) ]]; then
        compare "$family" 1-20 # of others, one in thirty still differs (docs/CAVEATS.md)
    elif [ "$family" = inet ]; then
        compare "$family" 1-5 # a half
    else
        for _ in 1 2 3 4 5 6; do
            first=$((RANDOM * 100 + 1000))
            compare "$family" $first-$((first + 99))
        done
    fi
done
