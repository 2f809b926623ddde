#!/bin/bash
# timeout: 900
# soak-timeout: 5400
# memcached, iperf3, dnsmasq, openssl in the machine with clients on the host, and curl and openssl
# in the machine with servers on the host.
. tests/system/lib.sh
. tests/system/net/lib.bash
LIMIT=300
megabytes=64 seconds=1 turns=15
[ "$SOAK" = 1 ] && LIMIT=1200 megabytes=1024 seconds=10 turns=1000
helper=0
trap '[ $helper -ne 0 ] && kill $helper; [ $vm -ne 0 ] && kill -KILL $vm 2>/dev/null; rm -rf "$WORK"' EXIT

memcached() {
    local name="memcached, $1, $2 CPUs"
    start_vm --nic "$1" --cpus "$2" -p 11211 /usr/bin/memcached -u root -t "$2" ||
        { not_ok "$name starts" "$WORK/vm.err" && return; }
    until_works python3 tests/system/net/memcached_check.py "${ports[11211]}" 1 1
    serves "$name: every answer is right" \
        python3 tests/system/net/memcached_check.py "${ports[11211]}" 2 $turns
    stop_vm
}

# iperf NAME OPTIONS...: something has arrived, over so many streams, and no error.
iperf() {
    local name=$1
    shift
    if timeout 120 iperf3 -c 127.0.0.1 -p "$port" -t $seconds -J "$@" >"$WORK/iperf.json" 2>&1 &&
        python3 -c '
import json, sys
r = json.load(open(sys.argv[1]))
assert "error" not in r, r["error"]
total = r["end"].get("sum_received") or r["end"]["sum"]
assert total["bytes"] > 0 and total["seconds"] > 0, total
' "$WORK/iperf.json" 2>"$WORK/iperf.err"; then
        ok "$name"
    else
        not_ok "$name" "$WORK/iperf.err" "$WORK/iperf.json" "$WORK/vm.err"
    fi
}

iperf3_all() {
    local name="iperf3, $1, $2 CPUs" port
    port=$(free_port)
    start_vm --nic "$1" --cpus "$2" -p "127.0.0.1:$port:5201" -p "127.0.0.1:$port:5201/udp" \
        /usr/bin/iperf3 -s --forceflush || { not_ok "$name starts" "$WORK/vm.err" && return; }
    until grep -q 'Server listening' "$WORK/vm.out"; do
        kill -0 $vm 2>/dev/null || { not_ok "$name listens" "$WORK/vm.err" && return; }
        sleep 0.05
    done
    for streams in 1 8; do
        iperf "$name: TCP in, $streams" -P $streams
        iperf "$name: TCP out, $streams" -P $streams -R
        iperf "$name: UDP in, $streams" -P $streams -u -b 2M -l 1400
        iperf "$name: UDP out, $streams" -P $streams -R -u -b 2M -l 1400
    done
    stop_vm
}

# asks NAME WANTED DIG-OPTIONS...
asks() {
    local got
    got=$(dig @127.0.0.1 +short +tries=5 +time=5 "${@:3}" 2>&1)
    if [ "$got" = "$2" ]; then ok "$1"; else
        echo "# got '$got', wanted '$2'"
        not_ok "$1" "$WORK/vm.err"
    fi
}

