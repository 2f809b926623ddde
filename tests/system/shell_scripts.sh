#!/bin/bash
# timeout: 900
# soak-timeout: 3600
# Scripts for bash, dash and busybox's shell: every one prints what it prints on the host.
#
# scripts/posix is for all of them, scripts/bash for bash. All scripts of one shell run in one
# machine; scripts/run.sh marks where each one's output begins.
. tests/system/lib.sh
LIMIT=300
SCRIPTS=$PWD/tests/system/scripts
POSIX=("$SCRIPTS"/posix/*.sh)
BASH_ONLY=("$SCRIPTS"/bash/*.sh)
IMAGE=(--memory 512M --add "$SCRIPTS")
for package in bash dash busybox-static coreutils findutils diffutils procps; do
    IMAGE+=(--package "$package")
done

# part FILE SCRIPT: what the script wrote.
part() { sed -n "\|^=== $2\$|,/^=== /p" "$1" | sed '1d;$d'; }

# compare CPUS SHELL SCRIPT...
compare() {
    local cpus=$1 shell=$2 script name host=$WORK/scripts.host guest=$WORK/scripts.guest
    shift 2
    [ -s "$host.$shell" ] || on_host sh "$SCRIPTS/run.sh" "$shell" "$@" >"$host.$shell" 2>&1 </dev/null
    osprey "${IMAGE[@]}" --cpus "$cpus" sh "$SCRIPTS/run.sh" "$shell" "$@" >"$guest" 2>&1 </dev/null
    for script; do
        name="$shell, $cpus processors: $(basename "$script" .sh)"
        part "$host.$shell" "$script" >"$WORK/part.host"
        part "$guest" "$script" >"$WORK/part.guest"
        diff -a -u "$WORK/part.host" "$WORK/part.guest" >"$WORK/part.diff" 2>&1
        if [ -s "$WORK/part.host" ] && [ ! -s "$WORK/part.diff" ]; then
            ok "$name"
        else
            not_ok "$name" "$WORK/part.diff"
        fi
    done
    check "$shell, $cpus processors: the last script has ended" grep -q '^=== end$' "$guest"
}

PROCESSORS=(2)
[ "$SOAK" = 1 ] && PROCESSORS=(1 2 4)
for cpus in "${PROCESSORS[@]}"; do
    compare "$cpus" bash "${POSIX[@]}" "${BASH_ONLY[@]}"
done
[ "$SOAK" = 1 ] || PROCESSORS=(4)
for cpus in "${PROCESSORS[@]}"; do
    compare "$cpus" dash "${POSIX[@]}"
done
[ "$SOAK" = 1 ] || PROCESSORS=(1)
for cpus in "${PROCESSORS[@]}"; do
    compare "$cpus" 'busybox sh' "${POSIX[@]}"
done
