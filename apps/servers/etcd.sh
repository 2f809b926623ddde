# etcd: keys written, read as a range, deleted.
# packages: etcd-server etcd-client
machine -p 2379 --cpus 2 --memory 512M /usr/bin/etcd --data-dir /srv/etcd --listen-client-urls http://0.0.0.0:2379 --advertise-client-urls http://127.0.0.1:2379
export ETCDCTL_API=3
ctl() { etcdctl --endpoints "http://127.0.0.1:${ports[2379]}" --dial-timeout=20s --command-timeout=30s "$@"; }
answers ctl endpoint health
says 'writes' OK ctl put a/1 one
ctl put a/2 two >"$WORK/put"
says 'reads a range' $'a/1\none\na/2\ntwo' ctl get --prefix a/
says 'deletes' 2 ctl del --prefix a/
puts() { for i in {1..20}; do ctl put "p/$i" "$i" || return; done; }
check '20 writes' puts
says 'are there' 20 sh -c "etcdctl --endpoints http://127.0.0.1:${ports[2379]} --dial-timeout=20s --command-timeout=30s get --prefix --keys-only p/ | grep -c ^p"
finishes
