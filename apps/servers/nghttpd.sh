# nghttpd: HTTP/2 with and without TLS, h2load with many streams, 2 threads.
# packages: nghttp2-server nghttp2-client openssl
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/key" -out "$WORK/cert" -subj /CN=x 2>/dev/null
mkdir "$WORK/root" && head -c 20000 /dev/urandom >"$WORK/root/file"
machine -p 8443 --cpus 2 --memory 512M --add "$WORK/root" --add "$WORK/key" --add "$WORK/cert" \
    nghttpd -n 2 -d "$WORK/root" 8443 "$WORK/key" "$WORK/cert"
url=https://127.0.0.1:${ports[8443]}/file
answers curl -skf -m 20 --http2 -o "$WORK/got" "$url"
says 'the file' "$(sha256sum <"$WORK/root/file")" sh -c "curl -sk --http2 '$url' | sha256sum"
check 'many streams' sh -c "h2load -n 500 -c 8 -m 10 '$url' | grep -q ' 500 succeeded, 0 failed'"
finishes 143
