# MariaDB: a data directory made anew, 8 clients in threads, transactions, a dump, a clean end.
# packages: mariadb-server mariadb-client
# limit: 400
machine -p 3306 --cpus 2 --memory 1G --package mariadb-server --package mariadb-server-core --package mariadb-client \
    bash -c 'mkdir -p /srv/db /run/mysqld && chown mysql /srv/db /run/mysqld &&
        mariadb-install-db --no-defaults --user=mysql --datadir=/srv/db --auth-root-authentication-method=normal >/dev/null &&
        printf "%s\n" "create database t;" "create user u@\"%\" identified by \"p\";" "grant all on t.* to u@\"%\";" >/srv/init.sql &&
        exec mariadbd --no-defaults --user=mysql --datadir=/srv/db --socket=/run/mysqld/s --bind-address=0.0.0.0 \
            --init-file=/srv/init.sql --innodb-buffer-pool-size=64M'
sql() { mariadb --no-defaults --skip-ssl -h 127.0.0.1 -P "${ports[3306]}" -u u -pp t -N "$@"; }
answers sql -e 'select 1'
check 'makes tables' sql -e 'create table a (i int primary key auto_increment, v varchar(40), k int, key (k)) engine=innodb;
    insert into a (v, k) select concat("row ", seq), seq % 97 from seq_1_to_20000'
says 'counts and sums' '207	69352' sql -e 'select count(*), sum(i) % 99991 from a where k = 5'
writers() {
    local pids=() i
    for i in 1 2 3 4 5 6 7 8; do
        for _ in {1..20}; do echo "start transaction; update a set k = k + 1 where i = 1; insert into a (v, k) values ('w', 1000); commit;"; done |
            sql &
        pids+=($!)
    done
    wait "${pids[@]}"
}
check '8 clients write' writers
says 'and nothing is lost' '160	161' sql -e 'select count(*), (select k from a where i = 1) from a where k = 1000'
check 'dumps' mariadb-dump --no-defaults -h 127.0.0.1 -P "${ports[3306]}" -u u -pp t a
finishes
