# Postfix takes messages by SMTP and delivers them to a local mailbox; its processes are one master's.
# packages: postfix python3
# limit: 300
machine -p 25 --cpus 2 --memory 768M --package postfix --package coreutils --package sed --package grep --package findutils \
    bash -c "postconf -e myhostname=osprey.test mydestination=osprey.test inet_protocols=ipv4 inet_interfaces=all 'mynetworks=0.0.0.0/0' \
        alias_maps= alias_database= local_recipient_maps= mailbox_command= home_mailbox= mail_spool_directory=/srv/mail/ compatibility_level=3.6 \
        maillog_file=/dev/stdout smtpd_relay_restrictions=permit_mynetworks,reject &&
        useradd joe; id joe || echo 'joe:x:2000:2000::/srv:/bin/sh' >>/etc/passwd; mkdir -p /srv/mail && chmod 1777 /srv/mail &&
        postfix start-fg & until [ -d /srv/mail/joe/new ] && [ \$(ls /srv/mail/joe/new | wc -l) = 5 ]; do read -t 0.2 x; done; cat /srv/mail/joe/new/*; wait"
cat >"$WORK/send.py" <<'END'
import smtplib, sys
s = smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=60)
if len(sys.argv) > 2:
    for i in range(5):
        s.sendmail("ann@host.test", ["joe@osprey.test"], f"Subject: note {i}\n\nword{i} of the body\n")
s.quit()
END
answers python3 "$WORK/send.py" "${ports[25]}"
check 'takes mail' python3 "$WORK/send.py" "${ports[25]}" send
for i in 0 1 2 3 4; do prints "word$i of the body"; done
ok "$app: it is delivered"
finishes 143
