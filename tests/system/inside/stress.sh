#!/bin/bash
# stress.sh SECONDS ROUNDS STRESSOR...: run each of stress-ng's stressors and see what it leaves behind.
#
# After a first round, which fills caches, a round must leave as much free memory and as little in
# the kernel's heap as it found. What is cached for a while may differ by a little; only what goes
# on growing round after round is lost. Prints `NAME held|GREW|FAILED STATUS HEAP FREE ROUNDS`.
seconds=$1 most=$2 # rounds after the first; 0: memory is not looked at
shift 2
SLACK_HEAP=12 SLACK_FREE=96 # KiB
cd "$(mktemp -d)" && chmod 777 . || exit

mkfifo quiet && exec 9<>quiet # reading it is a pause without a process

# The least use in some readings: what ended processes held is given back a little later.
measure() {
    local key value _ i
    heap=999999999 free=0
    for i in 1 2 3 4; do
        read -r -t 0.1 -u 9
        echo 2 >/proc/sys/vm/drop_caches
        while read -r key value _; do
            case $key in
            MemFree:) [ "$value" -gt $free ] && free=$value ;;
            Slab:) [ "$value" -lt $heap ] && heap=$value ;;
            esac
        done </proc/meminfo
    done
}

# Two stressors fail, on Linux as well, when the alarm that ends them rings before they have begun, as it may on
# a busy machine: vm ("out of system resources") and pipe ("corrupted bogo-ops counter"). They end by work done.
declare -A ops=([vm]=8 [pipe]=5000) # in about a second

round() {
    local user=() end=(-t "$seconds")
    [ "$1" = exec ] && user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    [ "${ops[$1]:-}" ] && end=(--"$1"-ops $((ops[$1] * seconds)) -t 600)
    "${user[@]}" stress-ng --"$1" 2 "${end[@]}" --verify --temp-path . >out 2>&1
}

for name; do
    round "$name"
    status=$? rounds=0
    [ "$most" -gt 0 ] && measure
    while [ $status -eq 0 ] && [ $rounds -lt "$most" ]; do
        free_before=$free heap_before=$heap
        round "$name"
        status=$?
        measure
        heap_growth=$((heap - heap_before)) free_growth=$((free_before - free))
        rounds=$((rounds + 1))
        [ $heap_growth -le $SLACK_HEAP ] && [ $free_growth -le $SLACK_FREE ] && break
    done
    verdict=held
    [ $rounds -gt 0 ] && { [ $heap_growth -gt $SLACK_HEAP ] || [ $free_growth -gt $SLACK_FREE ]; } && verdict=GREW
    [ $status -eq 0 ] || verdict=FAILED
    echo "$name $verdict $status ${heap_growth:-0} ${free_growth:-0} $rounds"
    if [ $status -ne 0 ] || grep -qE ' (fail|error|warn): ' out; then
        grep -E ' (fail|error|warn): |skipp|No stress' out | sed 's/^/# /' | head -n 5
    fi
done
echo end
