# Postfix takes messages by SMTP and delivers them to a local mailbox; its processes are one master's.
# packages: postfix python3
# limit: 300
machine -p 25 --cpus 2 --memory 768M --package postfix --package coreutils --package sed --package grep --package findutils \
    bash -c "postconf -e myhostname=osprey.test mydestination=osprey.test inet_protocols=ipv4 inet_interfaces=all 'mynetworks=0.0.0.0/0' \
        alias_maps= alias_database= local_recipient_maps= mailbox_command= home_mailbox= mail_spool_directory=/srv/mail/ compatibility_level=3.6 \
        maillog_file=/dev/stdout smtpd_relay_restrictions=permit_mynetworks,reject &&
        useradd joe; id joe || echo 'joe:x:2000:2000::/srv:/bin/sh' >>/etc/passwd; mkdir -p /srv/mail && chmod 1777 /srv/mail &&
        postfix start-fg & until [ -d /srv/mail/joe/new ] && [ \$(ls /srv/mail/joe/new | wc -l) = 5 ]; do read -t 0.2 x; done; cat /srv/mail/joe/new/*; wait"
mail_is_delivered
finishes 143
