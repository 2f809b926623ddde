# Puma (Ruby, threads and two forked workers) serves a rack application.
# packages: puma ruby-rack apache2-utils
cat >"$WORK/config.ru" <<'END'
run lambda { |env| [200, {"Content-Type" => "text/plain"}, ["sum #{(1..100).sum} #{env["QUERY_STRING"].reverse}"]] }
END
machine -p 80 --cpus 2 --memory 512M --package puma --package ruby-rack --add "$WORK/config.ru" puma -w 2 -t 2:4 -b tcp://0.0.0.0:80 "$WORK/config.ru"
url=http://127.0.0.1:${ports[80]}
answers curl -sf "$url/"
says 'a page' 'sum 5050 cba' curl -s "$url/?abc"
check 'many clients' sh -c "ab -q -n 300 -c 16 '$url/?x' | grep -q 'Failed requests: *0\$'"
finishes 143
