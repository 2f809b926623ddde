#!/bin/bash
# timeout: 600
# soak-timeout: 40000
# What arrives from the network and from disks, coverage-guided (tests/fuzz/*.c that name their sources): the corpus in
# the tree first, then what libFuzzer makes of it; ten seconds each, an hour each in the soak. No finding may be left.
. tests/system/lib.sh

command -v clang >/dev/null || { skip net_fuzz 'no clang' && exit 0; }
[ "$SOAK" = 1 ] && seconds=3600 || seconds=10

for source in $(grep -l '^// sources:' tests/fuzz/*.c); do
    name=$(basename "$source" .c)
    # shellcheck disable=SC2046
    if ! clang -std=gnu17 -g -O1 -w -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
        $(sed -n 's|^// flags: ||p' "$source") -o "$WORK/$name" "$source" \
        $(sed -n 's|^// sources: ||p' "$source") >"$WORK/said" 2>&1; then
        not_ok "$name builds" "$WORK/said"
        continue
    fi
    mkdir -p "$WORK/new"
    corpus=("$WORK/new")
    [ -d "tests/fuzz/corpus/$name" ] && corpus+=("tests/fuzz/corpus/$name")
    [ $name = net_tcp ] && most=600 || most=1200
    check "$name finds nothing" timeout $((seconds + 200)) "$WORK/$name" -max_total_time=$seconds -max_len=$most \
        -rss_limit_mb=1500 -artifact_prefix="$WORK/" "${corpus[@]}"
    rm -rf "$WORK/new"
done
