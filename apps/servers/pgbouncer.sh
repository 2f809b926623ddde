# PgBouncer before PostgreSQL, in one machine: 12 clients from the host share 3 connections.
# packages: pgbouncer postgresql-15 postgresql-client-15
# limit: 400
bin=/usr/lib/postgresql/15/bin
cat >"$WORK/conf" <<END
[databases]
postgres = host=/srv/pg port=5432 user=postgres
[pgbouncer]
listen_addr = 0.0.0.0
listen_port = 6432
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 50
admin_users = postgres
END
machine -p 6432 --cpus 2 --memory 1G --package postgresql-15 --package util-linux --package coreutils --package pgbouncer --add "$WORK/conf" \
    bash -c "mkdir /srv/pg && chown postgres /srv/pg && as='setpriv --reuid=postgres --regid=postgres --clear-groups' &&
        cd /srv/pg && \$as $bin/initdb -D /srv/pg/data -A trust --no-locale -E UTF8 >/srv/init.out &&
        { \$as $bin/postgres -D /srv/pg/data -h '' -k /srv/pg & } && exec \$as pgbouncer $WORK/conf"
export PGHOST=127.0.0.1 PGPORT=${ports[6432]} PGUSER=postgres PGDATABASE=postgres PGCONNECT_TIMEOUT=20
answers psql -X -c 'select 1'
check 'loads' $bin/pgbench -q -i -s 1
check '12 clients' sh -c "$bin/pgbench -n -c 12 -j 2 -t 20 | grep -q 'processed: 240/240'"
says 'nothing is lost' 240 psql -X -A -t -c 'select count(*) from pgbench_history'
check 'they shared' sh -c "[ \$(psql -X -A -t -c \"select count(*) from pg_stat_activity where backend_type = 'client backend'\") -le 3 ]"
finishes 1
