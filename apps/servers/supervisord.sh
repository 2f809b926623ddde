# supervisord: starts three programs, restarts one that dies, reports by HTTP, ends all.
# packages: supervisor
cat >"$WORK/conf" <<END
[supervisord]
nodaemon=true
user=root
logfile=/dev/null
logfile_maxbytes=0
pidfile=/srv/pid
[inet_http_server]
port=0.0.0.0:9001
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[program:a]
command=/usr/bin/sleep 10000
[program:b]
command=/usr/bin/sleep 10000
stopsignal=KILL
[program:dies]
command=/bin/sh -c 'echo x >>/srv/count; [ \$(wc -l </srv/count) -gt 2 ] || exit 1; exec sleep 10000'
startsecs=0
autorestart=true
END
machine -p 9001 --cpus 2 --package supervisor --package coreutils --add "$WORK/conf" supervisord -c "$WORK/conf"
cat >"$WORK/ask.py" <<'END'
import sys, xmlrpc.client
s = xmlrpc.client.ServerProxy("http://127.0.0.1:%s/RPC2" % sys.argv[1]).supervisor
while sum(p["statename"] == "RUNNING" for p in s.getAllProcessInfo()) < 3: pass
s.stopProcess("b")
print(sorted((p["name"], p["statename"]) for p in s.getAllProcessInfo()))
s.startProcess("b")
END
answers curl -sf "http://127.0.0.1:${ports[9001]}/"
says 'three programs' "[('a', 'RUNNING'), ('b', 'STOPPED'), ('dies', 'RUNNING')]" python3 "$WORK/ask.py" "${ports[9001]}"
finishes
