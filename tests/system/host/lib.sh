# Sourced by the tests beside it: counting and comparing. $osprey runs with the fake QEMU and a
# cache of its own; neither a kernel nor a VM is needed.
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
osprey=$top/${BUILD:-build}/host/osprey
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME="$work/cache" OSPREY_QEMU="$here/fake-qemu" OSPREY_KERNEL=/bin/true
failures=0

ok() { echo "ok - $1"; }
not_ok() {
    echo "not ok - $1"
    [ $# -lt 2 ] || printf '%s\n' "$2" | sed 's/^/# /'
    failures=$((failures + 1))
}

# same WHAT WANTED GOT
same() {
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "wanted: $2
got: $3"; fi
}

# fails WHAT STATUS PATTERN COMMAND...: one line "osprey: ..." that matches, and that status.
fails() {
    what=$1 wanted=$2 pattern=$3
    shift 3
    timeout 100 "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    if [ $status = "$wanted" ] && [ "$(wc -l <"$work/err")" = 1 ] && [ ! -s "$work/out" ] &&
        grep -Eq "^osprey: .*$pattern" "$work/err"; then
        ok "$what"
    else
        not_ok "$what" "status $status, wanted $wanted; $(cat "$work/err" "$work/out")"
    fi
}

finish() {
    [ $failures = 0 ]
    exit
}
