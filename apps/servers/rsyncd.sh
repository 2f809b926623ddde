# rsync as a daemon: a tree sent, changed, fetched; delta transfer.
# packages: rsync
mkdir -p "$WORK/tree/sub" && head -c 500000 /dev/urandom >"$WORK/tree/sub/big" && cp apps/servers/*.sh "$WORK/tree"
printf 'use chroot = no\nuid = root\ngid = root\n[m]\npath = /srv\nread only = no\n' >"$WORK/conf"
machine -p 873 --cpus 2 --add "$WORK/conf" /usr/bin/rsync --daemon --no-detach --config="$WORK/conf"
at=rsync://127.0.0.1:${ports[873]}/m
answers rsync --timeout=20 "$at/"
check 'a tree in' rsync -a "$WORK/tree" "$at/"
echo more >>"$WORK/tree/sub/big"
check 'a change' rsync -a "$WORK/tree" "$at/"
check 'the tree out' rsync -a "$at/tree/" "$WORK/back"
check 'it is the same' diff -r "$WORK/tree" "$WORK/back"
finishes
