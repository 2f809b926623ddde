# nginx with a master and four workers: many clients, a reload that keeps serving, a graceful end.
# packages: nginx-light apache2-utils
mkdir -p "$WORK/www" && head -c 200000 /dev/urandom >"$WORK/www/big"
cat >"$WORK/conf" <<END
user www-data;
daemon off;
worker_processes 4;
pid /srv/pid;
error_log /dev/stderr notice;
events { worker_connections 256; }
http { access_log off; server { listen 80 reuseport; root $WORK/www; sendfile on; location = /pid { return 200 "\$pid\n"; } } }
END
machine -p 80 --cpus 2 --memory 512M --add "$WORK/www" --add "$WORK/conf" nginx -c "$WORK/conf"
url=http://127.0.0.1:${ports[80]}
answers curl -sf -o /dev/null "$url/big"
says 'a file' "$(sha256sum <"$WORK/www/big")" sh -c "curl -s $url/big | sha256sum"
check 'many clients' sh -c "ab -q -n 500 -c 32 $url/big | grep -q 'Failed requests: *0\$'"
kill -HUP "$vm"
prints 'gracefully shutting down'
check 'many clients after a reload' sh -c "ab -q -n 500 -c 32 $url/big | grep -q 'Failed requests: *0\$'"
finishes
