# InfluxDB 1 (Go): a database made, 1000 points written, queried.
# packages: influxdb curl
cat >"$WORK/conf" <<'END'
reporting-disabled = true
[meta]
  dir = "/srv/meta"
[data]
  dir = "/srv/data"
  wal-dir = "/srv/wal"
END
machine -p 8086 --cpus 2 --memory 512M --add "$WORK/conf" influxd -config "$WORK/conf"
url=http://127.0.0.1:${ports[8086]}
answers curl -sf "$url/ping"
curl -s -XPOST "$url/query" --data-urlencode 'q=create database d' >"$WORK/made"
seq 1000 | sed 's/.*/m,host=a v=& &000000000/' >"$WORK/points"
check '1000 points' curl -sf -XPOST "$url/write?db=d" --data-binary "@$WORK/points"
says 'their sum' '[["1970-01-01T00:00:00Z",500500,1000]]' sh -c "curl -sG $url/query --data-urlencode db=d --data-urlencode 'q=select sum(v), count(v) from m' | grep -o '\[\[.*\]\]'"
finishes
