# PHP in Apache httpd (mod_php): a page computed, a form posted, a session kept.
# packages: libapache2-mod-php apache2 php-cli
mkdir -p "$WORK/www"
cat >"$WORK/www/index.php" <<'END'
<?php session_save_path('/tmp'); session_start(); $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;
echo $_SESSION['n'], ' ', array_sum(range(1, 100)), ' ', strrev($_POST['w'] ?? 'cba'), ' ', md5('x'), "\n";
END
module=$(ls /usr/lib/apache2/modules/libphp*.so | head -1)
cat >"$WORK/conf" <<END
ServerRoot /etc/apache2
ServerName osprey
Listen 80
PidFile /srv/apache.pid
DefaultRuntimeDir /srv
ErrorLog /dev/stderr
User www-data
Group www-data
LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule php_module $module
TypesConfig /etc/mime.types
DocumentRoot $WORK/www
DirectoryIndex index.php
<FilesMatch ".php\$">
SetHandler application/x-httpd-php
</FilesMatch>
END
machine -p 80 --cpus 2 --memory 512M --add "$WORK/www" --add "$WORK/conf" --package apache2-bin \
    --package "$(dpkg-query -S "$module" | cut -d: -f1)" /usr/sbin/apache2 -DFOREGROUND -f "$WORK/conf"
url=http://127.0.0.1:${ports[80]}
answers curl -sf "$url/"
get() { curl -s -b "$WORK/jar" -c "$WORK/jar" "$@" "$url/"; }
get >/dev/null
says 'a session and a form' "2 5050 olleh $(printf x | md5sum | cut -d' ' -f1)" get -d w=hello
check 'at once' sh -c "ab -q -n 200 -c 16 $url/ | grep -q 'Complete requests: *200\$'"
finishes
