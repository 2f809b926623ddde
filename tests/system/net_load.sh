#!/bin/bash
# timeout: 400
# soak-timeout: 5400
# redis-server and nginx in one machine under redis-benchmark and wrk, for a while (LOAD_SECONDS; an
# hour in the soak): what the machine holds is the same at the end as at the start.
. tests/system/lib.sh
. tests/system/net/lib.bash
seconds=${LOAD_SECONDS:-20}
[ "$SOAK" = 1 ] && seconds=${LOAD_SECONDS:-3600}
LIMIT=$((seconds + 300))
command -v redis-benchmark >/dev/null || { skip net_load 'no redis-benchmark' && exit 0; }
build flooded sh -c 'gcc -O2 -Wall -Wextra -static -o $OUT tests/system/programs/flooded.c' || exit 0

W=$WORK/www
mkdir -p "$W/files"
head -c 612 /dev/urandom >"$W/files/612"
cat >"$W/nginx.conf" <<END
error_log stderr;
pid /tmp/nginx.pid;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path /tmp/b; proxy_temp_path /tmp/p; fastcgi_temp_path /tmp/f;
    uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s;
    server { listen 80 backlog=511; root $W/files; keepalive_requests 1000000; }
}
END
cat >"$WORK/all.sh" <<END
"$PROGRAMS/flooded" 7000 &
/usr/sbin/nginx -c "$W/nginx.conf" -g 'daemon off; master_process off;' &
exec redis-server --protected-mode no --save '' --appendonly no
END
start_vm --cpus 2 --memory 256M -p 6379 -p 80 -p 7003 --add "$W" --add "$PROGRAMS/flooded" --add /usr/sbin/nginx \
    --add "$(command -v redis-server)" sh "$WORK/all.sh" || { not_ok 'the machine starts' "$WORK/vm.err" && exit 0; }
until_works redis-cli -p "${ports[6379]}" ping
until_works curl -sf -o /dev/null "http://127.0.0.1:${ports[80]}/612" || not_ok 'nginx answers' "$WORK/vm.err"
python3 tests/system/net/load_check.py "$seconds" "${ports[6379]}" "${ports[80]}" "${ports[7003]}" 612 \
    2>"$WORK/check.err" || not_ok 'the check comes to its end' "$WORK/check.err" "$WORK/vm.err"
stop_vm
