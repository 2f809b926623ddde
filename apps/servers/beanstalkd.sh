# beanstalkd: jobs put, reserved, deleted, with a log on disk.
# packages: beanstalkd
machine -p 11300 bash -c 'mkdir /srv/b; exec beanstalkd -l 0.0.0.0 -p 11300 -b /srv/b'
cat >"$WORK/ask.py" <<'END'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
f = s.makefile("rwb")
for i in range(100):
    b = b"job %d" % i
    f.write(b"put 0 0 60 %d\r\n%s\r\n" % (len(b), b)); f.flush()
    assert f.readline().startswith(b"INSERTED")
for i in range(100):
    f.write(b"reserve\r\n"); f.flush()
    word, job, size = f.readline().split()
    assert f.read(int(size) + 2) == b"job %d\r\n" % i
    f.write(b"delete %s\r\n" % job); f.flush()
    assert f.readline() == b"DELETED\r\n"
END
answers python3 -c 'import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5); s.sendall(b"stats\r\n"); assert s.recv(2) == b"OK"' "${ports[11300]}"
check '100 jobs' python3 "$WORK/ask.py" "${ports[11300]}"
finishes 137
