# inetutils' inetd: its own services and a program for each connection.
# packages: inetutils-inetd
printf '7 stream tcp nowait root internal\n' >/dev/null
printf 'echo stream tcp nowait root internal\necho dgram udp wait root internal\ntime stream tcp nowait root internal\n9999 stream tcp nowait nobody /usr/bin/rev rev\n' >"$WORK/conf"
machine -p 7 -p 7/udp -p 9999 --cpus 2 --package inetutils-inetd --package util-linux --add "$WORK/conf" inetutils-inetd -d "$WORK/conf"
cat >"$WORK/ask.py" <<'END'
import socket, sys
def tcp(port, text):
    s = socket.create_connection(("127.0.0.1", int(port)), 10)
    s.sendall(text); s.shutdown(1)
    return s.makefile("rb").read()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.settimeout(10)
u.sendto(b"datagram", ("127.0.0.1", int(sys.argv[2])))
print(tcp(sys.argv[1], b"hello\n"), u.recv(100), tcp(sys.argv[3], b"hello\n"))
END
right() { [ "$(python3 "$WORK/ask.py" "${ports[7]}" "${ports["7/udp"]}" "${ports[9999]}")" = "b'hello\\n' b'datagram' b'olleh\\n'" ]; }
answers right
check 'services' right
finishes 143
