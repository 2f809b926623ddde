# PHP-FPM (processes, a Unix socket) behind nginx, in one machine.
# packages: php-fpm nginx-light apache2-utils
mkdir -p "$WORK/www"
echo '<?php echo array_sum(range(1, 100)), " ", strrev($_GET["w"] ?? ""), " ", posix_getuid() > 0;' >"$WORK/www/a.php"
fpm=$(ls /usr/sbin/php-fpm* | head -1)
cat >"$WORK/fpm.conf" <<END
[global]
error_log = /dev/stderr
daemonize = no
[www]
user = www-data
group = www-data
listen = /srv/fpm.sock
listen.owner = www-data
pm = dynamic
pm.max_children = 4
pm.start_servers = 2
pm.min_spare_servers = 1
pm.max_spare_servers = 3
END
cat >"$WORK/nginx.conf" <<END
user www-data;
daemon off;
worker_processes 2;
pid /srv/pid;
error_log /dev/stderr;
events { }
http { access_log off; server { listen 80; root $WORK/www; location ~ \.php$ { include /etc/nginx/fastcgi_params;
    fastcgi_param SCRIPT_FILENAME \$document_root\$fastcgi_script_name; fastcgi_pass unix:/srv/fpm.sock; } } }
END
machine -p 80 --cpus 2 --memory 512M --package nginx-light --package "$(dpkg-query -S "$fpm" | cut -d: -f1)" --add "$WORK/www" --add "$WORK/fpm.conf" --add "$WORK/nginx.conf" \
    bash -c "$fpm -y $WORK/fpm.conf & exec nginx -c $WORK/nginx.conf"
url=http://127.0.0.1:${ports[80]}
answers curl -sf "$url/a.php"
says 'a page' '5050 cba 1' curl -s "$url/a.php?w=abc"
check 'many clients' sh -c "ab -q -n 500 -c 16 '$url/a.php' | grep -q 'Failed requests: *0\$'"
finishes
