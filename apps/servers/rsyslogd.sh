# rsyslogd: takes messages by /dev/log, UDP and TCP and writes them by facility.
# packages: rsyslog bsdutils
cat >"$WORK/conf" <<'END'
module(load="imuxsock")
module(load="imudp")
module(load="imtcp")
input(type="imudp" port="514")
input(type="imtcp" port="514")
global(workDirectory="/srv")
template(name="short" type="string" string="%syslogfacility-text%.%syslogseverity-text%%msg%\n")
*.* action(type="omfile" file="/dev/stdout" template="short")
END
machine -p 514 -p 514/udp --cpus 2 --package rsyslog --package bsdutils --add "$WORK/conf" bash -c "
    (until [ -S /dev/log ]; do sleep 0.1; done; for i in 1 2 3 4 5; do logger -p mail.info local \$i; done) & exec rsyslogd -n -i NONE -f $WORK/conf"
prints 'mail.info local 5'
ok "$app: by /dev/log"
check 'sends' logger --server 127.0.0.1 -T --port "${ports[514]}" -p user.notice over tcp
prints 'over tcp'
ok "$app: by TCP"
check 'sends by UDP' logger --server 127.0.0.1 -d --port "${ports["514/udp"]}" -p user.err over udp
prints 'over udp'
ok "$app: by UDP"
finishes
