# stunnel: TLS in front of a program that it starts for each connection.
# packages: stunnel4 openssl
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/key" -out "$WORK/cert" -days 30 -subj /CN=osprey.test -addext subjectAltName=DNS:osprey.test >/dev/null 2>&1
cat >"$WORK/conf" <<END
foreground = yes
pid =
cert = $WORK/cert
key = $WORK/key
[rev]
accept = 0.0.0.0:4433
exec = /usr/bin/cat
END
machine -p 4433 --cpus 2 --package coreutils --add "$WORK/conf" --add "$WORK/cert" --add "$WORK/key" /usr/bin/stunnel4 "$WORK/conf"
cat >"$WORK/ask.py" <<'END'
import socket, ssl, sys
c = ssl.create_default_context(cafile=sys.argv[2])
s = c.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20), server_hostname="osprey.test")
s.sendall(b"osprey\n")
print(s.makefile().readline(), end="")
END
ask() { python3 "$WORK/ask.py" "${ports[4433]}" "$WORK/cert"; }
answers ask
says 'a line there and back' osprey ask
finishes
