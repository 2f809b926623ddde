# PowerDNS Recursor with 2 threads forwards to a machine's own zone and caches.
# packages: pdns-recursor bind9-dnsutils
cat >"$WORK/hosts" <<END
10.1.2.3 www.one.test
END
mkdir "$WORK/conf" && cat >"$WORK/conf/recursor.conf" <<END
local-address=0.0.0.0
allow-from=0.0.0.0/0
threads=2
daemon=no
export-etc-hosts=yes
etc-hosts-file=$WORK/hosts
socket-dir=/srv
hint-file=no
security-poll-suffix=
dnssec=off
END
machine -p 53 -p 53/udp --cpus 2 --memory 512M --package pdns-recursor --add "$WORK/conf" --add "$WORK/hosts" \
    /usr/sbin/pdns_recursor --config-dir="$WORK/conf"
ask() { dig @127.0.0.1 +short +tries=5 +time=5 -p "$@"; }
answers dig @127.0.0.1 +time=1 +tries=1 -p "${ports["53/udp"]}" www.one.test
says 'UDP' 10.1.2.3 ask "${ports["53/udp"]}" www.one.test
says 'TCP' 10.1.2.3 ask "${ports[53]}" +tcp www.one.test
says 'a reverse name' www.one.test. ask "${ports["53/udp"]}" -x 10.1.2.3
finishes 1
