# shellcheck shell=bash
# lib.sh: what the system tests share. Sourced from the repository's root by each script.
#
# A script runs many comparisons; each prints one line `ok - NAME`, `not ok - NAME` (after `#`
# lines that show what was wrong) or `skip - NAME # why`. A script's status does not count as
# long as it comes to its end with 0.
set -u

BUILD=${BUILD:-build}
OSPREY=${OSPREY:-./osprey}
SOAK=${SOAK:-0}
WORK=$PWD/$BUILD/tests/system/$(basename "$0" .sh).$$
PROGRAMS=$PWD/$BUILD/tests/system/programs
LIMIT=${LIMIT:-200} # seconds for one run in the machine: for what hangs, on a machine that is busy

mkdir -p "$WORK" "$PROGRAMS"
trap 'rm -rf "$WORK"' EXIT

ok() { echo "ok - $1"; }

# not_ok NAME [FILES...]: show the ends of the files.
not_ok() {
    local name=$1 file
    shift
    for file; do
        [ -s "$file" ] && sed 's/^/# /' "$file" | cut -c1-300 | tail -n 20
    done
    echo "not ok - $name"
}

skip() { echo "skip - $1 # $2"; }

# check NAME COMMAND...: the command's status decides.
check() {
    local name=$1
    shift
    if "$@" >"$WORK/check.out" 2>&1; then ok "$name"; else not_ok "$name" "$WORK/check.out"; fi
}

# osprey ARGS...: run in the machine with a limit of time and the C locale.
osprey() {
    timeout $((LIMIT + 30)) "$OSPREY" run --timeout "$LIMIT" --env LC_ALL=C "$@"
}

# on_host PROGRAM ARGS...: run here in the environment which `osprey run` hands on.
on_host() {
    timeout "$LIMIT" env -i PATH="$PATH" HOME="$HOME" SHELL=/bin/bash TERM=xterm LC_ALL=C "$@"
}

# same [-n NAME] [-i INPUT] [-o OPTION]... PROGRAM ARGS...
# Output, errors and status must be those of a run on the host, byte for byte.
same() {
    local name='' input=/dev/null options=() host=$WORK/host guest=$WORK/guest option OPTIND=1
    while getopts n:i:o: option; do
        case $option in
        n) name=$OPTARG ;;
        i) input=$OPTARG ;;
        o) options+=("$OPTARG") ;;
        *) return 2 ;;
        esac
    done
    shift $((OPTIND - 1))
    [ -n "$name" ] || name=$(printf '%s ' "$(basename "$1")" "${@:2}" | tr '\n' ' ' | cut -c1-70)
    on_host "$@" <"$input" >"$host.out" 2>"$host.err"
    echo $? >"$host.status"
    osprey "${options[@]}" "$@" <"$input" >"$guest.out" 2>"$guest.err"
    echo $? >"$guest.status"
    if cmp -s "$host.out" "$guest.out" && cmp -s "$host.err" "$guest.err" &&
        cmp -s "$host.status" "$guest.status"; then
        ok "${name% }"
    else
        for option in out err status; do
            diff -a --label "host.$option" --label "osprey.$option" -u "$host.$option" \
                "$guest.$option" | head -n 12 | cut -c1-200
        done | sed 's/^/# /'
        not_ok "${name% }"
    fi
}

# ends NAME STATUS PATTERN COMMAND...: the command ends with the status, and what it wrote to
# standard error matches the extended regular expression (case does not count).
ends() {
    local name=$1 want=$2 pattern=$3 status
    shift 3
    timeout $((LIMIT + 60)) "$@" </dev/null >"$WORK/ends.out" 2>"$WORK/ends.err"
    status=$?
    if [ $status -eq "$want" ] && { [ -z "$pattern" ] || grep -qaiE "$pattern" "$WORK/ends.err"; }; then
        ok "$name"
    else
        echo "# status $status, wanted $want, and on standard error something like: $pattern"
        not_ok "$name" "$WORK/ends.out" "$WORK/ends.err"
    fi
}

# build NAME COMMAND...: build a program of tests/system/programs unless it is there already.
# The command gets the output's path as OUT in its environment. Fails when it cannot be built.
build() {
    local name=$1 out=$PROGRAMS/$1
    shift
    ( # scripts that run side by side may want the same program
        flock 9
        [ -x "$out" ] && [ -z "$(find tests/system/programs -newer "$out" -print -quit)" ] && exit 0
        OUT=$out "$@" >"$WORK/build.log" 2>&1 9>&- || { not_ok "$name builds" "$WORK/build.log" && exit 1; }
    ) 9>"$PROGRAMS/.$name.lock"
}
