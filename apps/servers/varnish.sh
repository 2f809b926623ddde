# Varnish: a cache in front of a server on this machine, VCL compiled by gcc in the machine.
# packages: varnish curl gcc
mkdir -p "$WORK/www" && head -c 100000 /dev/urandom >"$WORK/www/big"
web=$(free_port)
python3 -m http.server -b 127.0.0.1 -d "$WORK/www" "$web" >/dev/null 2>&1 &
helpers+=($!)
machine -p 80 --cpus 2 --memory 1G --package varnish --package gcc --package gcc-12 --package cpp-12 --package binutils-x86-64-linux-gnu --package libc6-dev \
    sh -c "exec varnishd -F -a :80 -b 10.0.2.2:$web -n /srv/varnish -s malloc,64m -j none"
url=http://127.0.0.1:${ports[80]}
answers curl -sf -o /dev/null "$url/big"
says 'a file' "$(sha256sum <"$WORK/www/big")" sh -c "curl -s $url/big | sha256sum"
check 'from the cache' sh -c "curl -s -D - -o /dev/null $url/big | grep -q '^X-Varnish: [0-9]* [0-9]'"
check 'many clients' sh -c "ab -q -n 500 -c 32 $url/big | grep -q 'Failed requests: *0\$'"
finishes
