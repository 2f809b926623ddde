# Squid: a caching proxy in front of a server on this machine; a hit.
# packages: squid curl
mkdir -p "$WORK/www" && head -c 100000 /dev/urandom >"$WORK/www/big"
web=$(free_port)
python3 -m http.server -b 127.0.0.1 -d "$WORK/www" "$web" >/dev/null 2>&1 &
helpers+=($!)
cat >"$WORK/conf" <<END
http_port 3128
http_access allow all
cache_mem 16 MB
pid_filename none
access_log none
cache_log /srv/cache.log
netdb_filename none
pinger_enable off
refresh_pattern . 60 50% 60 override-lastmod
cache_effective_user proxy
coredump_dir /srv
END
machine -p 3128 --cpus 2 --memory 512M --package squid --add "$WORK/conf" bash -c "chmod 777 /srv; exec /usr/sbin/squid -N -f $WORK/conf"
through() { curl -sf --max-time 20 -x "http://127.0.0.1:${ports[3128]}" "$@" "http://10.0.2.2:$web/big"; }
answers through -o /dev/null
got() { through | sha256sum; }
says 'a file' "$(sha256sum <"$WORK/www/big")" got
hit() { through -D - -o /dev/null | grep -q '^X-Cache: HIT'; }
check 'from the cache' hit
finishes
