# Redis as a cluster of three in one machine, and two more with a sentinel that makes the second the master.
# packages: redis-server redis-tools redis-sentinel
cat >"$WORK/go" <<'END'
set -e
mkdir /srv/r && cd /srv/r
for p in 7001 7002 7003; do
    redis-server --port $p --cluster-enabled yes --cluster-config-file n$p --daemonize yes --logfile l$p --save '' >/dev/null
done
for p in 7001 7002 7003; do until redis-cli -p $p ping 2>/dev/null | grep -q PONG; do :; done; done
redis-cli --cluster create 127.0.0.1:7001 127.0.0.1:7002 127.0.0.1:7003 --cluster-yes | grep -o 'All 16384 slots covered'
for p in 7001 7002 7003; do until redis-cli -p $p cluster info | grep -q cluster_state:ok; do :; done; done
for i in $(seq 60); do redis-cli -c -p 7001 set key$i $i; done | sort | uniq -c | tr -s ' '
for i in $(seq 60); do redis-cli -c -p 7002 get key$i; done | paste -sd+ | sed 's/.*/echo $((&))/' | bash
redis-cli -p 7003 cluster info | grep -a cluster_known_nodes | tr -d '\r'
for p in 7001 7002 7003; do redis-cli -p $p shutdown nosave || :; done
redis-server --port 7011 --daemonize yes --save '' --logfile m >/dev/null
redis-server --port 7012 --daemonize yes --save '' --logfile s --replicaof 127.0.0.1 7011 >/dev/null
echo 'port 7021
sentinel monitor one 127.0.0.1 7011 1
sentinel down-after-milliseconds one 1000
sentinel failover-timeout one 10000' >sentinel.conf
redis-sentinel sentinel.conf >sentinel.log &
until redis-cli -p 7011 set a 1 2>/dev/null | grep -q OK; do :; done
until [ "$(redis-cli -p 7012 get a 2>/dev/null)" = 1 ]; do :; done
until redis-cli -p 7021 sentinel replicas one 2>/dev/null | grep -q 7012; do :; done
redis-cli -p 7011 shutdown nosave || :
until redis-cli -p 7012 role | grep -q master; do :; done
redis-cli -p 7012 set a 2
kill $! && wait
redis-cli -p 7012 shutdown nosave
END
inside 'cluster and sentinel' --cpus 2 --memory 512M --package redis-server --package redis-tools --package redis-sentinel --package coreutils \
    --package grep --package sed --add "$WORK/go" bash "$WORK/go" <<'END'
All 16384 slots covered
 60 OK
1830
cluster_known_nodes:3
OK
END
