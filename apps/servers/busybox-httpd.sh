# busybox: httpd with a script for CGI.
# packages: busybox-static curl
mkdir -p "$WORK/www/cgi-bin" && seq 5000 >"$WORK/www/file"
printf '#!/bin/sh\nprintf "Content-type: text/plain\\r\\n\\r\\n%%s %%s\\n" "$QUERY_STRING" $((6*7))\n' >"$WORK/www/cgi-bin/a" && chmod +x "$WORK/www/cgi-bin/a"
machine -p 80 --cpus 2 --package dash --add "$WORK/www" busybox httpd -f -p 0.0.0.0:80 -h "$WORK/www"
url=http://127.0.0.1:${ports[80]}
answers curl -sf -o /dev/null "$url/file"
says 'a file' "$(sha256sum <"$WORK/www/file")" sh -c "curl -s $url/file | sha256sum"
says 'a script' 'q=1 42' curl -s "$url/cgi-bin/a?q=1"
finishes 143
