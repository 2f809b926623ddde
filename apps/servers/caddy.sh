# Caddy (Go): files, compression, a reverse proxy to itself, HTTP/2 with TLS by its own authority.
# packages: caddy curl
mkdir -p "$WORK/www" && seq 20000 >"$WORK/www/big"
cat >"$WORK/Caddyfile" <<END
{
    admin off
    auto_https disable_redirects
    storage file_system /srv/caddy
    skip_install_trust
}
:80 {
    encode gzip
    handle /up/* {
        uri strip_prefix /up
        reverse_proxy 127.0.0.1:81
    }
    file_server {
        root $WORK/www
    }
}
:81 {
    file_server {
        root $WORK/www
    }
}
https://osprey.test:443 {
    tls internal
    respond "secure {http.request.proto}"
}
END
machine -p 80 -p 443 --cpus 2 --memory 512M --add "$WORK/www" --add "$WORK/Caddyfile" /usr/bin/caddy run --config "$WORK/Caddyfile"
url=http://127.0.0.1:${ports[80]}
answers curl -sf -o /dev/null "$url/big"
says 'a file, compressed' "$(sha256sum <"$WORK/www/big")" sh -c "curl -s --compressed $url/big | sha256sum"
says 'through a proxy' "$(sha256sum <"$WORK/www/big")" sh -c "curl -s $url/up/big | sha256sum"
says 'TLS and HTTP/2' 'secure HTTP/2.0' curl -sk --resolve "osprey.test:${ports[443]}:127.0.0.1" "https://osprey.test:${ports[443]}/"
finishes
