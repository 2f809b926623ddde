# Redis with snapshots by fork (BGSAVE) and an append-only file, rewritten; a restart from the log.
# packages: redis-server redis-tools
# test
machine -p 6379 --cpus 2 --memory 512M redis-server --protected-mode no --dir /root --appendonly yes --save '' \
    --enable-debug-command yes
cli() { redis-cli -p "${ports[6379]}" "$@"; }
state_is() { cli info persistence | tr -d '\r' | grep -qx "$1"; }
answers cli ping
cli debug populate 5000 key 100 >"$WORK/populate"
check 'takes writes' redis-benchmark -p "${ports[6379]}" -q -n 3000 -c 8 -P 4 -t set,lpush
before=$(cli debug digest)
says 'rewrites its log' 'Background append only file rewriting started' cli bgrewriteaof
answers state_is aof_rewrite_in_progress:0
check 'the rewrite was good' state_is aof_last_bgrewrite_status:ok
says 'saves' 'Background saving started' cli bgsave
answers state_is rdb_bgsave_in_progress:0
check 'the snapshot by fork was good' state_is rdb_last_bgsave_status:ok
says 'loads the same from its log' OK cli debug loadaof
says 'nothing has changed' "$before" cli debug digest
finishes
