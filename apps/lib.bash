# shellcheck shell=bash
# apps/lib.bash: what the programs of the catalogue use (README.md), beside tests/system/lib.sh
# and net/lib.bash.

# app_lines FILE NAME: the value of the line `# NAME: VALUE` in a program's comment.
app_line() {
    sed -nE "/^#/!q; s/^# $2: *(.*)\$/\1/p" "$1"
}

machine() {
    # Its words stay until the program's end, for complain_missing; a second machine appends.
    [ -s "$WORK/vm.err" ] && cat "$WORK/vm.err" >>"$WORK/all.err"
    start_vm "$@" || { not_ok "$app: starts" "$WORK/vm.out" "$WORK/vm.err" && exit 0; }
}

# limited COMMAND...: functions are limited by the machine's own end.
limited() {
    if [ "$(type -t "$1")" = function ]; then "$@"; else timeout "$LIMIT" "$@"; fi
}

answers() {
    until limited "$@" >"$WORK/try.out" 2>&1 </dev/null; do
        kill -0 "$vm" 2>/dev/null && sleep 0.05 && continue
        not_ok "$app: $* answers" "$WORK/try.out" "$WORK/vm.out" "$WORK/vm.err"
        exit 0
    done
}

prints() {
    until grep -qF -e "$1" "$WORK/vm.out" "$WORK/vm.err"; do
        kill -0 "$vm" 2>/dev/null || grep -qF -e "$1" "$WORK/vm.out" "$WORK/vm.err" || {
            not_ok "$app: prints $1" "$WORK/vm.out" "$WORK/vm.err"
            exit 0
        }
        sleep 0.05
    done
}

says() {
    local name=$1 wanted=$2 got
    shift 2
    got=$(limited "$@" 2>"$WORK/says.err" </dev/null)
    if [ "$got" = "$wanted" ]; then
        ok "$app: $name"
    else
        printf '# wanted: %s\n# got: %s\n' "$wanted" "$got" | head -c 2000 | sed 's/^[^#]/# &/'
        not_ok "$app: $name" "$WORK/says.err" "$WORK/vm.out" "$WORK/vm.err"
    fi
}

check() {
    local name=$1
    shift
    if limited "$@" >"$WORK/check.out" 2>&1 </dev/null; then
        ok "$app: $name"
    else
        not_ok "$app: $name" "$WORK/check.out" "$WORK/vm.out" "$WORK/vm.err"
    fi
}

# mail_is_delivered: joe@osprey.test gets what is sent to port 25, and the machine prints it.
mail_is_delivered() {
    local i
    cat >"$WORK/send.py" <<'END'
import smtplib, sys
s = smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=60)
if len(sys.argv) > 2:
    for i in range(5):
        s.sendmail("ann@host.test", ["joe@osprey.test"], f"Subject: note {i}\n\nword{i} of the body\n")
s.quit()
END
    answers python3 "$WORK/send.py" "${ports[25]}"
    check 'takes mail' python3 "$WORK/send.py" "${ports[25]}" send
    for i in 0 1 2 3 4; do prints "word$i of the body"; done
    ok "$app: it is delivered"
}

finishes() {
    local status
    kill -TERM "$vm"
    wait "$vm"
    status=$?
    vm=0
    if [ "$status" -eq "${1:-0}" ]; then
        ok "$app: ends"
    else
        echo "# status $status, wanted ${1:-0}"
        not_ok "$app: ends" "$WORK/vm.out" "$WORK/vm.err"
    fi
}

inside() {
    local name=$1 status
    shift
    cat >"$WORK/wanted"
    osprey "$@" >"$WORK/got" 2>"$WORK/inside.err" </dev/null
    status=$?
    cat "$WORK/inside.err" >>"$WORK/all.err"
    if [ $status -eq 0 ] && cmp -s "$WORK/wanted" "$WORK/got"; then
        ok "$app: $name"
    else
        echo "# status $status"
        diff -u "$WORK/wanted" "$WORK/got" | head -n 30 | sed 's/^/# /'
        not_ok "$app: $name" "$WORK/inside.err"
    fi
}

script() {
    local name=$1 package options=() status
    shift
    for package in $(app_line "apps/$kind/$app.sh" packages); do options+=(--package "$package"); done
    cat >"$WORK/script"
    mkdir -p "$WORK/here"
    (cd "$WORK/here" && on_host bash "$WORK/script") >"$WORK/here.out" 2>"$WORK/here.err" </dev/null
    status=$?
    rm -rf "$WORK/here"
    if [ $status -ne 0 ]; then
        not_ok "$app: $name: here" "$WORK/here.out" "$WORK/here.err"
        return
    fi
    inside "$name" --workdir /tmp --env SHELL=/bin/bash "${options[@]}" "$@" bash "$WORK/script" <"$WORK/here.out"
}

# complain_missing: what the kernel says that it lacks.
complain_missing() {
    if cat "$WORK"/*.err 2>/dev/null | grep -aE '^osprey: .*(missing|not supported|panic|unknown)' >"$WORK/lacks"; then
        not_ok "$app: the kernel lacks nothing" "$WORK/lacks"
    fi
}

# app_run FILE: in a shell and a folder of its own.
app_run() (
    app=$(basename "$1" .sh)
    kind=$(basename "$(dirname "$1")")
    WORK=$WORK/$app LIMIT=$(app_line "$1" limit)
    LIMIT=${LIMIT:-200}
    helpers=()
    mkdir -p "$WORK"
    trap 'complain_missing
        [ "$vm" -ne 0 ] && kill -KILL "$vm" 2>/dev/null
        [ ${#helpers[@]} -gt 0 ] && kill "${helpers[@]}" 2>/dev/null
        rm -rf "$WORK"' EXIT
    # shellcheck disable=SC1090
    . "$1"
)

# app_install FILE: its packages, without starting a daemon here. Fails, and says why, where that is impossible.
app_install() {
    local package missing=() policy=/usr/sbin/policy-rc.d made=0
    for package in $(app_line "$1" packages); do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    [ "$(id -u)" = 0 ] || { echo "needs ${missing[*]}: not root" && return 1; }
    [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && made=1; }
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends \
        "${missing[@]}" >"$WORK/apt.log" 2>&1 </dev/null
    local status=$?
    [ $made = 1 ] && rm -f $policy
    [ $status -eq 0 ] || echo "apt-get could not install ${missing[*]}"
    return $status
}
