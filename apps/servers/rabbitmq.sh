# RabbitMQ (Erlang): the handshake of AMQP with a client on the host, a clean stop.
# packages: rabbitmq-server
# limit: 600
machine -p 5672 --cpus 2 --memory 2G --package rabbitmq-server --package erlang-base --package coreutils --package sed --package grep --package procps \
    --env RABBITMQ_NODENAME=r@localhost --env HOME=/root --hostname localhost \
    bash -c 'chmod 700 /root; mkdir -p /srv/log; exec env RABBITMQ_LOG_BASE=/srv/log RABBITMQ_MNESIA_BASE=/srv/mnesia RABBITMQ_LOGS=- /usr/lib/rabbitmq/bin/rabbitmq-server'
hello() { timeout 20 python3 -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
s.sendall(b"AMQP\0\0\x09\x01")
d = s.recv(4096)
assert d[:3] == b"\x01\0\0" and b"RabbitMQ" in d, d' "${ports[5672]}"; }
answers hello
check 'says hello in AMQP' hello
finishes
