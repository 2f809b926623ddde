# PHP's own server with 3 workers.
# packages: php-cli apache2-utils
echo '<?php echo array_sum(range(1, 100)), " ", strrev($_GET["w"] ?? "");' >"$WORK/a.php"
machine -p 80 --cpus 2 --env PHP_CLI_SERVER_WORKERS=3 --add "$WORK/a.php" php -S 0.0.0.0:80 -t "$WORK"
url=http://127.0.0.1:${ports[80]}
answers curl -sf "$url/a.php"
says 'a page' '5050 cba' curl -s "$url/a.php?w=abc"
check 'many clients' sh -c "ab -q -n 300 -c 8 '$url/a.php' | grep -q 'Failed requests: *0\$'"
finishes 143
