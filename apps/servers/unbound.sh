# Unbound with 2 threads: local data by UDP and TCP, negative answers.
# packages: unbound bind9-dnsutils
cat >"$WORK/conf" <<END
server:
    interface: 0.0.0.0
    access-control: 0.0.0.0/0 allow
    do-daemonize: no
    num-threads: 2
    chroot: ""
    directory: "/etc"
    pidfile: ""
    use-syslog: no
    local-zone: "one.test." static
    local-data: "www.one.test. A 10.1.2.3"
END
machine -p 53 -p 53/udp --cpus 2 --add "$WORK/conf" /usr/sbin/unbound -c "$WORK/conf" -d
ask() { dig @127.0.0.1 +short +tries=5 +time=5 -p "$@"; }
answers dig @127.0.0.1 +time=1 +tries=1 -p "${ports["53/udp"]}" www.one.test
says 'UDP' 10.1.2.3 ask "${ports["53/udp"]}" www.one.test
says 'TCP' 10.1.2.3 ask "${ports[53]}" +tcp www.one.test
check 'no such name' sh -c "dig @127.0.0.1 -p ${ports["53/udp"]} none.one.test | grep -q 'status: NXDOMAIN'"
finishes
