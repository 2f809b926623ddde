# PostgreSQL by TCP: pgbench from the host with 8 clients, a dump.
# packages: postgresql-15 postgresql-client-15
# limit: 400
bin=/usr/lib/postgresql/15/bin
machine -p 5432 --cpus 2 --memory 1G --package postgresql-15 --package postgresql-client-15 --package util-linux --package coreutils \
    bash -c "mkdir /srv/pg && chown postgres /srv/pg && as='setpriv --reuid=postgres --regid=postgres --clear-groups' &&
        cd /srv/pg && \$as $bin/initdb -D /srv/pg/data -A trust --no-locale -E UTF8 >/srv/init.out && echo 'host all all all trust' >>/srv/pg/data/pg_hba.conf &&
        exec \$as $bin/postgres -D /srv/pg/data -h 0.0.0.0 -k /srv/pg"
export PGHOST=127.0.0.1 PGPORT=${ports[5432]} PGUSER=postgres PGDATABASE=postgres PGCONNECT_TIMEOUT=20
answers psql -X -c 'select 1'
check 'loads' $bin/pgbench -q -i -s 1
check '8 clients' sh -c "$bin/pgbench -n -c 8 -j 2 -t 25 | grep -q 'processed: 200/200'"
says 'sums agree' t psql -X -A -t -c 'select (select sum(abalance) from pgbench_accounts) = (select sum(delta) from pgbench_history)'
says 'nothing is lost' 200 psql -X -A -t -c 'select count(*) from pgbench_history'
check 'a dump' sh -c "pg_dump | grep -q '^COPY public.pgbench_accounts'"
finishes
