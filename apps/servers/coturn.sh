# coturn: a STUN binding over UDP.
# packages: coturn
machine -p 3478/udp --cpus 2 --memory 512M /usr/bin/turnserver -n --log-file=stdout --lt-cred-mech --user=u:p --realm=osprey.test --no-tls --no-dtls --no-cli --pidfile=/srv/pid --db=/srv/db
cat >"$WORK/stun.py" <<'END'
import os, socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
tid = os.urandom(12)
s.sendto(struct.pack("!HHI", 1, 0, 0x2112A442) + tid, ("127.0.0.1", int(sys.argv[1])))
d = s.recv(2048)
assert d[:2] == b"\1\1" and d[8:20] == tid, d
END
answers python3 "$WORK/stun.py" "${ports["3478/udp"]}"
check 'a binding' python3 "$WORK/stun.py" "${ports["3478/udp"]}"
finishes 143
