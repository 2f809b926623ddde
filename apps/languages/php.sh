# The command line: processes, sockets, signals, extensions chosen in /etc/php, its own HTTP server, the JIT.
# packages: php-cli php8.2-cli php8.2-common php8.2-opcache php8.2-readline
# test
# limit: 600
script 'as here' --cpus 2 --memory 1G <<'END'
cat > a.php <<'P'
<?php
echo PHP_OS, "\n";
$p = proc_open("cat", [["pipe","r"],["pipe","w"]], $pp);
fwrite($pp[0], "abc\n"); fclose($pp[0]); echo stream_get_contents($pp[1]); proc_close($p);
echo shell_exec("echo from shell");
$s = stream_socket_server("tcp://127.0.0.1:0"); $n = stream_socket_get_name($s, false);
$c = stream_socket_client("tcp://$n"); $a = stream_socket_accept($s);
fwrite($c, "hello\n"); echo fgets($a);
$pid = pcntl_fork(); if (!$pid) exit(5); pcntl_wait($st); echo pcntl_wexitstatus($st), "\n";
echo hash('sha256', str_repeat('a', 100000)), "\n";
var_dump(preg_match('/(\d+)-(\d+)/', 'a 12-34', $m), $m);
function fib($n) { return $n < 2 ? $n : fib($n-1)+fib($n-2); } echo fib(22), "\n";
file_put_contents('php.t', 'x'); echo filesize('php.t'), "\n"; unlink('php.t');
pcntl_async_signals(true); pcntl_signal(SIGUSR1, function() { echo "usr1\n"; }); posix_kill(posix_getpid(), SIGUSR1);
echo json_encode(['a'=>[1,2]]), "\n"; usleep(1000); print_r(array_sum(range(1,1000)));
$t = tmpfile(); fwrite($t, "q"); echo ftell($t), "\n"; echo date('Y') > 2000 ? "y\n" : "n\n";
P
php a.php
echo '<?php echo "hello ".$_GET["q"];' > index.php
port=$(php -r '$s=stream_socket_server("tcp://127.0.0.1:0"); echo explode(":",stream_socket_get_name($s,false))[1];')
php -S 127.0.0.1:$port >/dev/null 2>&1 & p=$!
php -r 'for($i=0;$i<1000;$i++){ $x=@file_get_contents("http://127.0.0.1:$argv[1]/?q=1"); if($x){echo $x,"\n";break;} usleep(100000);}' $port
kill $p; wait $p; echo $?
php -d opcache.enable_cli=1 -d opcache.jit=1255 -d opcache.jit_buffer_size=32M -r 'function f($n){$s=0;for($i=0;$i<$n;$i++)$s+=$i%7;return $s;} echo f(1000000),"\n";'
END
