# nats-server (Go): messages published and delivered to two subscribers, and its monitoring page.
# packages: nats-server curl python3
machine -p 4222 -p 8222 --cpus 2 --memory 512M nats-server -a 0.0.0.0 -m 8222
cat >"$WORK/talk.py" <<'END'
import socket, sys
def connect():
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=60)
    f = s.makefile("rwb")
    assert f.readline().startswith(b"INFO ")
    f.write(b'CONNECT {"verbose":false}\r\nPING\r\n'); f.flush()
    assert f.readline() == b"PONG\r\n"
    return f
a, b, c = connect(), connect(), connect()
for i, f in enumerate((a, b)):
    f.write(b"SUB news.> %d\r\nPING\r\n" % i); f.flush()
    assert f.readline() == b"PONG\r\n"
for i in range(500):
    body = b"%d" % i * 50
    c.write(b"PUB news.x %d\r\n%s\r\n" % (len(body), body))
c.flush()
for n, f in enumerate((a, b)):
    for i in range(500):
        assert f.readline() == b"MSG news.x %d %d\r\n" % (n, len(b"%d" % i * 50))
        assert f.readline() == b"%d" % i * 50 + b"\r\n"
print("all")
END
answers curl -sf -m 20 "http://127.0.0.1:${ports[8222]}/healthz"
says '1000 messages' all python3 "$WORK/talk.py" "${ports[4222]}"
check 'counts them' sh -c "curl -s http://127.0.0.1:${ports[8222]}/varz | grep -q '\"out_msgs\": 1000'"
finishes 1
