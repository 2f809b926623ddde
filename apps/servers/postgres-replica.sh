# PostgreSQL with a streaming replica, both in one machine: pg_basebackup, promotion; pg_dump and pg_restore with 2 jobs; a parallel query.
# packages: postgresql-15 postgresql-client-15
# limit: 500
cat >"$WORK/go" <<'END'
set -e
bin=/usr/lib/postgresql/15/bin
PATH=$bin:$PATH
export PGHOST=/srv/pg PGUSER=postgres
mkdir /srv/pg && cd /srv/pg
initdb -D a -A trust --no-locale -E UTF8 >/dev/null
echo "wal_level=replica
listen_addresses=''
unix_socket_directories='/srv/pg'
max_parallel_workers_per_gather=2
min_parallel_table_scan_size=0
parallel_setup_cost=0
parallel_tuple_cost=0" >>a/postgresql.conf
pg_ctl -D a -l a.log -w start >/dev/null
psql -Xqc 'create table t as select g as n, g % 7 as m from generate_series(1, 20000) g; analyze t'
psql -XAtc 'explain (analyze, costs off, timing off, summary off) select m, sum(n) from t group by m' | grep -o 'Workers Launched: [0-9]*'
psql -XAtc 'select m, sum(n) from t group by m order by m'
pg_basebackup -D b -R -X stream -c fast
pg_ctl -D b -o '-p 5433' -l b.log -w start >/dev/null
psql -Xqc "insert into t select 1, 100 from generate_series(1, 100)"
until [ "$(psql -p 5433 -XAtc 'select count(*) from t where m = 100')" = 100 ]; do :; done
psql -p 5433 -XAtc 'select pg_is_in_recovery()'
pg_dump -Fd -j 2 -f dump postgres
createdb copy
pg_restore -j 2 -d copy dump
psql -XAt -d copy -c 'select count(*) from t'
pg_ctl -D a -m fast -w stop >/dev/null
pg_ctl -D b -w promote >/dev/null
psql -p 5433 -XAtc 'insert into t values (1, 101)' -c 'select count(*) from t'
pg_ctl -D b -m fast -w stop >/dev/null
END
inside 'replicates' --cpus 2 --memory 1500M --package postgresql-15 --package postgresql-client-15 --package util-linux --package coreutils \
    --package grep --add "$WORK/go" \
    bash -c "chmod 1777 /srv; exec setpriv --reuid=postgres --regid=postgres --clear-groups bash $WORK/go" <<'END'
Workers Launched: 2
0|28578571
1|28581429
2|28564286
3|28567143
4|28570000
5|28572857
6|28575714
t
20100
INSERT 0 1
20101
END
