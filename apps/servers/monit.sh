# monit watches a process, memory and load, starts what has died; its page says so.
# packages: monit
cat >"$WORK/conf" <<'END'
set daemon 1
set log /dev/stderr
set pidfile /srv/monit.pid
set statefile /srv/state
set idfile /srv/id
set httpd port 2812
    allow 0.0.0.0/0
check system osprey
    if memory usage > 99% then alert
check process a with pidfile /srv/a.pid
    start program = "/bin/sh -c 'sleep 10000 & echo $! >/srv/a.pid'"
check filesystem root with path /
    if space usage > 99% then alert
END
machine -p 2812 --cpus 2 --package monit --package coreutils --add "$WORK/conf" bash -c "cp $WORK/conf /srv/conf; chmod 600 /srv/conf; exec monit -I -c /srv/conf"
page() { curl -sf "http://127.0.0.1:${ports[2812]}/_status?format=text" | grep -q "Process 'a'"; }
prints "'a' process is running with pid"
ok "$app: starts what is not there"
answers page
check 'its page' page
finishes