dnsmasq() {
    local name="dnsmasq, $1, $2 CPUs" long='' i
    for i in {1..20}; do long="$long$i-$(printf 'x%.0s' {1..90})"; done
    start_vm --nic "$1" --cpus "$2" -p 53 -p 53/udp /usr/sbin/dnsmasq -k --user=root --pid-file= --no-resolv \
        --no-hosts --conf-file=/dev/null --host-record=one.test,10.1.2.3,fd00::7 \
        --txt-record="long.test,${long:0:255},${long:255:255},${long:510:255},${long:765:255},${long:1020:255}" \
        --bind-interfaces --interface=eth0 || { not_ok "$name starts" "$WORK/vm.err" && return; }
    until_works dig @127.0.0.1 -p "${ports["53/udp"]}" +time=1 +tries=1 one.test
    asks "$name: UDP" 10.1.2.3 -p "${ports["53/udp"]}" one.test A
    asks "$name: an address of IPv6" fd00::7 -p "${ports["53/udp"]}" one.test AAAA
    asks "$name: TCP" 10.1.2.3 -p "${ports[53]}" +tcp one.test A
    for i in $(seq $turns); do
        [ "$(dig @127.0.0.1 -p "${ports["53/udp"]}" +short +tries=5 +time=5 one.test)" = 10.1.2.3 ] || break
    done
    check "$name: one query after the other" [ "$i" -eq "$turns" ]
    check "$name: an answer larger than a datagram, by TCP" [ "$(dig @127.0.0.1 -p "${ports[53]}" +tcp +short \
        long.test TXT | tr -d '" ')" = "${long:0:1275}" ]
    stop_vm
}

# One gigabyte (in short: less) that the host serves arrives whole.
curl_down() {
    local name="curl, $megabytes MiB, $1, $2 CPUs" port
    port=$(free_port)
    [ -f "$WORK/serve/big" ] || {
        mkdir -p "$WORK/serve"
        openssl enc -aes-128-ctr -K 00112233445566778899aabbccddeeff -iv 0 -in /dev/zero 2>/dev/null |
            head -c ${megabytes}M >"$WORK/serve/big"
        sha256sum <"$WORK/serve/big" >"$WORK/wanted"
    }
    python3 -m http.server -b 127.0.0.1 -d "$WORK/serve" "$port" >/dev/null 2>&1 &
    helper=$!
    until curl -sf -o /dev/null "http://127.0.0.1:$port/"; do
        kill -0 $helper 2>/dev/null || break
        sleep 0.05
    done
    osprey --net user --nic "$1" --cpus "$2" --package curl sh -c \
        "curl -sS http://10.0.2.2:$port/big | sha256sum" >"$WORK/got" 2>"$WORK/vm.err" </dev/null
    if cmp -s "$WORK/got" "$WORK/wanted"; then ok "$name"; else not_ok "$name" "$WORK/vm.err" "$WORK/got"; fi
    kill $helper
    wait $helper 2>/dev/null
    helper=0
}

tls_keys() {
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/tls/key" -out "$WORK/tls/cert" -days 30 \
        -subj /CN=osprey.test >/dev/null 2>&1
}

# s_server turns each line around.
tls_in() {
    local name="openssl s_server, $1, $2 CPUs"
    start_vm --nic "$1" --cpus "$2" -p 4433 --add "$WORK/tls" /usr/bin/openssl s_server -rev -quiet \
        -accept 4433 -key "$WORK/tls/key" -cert "$WORK/tls/cert" ||
        { not_ok "$name starts" "$WORK/vm.err" && return; }
    tls_ask() {
        [ "$( (echo "osprey $1" && sleep "$2") | timeout 30 openssl s_client -quiet -connect "127.0.0.1:${ports[4433]}" \
            -CAfile "$WORK/tls/cert" -verify_return_error 2>/dev/null | head -1)" = "$(echo "osprey $1" | rev)" ]
    }
    until tls_ask 0 1; do kill -0 $vm 2>/dev/null || break; done
    check "$name: TLS 1.3 and a line there and back" tls_ask 12345 2
    stop_vm
}

tls_out() {
    local name="openssl s_client, $1, $2 CPUs" port
    port=$(free_port)
    openssl s_server -rev -quiet -accept "127.0.0.1:$port" -key "$WORK/tls/key" -cert "$WORK/tls/cert" \
        >/dev/null 2>&1 </dev/null &
    helper=$!
    until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
        kill -0 $helper 2>/dev/null || break
        sleep 0.05
    done
    printf 'osprey 67890\nCLOSE\n' | osprey --net user --nic "$1" --cpus "$2" --add "$WORK/tls" \
        /usr/bin/openssl s_client -quiet -connect "10.0.2.2:$port" -CAfile "$WORK/tls/cert" \
        -verify_return_error >"$WORK/got" 2>"$WORK/vm.err"
    check "$name" grep -q '09876 yerpso' "$WORK/got"
    kill $helper
    wait $helper 2>/dev/null
    helper=0
}

mkdir -p "$WORK/tls"
tls_keys
if [ "$SOAK" = 1 ]; then
    for transport in $TRANSPORTS; do
        for cpus in 1 2; do
            memcached $transport $cpus
            iperf3_all $transport $cpus
            dnsmasq $transport $cpus
            curl_down $transport $cpus
            tls_in $transport $cpus
            tls_out $transport $cpus
        done
    done
else
    memcached mmio 2
    memcached legacy 1
    iperf3_all modern 2
    dnsmasq packed 1
    curl_down mmio 1
    curl_down modern 2
    tls_in mmio 2
    tls_out packed 1
fi
