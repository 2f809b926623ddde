# BIND's named: a zone of its own, by UDP and TCP, its transfer, a dynamic update.
# packages: bind9 bind9-dnsutils
cat >"$WORK/conf" <<END
options { directory "/srv"; listen-on { any; }; recursion no; pid-file "/srv/pid"; session-keyfile "/srv/key";
    managed-keys-directory "/srv"; };
controls { };
zone "one.test" { type master; file "/srv/zone"; allow-transfer { any; }; allow-update { any; }; };
END
cat >"$WORK/zone" <<'END'
$TTL 60
@ SOA ns hm 1 60 60 60 60
@ NS ns
ns A 10.1.2.1
www A 10.1.2.3
END
machine -p 53 -p 53/udp --cpus 2 --memory 512M --package bind9 --add "$WORK/conf" --add "$WORK/zone" \
    bash -c "cp $WORK/zone /srv/zone && exec /usr/sbin/named -g -c $WORK/conf"
ask() { dig @127.0.0.1 +short +tries=5 +time=5 -p "$@"; }
answers dig @127.0.0.1 +time=1 +tries=1 -p "${ports["53/udp"]}" www.one.test
says 'UDP' 10.1.2.3 ask "${ports["53/udp"]}" www.one.test
says 'TCP' 10.1.2.3 ask "${ports[53]}" +tcp www.one.test
says 'a transfer' 5 sh -c "dig @127.0.0.1 -p ${ports[53]} +short one.test AXFR | wc -l"
update() { printf 'server 127.0.0.1 %s\nzone one.test\nupdate add new.one.test 60 A 10.1.2.9\nsend\n' "${ports[53]}" | nsupdate -v; }
check 'an update' update
says 'is served' 10.1.2.9 ask "${ports["53/udp"]}" new.one.test
finishes
