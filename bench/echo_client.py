"""echo_client.py PORT tcp|udp|accept COUNT: microseconds for one byte there and back (the median), or
connections a second that are made, used once and closed."""
import socket, statistics, sys, time

port, kind, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
where = ("127.0.0.1", port)


def turn(s):
    start = time.perf_counter()
    s.send(b"x")
    if s.recv(1) != b"x":
        raise EOFError("closed")
    return (time.perf_counter() - start) * 1e6


if kind == "accept":
    start = time.perf_counter()
    for _ in range(count):
        with socket.create_connection(where, timeout=20) as s:
            turn(s)
    print(int(count / (time.perf_counter() - start)))
else:
    s = socket.socket(type=socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    s.settimeout(20)
    s.connect(where)
    if kind == "tcp":
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print(int(statistics.median(turn(s) for _ in range(count))))
