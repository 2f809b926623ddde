# Starman (Perl, preforked workers) serves a PSGI application.
# packages: starman apache2-utils
echo 'sub { [200, ["Content-Type", "text/plain"], ["sum " . eval { my $s; $s += $_ for 1..100; $s } . " " . reverse($_[0]{QUERY_STRING})]] }' >"$WORK/app.psgi"
machine -p 80 --cpus 2 --memory 512M --package starman --add "$WORK/app.psgi" starman --workers 3 --listen :80 "$WORK/app.psgi"
url=http://127.0.0.1:${ports[80]}
answers curl -sf "$url/"
says 'a page' 'sum 5050 cba' curl -s "$url/?abc"
check 'many clients' sh -c "ab -q -n 300 -c 8 '$url/?x' | grep -q 'Failed requests: *0\$'"
finishes
