# dnsdist: rules of its own answer, many questions at once, by UDP and TCP.
# packages: dnsdist bind9-dnsutils
cat >"$WORK/conf" <<END
setLocal("0.0.0.0:53", {reusePort=true})
addLocal("0.0.0.0:53", {reusePort=true})
setACL("0.0.0.0/0")
newServer("127.0.0.1:5353")
addAction(QNameRule("www.one.test."), SpoofAction("10.1.2.3"))
addAction(AllRule(), RCodeAction(DNSRCode.REFUSED))
END
machine -p 53 -p 53/udp --cpus 2 --memory 512M --package dnsdist --add "$WORK/conf" \
    dnsdist --supervised --disable-syslog -C "$WORK/conf"
ask() { dig @127.0.0.1 +short +tries=5 +time=5 -p "$@"; }
answers dig @127.0.0.1 +time=1 +tries=1 -p "${ports["53/udp"]}" www.one.test
says 'UDP' 10.1.2.3 ask "${ports["53/udp"]}" www.one.test
says 'TCP' 10.1.2.3 ask "${ports[53]}" +tcp www.one.test
check 'refuses' sh -c "dig @127.0.0.1 -p ${ports["53/udp"]} none.one.test | grep -q 'status: REFUSED'"
finishes 143
