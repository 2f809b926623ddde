# Knot DNS: a zone from a file, by UDP, TCP and as a transfer.
# packages: knot bind9-dnsutils
cat >"$WORK/conf" <<END
server:
    listen: 0.0.0.0@53
    rundir: /srv/run
database:
    storage: /srv/db
log:
  - target: stderr
    any: info
acl:
  - id: all
    action: transfer
    address: 0.0.0.0/0
zone:
  - domain: one.test
    file: /srv/zone
    acl: all
END
cat >"$WORK/zone" <<'END'
$TTL 60
@ SOA ns hm 1 60 60 60 60
@ NS ns
ns A 10.1.2.1
www A 10.1.2.3
END
machine -p 53 -p 53/udp --cpus 2 --memory 512M --package knot --package coreutils --add "$WORK/conf" --add "$WORK/zone" \
    bash -c "mkdir -p /srv/run /srv/db; cp $WORK/zone /srv/zone; exec knotd -c $WORK/conf"
ask() { dig @127.0.0.1 +short +tries=5 +time=5 -p "$@"; }
served() { [ "$(ask "${ports["53/udp"]}" www.one.test)" = 10.1.2.3 ]; }
answers served
says 'TCP' 10.1.2.3 ask "${ports[53]}" +tcp www.one.test
says 'a transfer' 5 sh -c "dig @127.0.0.1 -p ${ports[53]} +short one.test AXFR | wc -l"
finishes
