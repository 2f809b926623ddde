#!/bin/sh
# host/setup.sh KIND...: install the Debian packages of these kinds (host/packages.txt) that are
# missing, naming them first. Silent when all are there. Building needs those of running as
# well, testing all.
set -eu

here=$(dirname "$0")

# Whether the file, the command or, for "-", the package is there.
present() {
    case $2 in
    /*) [ -e "$2" ] ;;
    -) [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ;;
    *) PATH=$PATH:/usr/sbin:/sbin command -v "$2" >/dev/null ;;
    esac
}

kinds=" $* "
case $kinds in
*" test "*) kinds=" run build test " ;;
*" build "*) kinds=" run build " ;;
esac
missing=
while read -r kind package proof; do
    case $kinds in
    *" $kind "*) present "$package" "$proof" || missing="$missing $package" ;;
    esac
done <"$here/packages.txt"
[ -n "$missing" ] || exit 0

echo "osprey: installing the missing Debian packages:$missing" >&2
command -v apt-get >/dev/null || {
    echo "osprey: there is no apt-get here: install them by hand" >&2
    exit 125
}
as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "osprey: neither root nor sudo: run 'apt-get install$missing' as root" >&2
        exit 125
    }
    as_root=sudo
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        $missing >"$log" 2>&1 </dev/null
}
update() {
    $as_root apt-get update >"$log" 2>&1 </dev/null
}
install || { update && install; } || {
    tail -n 20 "$log" >&2
    echo "osprey: apt-get could not install:$missing" >&2
    exit 125
}
