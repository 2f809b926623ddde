# ntpd (NTPsec) as a server of its own clock: it steers the clock; a client on the host asks the time.
# packages: ntpsec
printf 'server 127.127.1.0\nfudge 127.127.1.0 stratum 5\nrestrict default nomodify\ndriftfile /srv/drift\n' >"$WORK/conf"
machine -p 123/udp --cpus 2 --package ntpsec --add "$WORK/conf" ntpd -n -g -c "$WORK/conf"
cat >"$WORK/ask.py" <<'END'
import socket, struct, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
s.sendto(b"\x23" + bytes(47), ("127.0.0.1", int(sys.argv[1])))
d = s.recv(512)
assert d[0] & 7 == 4
assert abs(struct.unpack("!I", d[40:44])[0] - 2208988800 - time.time()) < 60
END
answers python3 "$WORK/ask.py" "${ports["123/udp"]}"
check 'the time' python3 "$WORK/ask.py" "${ports["123/udp"]}"
finishes
