# PowerDNS with an sqlite database, filled by its own tool in the machine.
# packages: pdns-server pdns-backend-sqlite3 bind9-dnsutils
cat >"$WORK/pdns.conf" <<END
launch=gsqlite3
gsqlite3-database=/srv/db
local-address=0.0.0.0
guardian=no
socket-dir=/srv
setuid=
setgid=
END
machine -p 53 -p 53/udp --cpus 2 --memory 512M --package pdns-server --package pdns-backend-sqlite3 --package sqlite3 --add "$WORK/pdns.conf" --add /usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql \
    bash -c "sqlite3 /srv/db </usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql && p='pdnsutil --config-dir=$WORK' &&
        \$p create-zone one.test ns.one.test && \$p add-record one.test www A 60 10.1.2.3 && exec pdns_server --config-dir=$WORK --daemon=no --disable-syslog"
ask() { dig @127.0.0.1 +short +tries=5 +time=5 -p "$@"; }
served() { [ "$(dig @127.0.0.1 +short +tries=1 +time=1 -p "${ports["53/udp"]}" www.one.test)" = 10.1.2.3 ]; }
answers served
says 'TCP' 10.1.2.3 ask "${ports[53]}" +tcp www.one.test
finishes 143
