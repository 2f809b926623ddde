#!/bin/bash
# timeout: 600
# soak-timeout: 3600
# nginx and lighttpd with files, haproxy in front of two of them: contents compared, then under wrk.
. tests/system/lib.sh
. tests/system/net/lib.bash
LIMIT=300
W=$WORK/www
seconds=2 requests=20
[ "$SOAK" = 1 ] && seconds=60 requests=500

mkdir -p "$W/files"
for size in 0 1 612 1460 4096 70000 1000000; do
    head -c $size /dev/urandom >"$W/files/$size"
done
cat >"$W/nginx.conf" <<END
error_log stderr;
pid /tmp/nginx.pid;
events { worker_connections 512; }
http {
    access_log off;
    sendfile on;
    client_body_temp_path /tmp/b; proxy_temp_path /tmp/p; fastcgi_temp_path /tmp/f;
    uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s;
    server { listen 80 reuseport backlog=511; root $W/files; keepalive_requests 100000; }
}
END
cat >"$W/lighttpd.conf" <<END
server.document-root = "$W/files"
server.port = 80
server.max-keep-alive-requests = 100000
END

# hammered NAME PORT WRK-OPTIONS...: no request fails.
hammered() {
    local name=$1 port=$2
    shift 2
    if wrk -t 1 -c 20 --timeout 100s -d ${seconds}s "$@" "http://127.0.0.1:$port/612" >"$WORK/wrk.out" 2>&1 &&
        ! grep -E 'Socket errors|Non-2xx' "$WORK/wrk.out" && grep -q 'Requests/sec: *[1-9]' "$WORK/wrk.out"; then
        ok "$name"
    else
        not_ok "$name" "$WORK/wrk.out" "$WORK/vm.err"
    fi
}

# web NAME TRANSPORT CPUS OPTIONS... PROGRAM ARGS...: it serves $W/files on port 80.
web() {
    local name="$1, $2, $3 CPUs" transport=$2 cpus=$3
    shift 3
    start_vm --nic "$transport" --cpus "$cpus" -p 80 --add "$W" "$@" ||
        { not_ok "$name starts" "$WORK/vm.err" && return 1; }
    until_works curl -sf -o /dev/null "http://127.0.0.1:${ports[80]}/1" ||
        { not_ok "$name answers" "$WORK/vm.err" "$WORK/vm.out" && stop_vm && return 1; }
    serves "$name: every answer is right" \
        python3 tests/system/net/http_check.py "${ports[80]}" 4 $requests "$W/files"
    hammered "$name: wrk" "${ports[80]}"
    hammered "$name: wrk, a connection for each request" "${ports[80]}" -H 'Connection: close'
}

nginx() {
    web nginx "$1" "$2" /usr/sbin/nginx -c "$W/nginx.conf" -g 'daemon off; master_process off;'
    stop_vm
}
lighttpd() {
    web lighttpd "$1" "$2" /usr/sbin/lighttpd -D -f "$W/lighttpd.conf"
    stop_vm
}

# haproxy in its own machine, in front of an nginx and a lighttpd in theirs.
balanced() {
    local name="haproxy, $1, $2 CPUs" back=() ends=()
    for server in nginx lighttpd; do
        if [ $server = nginx ]; then
            set -- "$1" "$2" /usr/sbin/nginx -c "$W/nginx.conf" -g 'daemon off; master_process off;'
        else
            set -- "$1" "$2" /usr/sbin/lighttpd -D -f "$W/lighttpd.conf"
        fi
        start_vm --nic "$1" -p 80 --add "$W" "${@:3}" || { not_ok "$name: $server" "$WORK/vm.err" && return; }
        until_works curl -sf -o /dev/null "http://127.0.0.1:${ports[80]}/1"
        back+=($vm) ends+=("${ports[80]}")
    done
    cat >"$W/haproxy.cfg" <<END
global
    nbthread $2
defaults
    mode http
    timeout connect 20s
    timeout client 60s
    timeout server 60s
frontend all
    bind :80
    default_backend both
backend both
    balance roundrobin
    server a 10.0.2.2:${ends[0]}
    server b 10.0.2.2:${ends[1]}
END
    web haproxy "$1" "$2" /usr/sbin/haproxy -db -f "$W/haproxy.cfg"
    stop_vm
    for vm in "${back[@]}"; do stop_vm; done
}

if [ "$SOAK" = 1 ]; then
    for transport in $TRANSPORTS; do
        for cpus in 1 2; do
            nginx $transport $cpus
            lighttpd $transport $cpus
            balanced $transport $cpus
        done
    done
else
    nginx mmio 1
    nginx modern 2
    lighttpd legacy 1
    balanced packed 2
fi
