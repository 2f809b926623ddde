#!/bin/bash
# timeout: 900
# soak-timeout: 14400
# stress-ng's stressors with their own checks: no error, and the kernel's memory does not grow.
# On 2 processors memory is looked at after every stressor (in the long form on 1 and 4 too).
. tests/system/lib.sh
INSIDE=$PWD/tests/system/inside/stress.sh
IMAGE=(--memory 1G --package stress-ng --package util-linux --add "$INSIDE")
BASIC=(fork vfork exec clone pthread vm mmap mremap futex sem mq shm sigq timer pipe poll epoll inotify
    flock rename dentry)
FURTHER=(sem-sysv msg shm-sysv fault switch eventfd signal fcntl dir link symlink splice madvise
    mincore brk stack sockpair sockfd aio zombie kill wait yield membarrier affinity access alarm bigheap
    chdir chmod chown clock close context copy-file daemon dev dirdeep dup env fallocate fifo filename
    fp-error full get getdent getrandom hdd itimer)

# stress CPUS SECONDS ROUNDS STRESSOR...
stress() {
    local cpus=$1 seconds=$2 out=$WORK/stress.out name
    LIMIT=$(((2 + $3) * (seconds + 12) * ($# - 3))) osprey "${IMAGE[@]}" --cpus "$cpus" bash "$INSIDE" \
        "${@:2}" >"$out" 2>"$WORK/stress.err" </dev/null
    for name in "${@:4}"; do
        if grep -q "^$name held " "$out"; then
            ok "$cpus processors, $seconds s: $name"
        else
            sed -n "/^$name /,/^[^#]/p" "$out" | sed '2,${/^[^#]/d}; s/^/# /'
            not_ok "$cpus processors, $seconds s: $name"
        fi
    done
    check "$cpus processors, $seconds s: the last stressor has ended" grep -qx end "$out"
    grep -ah 'osprey: ' "$WORK/stress.err" | sed 's/^/# /'
}

if [ "$SOAK" = 1 ]; then
    for cpus in ${CPUS:-1 2 4}; do
        stress $cpus 10 6 "${BASIC[@]}" "${FURTHER[@]}"
    done
else
    stress 2 1 6 "${BASIC[@]}"
    stress 1 1 0 "${BASIC[@]}"
    stress 4 1 0 "${BASIC[@]}"
fi
