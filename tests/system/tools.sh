#!/bin/bash
# timeout: 900
# Interpreters, compressors, databases and other programs of Debian, unmodified.
. tests/system/lib.sh

for i in $(seq 1 2000); do echo "$i $((i * i % 97)) name$((i % 13)) $((i * 7919 % 1009)).5"; done >"$WORK/table"

# --- busybox, single applets
for applet in 'ash -c echo\ $((6*7));exit\ 3' 'awk BEGIN{print(2^10)}' 'md5sum '"$WORK/table" \
    'sed -n 5p '"$WORK/table" 'wc '"$WORK/table" 'vi --help' 'uname -m' 'stat -c %s '"$WORK/table" \
    'dc -e 2_3*p' 'find /etc/passwd' 'nosuchapplet'; do
    # shellcheck disable=SC2086
    IFS=' ' read -r -a words <<<"$applet"
    same /bin/busybox "${words[@]}"
done

# --- bc, awk, grep, sed
echo 'scale=50; 4*a(1); 2^200; sqrt(2)' >"$WORK/sums"
same -n 'bc -l computes pi to 50 places' -i "$WORK/sums" /usr/bin/bc -l
same -n 'gawk sums by name' /usr/bin/gawk '{s[$3] += $4; n[$3]++} END {PROCINFO["sorted_in"] =
    "@ind_str_asc"; for (k in s) printf "%s %d %.2f\n", k, n[k], s[k] / n[k]}' "$WORK/table"
same -n 'gawk formats and splits' /usr/bin/gawk -F. 'NR % 100 == 0 {print toupper($1), length($0),
    gensub(/name([0-9]+)/, "<\\1>", "g")}' "$WORK/table"
same /bin/grep -c 'name1[0-2]' "$WORK/table"
same /bin/grep -P -o '\b\d{3}\.5$' "$WORK/table"
same /bin/grep nothing "$WORK/table"
same /bin/grep -r pattern /nonexistent
same -n 'sed script' /bin/sed -n -E '/name7/{s/([0-9]+) ([0-9]+)/\2-\1/;p;=}' "$WORK/table"
same -n 'sed edits in place' /bin/sed -i --debug s/a/b/ /nonexistent

# --- sqlite3: 100,000 rows
cat >"$WORK/script.sql" <<'END'
PRAGMA journal_mode = WAL;
DROP TABLE IF EXISTS items;
CREATE TABLE items(id INTEGER PRIMARY KEY, name TEXT, price REAL, kind INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
INSERT INTO items SELECT i, printf('item-%06d', (i * 7919) % 100003), i * 0.25, i % 17 FROM n;
CREATE INDEX by_name ON items(name);
CREATE INDEX by_kind ON items(kind, price);
SELECT kind, count(*), round(avg(price), 3), min(name), max(name) FROM items GROUP BY kind;
SELECT * FROM items WHERE name BETWEEN 'item-050000' AND 'item-050010' ORDER BY name;
UPDATE items SET price = price * 2 WHERE kind = 3;
DELETE FROM items WHERE kind = 5;
SELECT count(*), sum(price) FROM items;
PRAGMA integrity_check;
VACUUM;
SELECT count(*) FROM items i JOIN items j ON i.id = j.id + 1 WHERE i.kind = j.kind + 1;
END
rm -f /tmp/test-$$.db*
LIMIT=400 same -n 'sqlite3: 100,000 rows in a file' -i "$WORK/script.sql" /usr/bin/sqlite3 /tmp/test-$$.db
rm -f /tmp/test-$$.db*
same -n 'sqlite3 says what is wrong' /usr/bin/sqlite3 :memory: 'SELECT * FROM missing;'

# --- compressors with threads, back again on the host
/usr/bin/python3 -c "
import random
random.seed(1)
words = [bytes(random.randrange(97, 123) for _ in range(6)) for _ in range(2000)]
import sys
sys.stdout.buffer.write(b' '.join(random.choice(words) for _ in range(700000)))" >"$WORK/big"
sum=$(sha256sum <"$WORK/big")
osprey --cpus 2 --memory 512M /usr/bin/xz -T2 -1 --block-size=1MiB -c "$WORK/big" >"$WORK/big.xz"
check 'xz -T2 in the machine, unpacked here' [ "$(xz -dc "$WORK/big.xz" | sha256sum)" = "$sum" ]
osprey --cpus 2 --memory 512M /usr/bin/zstd -q -T2 -5 -c "$WORK/big" >"$WORK/big.zst"
check 'zstd -T2 in the machine, unpacked here' [ "$(zstd -dc "$WORK/big.zst" | sha256sum)" = "$sum" ]
zstd -q -c "$WORK/big" >"$WORK/host.zst"
check 'zstd -d in the machine of what was packed here' \
    [ "$(osprey --memory 512M /usr/bin/zstd -dc <"$WORK/host.zst" | sha256sum)" = "$sum" ]
same -n 'gzip' -i "$WORK/table" /bin/gzip -9nc

# --- openssl
same -n 'openssl digests' /usr/bin/openssl dgst -sha3-256 -r "$WORK/table"
same -n 'openssl encrypts' -i "$WORK/table" /usr/bin/openssl enc -aes-256-ctr -K 00112233 -iv 4455 -nosalt -base64
osprey --memory 256M /usr/bin/openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout /dev/null -days 3 -subj /CN=osprey.test >"$WORK/cert.pem" 2>"$WORK/cert.err"
check 'openssl makes a self-signed certificate' \
    sh -c "openssl x509 -in '$WORK/cert.pem' -noout -subject | grep -q 'CN = osprey.test' &&
        openssl verify -CAfile '$WORK/cert.pem' '$WORK/cert.pem'"
osprey /usr/bin/openssl speed -seconds 1 -bytes 1024 sha256 >"$WORK/speed" 2>&1
check 'openssl speed measures' grep -qE '^sha256 +[0-9.]+k' "$WORK/speed"

# --- lua, perl
same -n 'lua: closures, coroutines, strings' /usr/bin/lua5.4 -e '
    local function gen(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end) end
    local t = {} for i in gen(1000) do t[#t + 1] = string.format("%x", i * i) end
    print(#t, table.concat(t, ",", 990), ("abc"):rep(3, "-"), math.maxinteger // 3)
    print(pcall(error, {code = 1}), select("#", 1, nil), os.time{year=2020,month=1,day=1,hour=12})
    io.stderr:write("to stderr\n") os.exit(7)'
same -n 'perl: hashes, regexes, sort, sprintf' /usr/bin/perl -Mstrict -MList::Util=sum -MPOSIX -e '
    my %h; $h{$_ % 10} += $_ for 1 .. 10000;
    print join(",", map { "$_=$h{$_}" } sort { $a <=> $b } keys %h), "\n";
    my $s = "the quick brown fox" x 3; (my $c = $s) =~ s/(\w+)/\u$1/g; print "$c\n";
    printf "%.6f %s %d\n", sum(map { sqrt } 1 .. 100), POSIX::strftime("%F", gmtime(86400)), floor(-1.5);
    local $SIG{ALRM} = sub { print "alarm\n"; exit 5 }; alarm 1; select undef, undef, undef, 10;'
same -n 'perl dies with its message' /usr/bin/perl -e 'die "because\n"'
same -n 'perl signals itself' /usr/bin/perl -e '$SIG{USR1} = sub { print "got $_[0]\n" }; kill USR1 => $$; print "end\n"'
same -n 'file finds its database' /usr/bin/file -b /bin/true
same -n 'jq' /usr/bin/jq -c '[.[] | .a + 1]' "$WORK/nonexistent.json"
