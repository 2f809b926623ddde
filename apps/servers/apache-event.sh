# Apache httpd with the event MPM (threads and processes): files, ranges, 404, 32 clients at once, graceful end.
# packages: apache2-bin apache2-utils
# test
mkdir -p "$WORK/www" && head -c 300000 /dev/urandom >"$WORK/www/big" && echo hello >"$WORK/www/index.html"
mkconf() {
    cat <<END
ServerRoot /usr
ServerName osprey
Listen 80
PidFile /srv/apache.pid
DefaultRuntimeDir /srv
ErrorLog /dev/stderr
User www-data
Group www-data
LoadModule mpm_$1_module /usr/lib/apache2/modules/mod_mpm_$1.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule status_module /usr/lib/apache2/modules/mod_status.so
TypesConfig /etc/mime.types
DocumentRoot /srv/www
<Location /status>
SetHandler server-status
</Location>
END
}
: "${mpm:=event}"
mkconf "$mpm" >"$WORK/conf"
# Served from /srv: www-data may not get to $WORK where only root may enter a folder above it.
machine -p 80 --cpus 2 --memory 512M --add "$WORK/www" --add "$WORK/conf" --package apache2-bin \
    sh -c "cp -r $WORK/www /srv/www && chmod -R a+rX /srv/www && exec /usr/sbin/apache2 -DFOREGROUND -f $WORK/conf"
url=http://127.0.0.1:${ports[80]}
answers curl -sf "$url/"
says 'a page' hello curl -s "$url/"
says 'a file' "$(sha256sum <"$WORK/www/big")" sh -c "curl -s $url/big | sha256sum"
says 'a part of it' "$(tail -c +1001 "$WORK/www/big" | head -c 500 | sha256sum)" sh -c "curl -s -r 1000-1499 $url/big | sha256sum"
says 'what is not there' 404 curl -s -o /dev/null -w '%{http_code}' "$url/none"
check 'many clients' sh -c "ab -q -n 600 -c 32 $url/big | grep -q 'Failed requests: *0\$'"
check 'many clients, connections kept' sh -c "ab -q -k -n 2000 -c 32 $url/ | grep -q 'Failed requests: *0\$'"
check 'its status' sh -c "curl -s $url/status?auto | grep -q '^ServerMPM: *$mpm\$'"
finishes
