# Exim takes messages by SMTP and delivers them to a local mailbox, as another user.
# packages: exim4-daemon-light
cat >"$WORK/conf" <<'END'
primary_hostname = osprey.test
domainlist local_domains = osprey.test
acl_smtp_rcpt = accept
log_file_path = /srv/exim/%slog
spool_directory = /srv/exim
pid_file_path = /srv/exim/pid
keep_environment =
daemon_smtp_ports = 25
never_users =
begin acl
begin routers
local:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  file = /srv/mail/joe
  user = mail
  group = mail
END
machine -p 25 --cpus 2 --package exim4-daemon-light --package coreutils --package grep --add "$WORK/conf" \
    bash -c "mkdir -p /srv/exim /srv/mail /etc/exim4 && chmod 777 /srv/mail && chown Debian-exim /srv/exim && cp $WORK/conf /etc/exim4/exim4.conf &&
        touch /srv/mail/joe /srv/exim/mainlog && chown mail /srv/mail/joe && chown Debian-exim /srv/exim/mainlog && chmod 660 /srv/mail/joe;
        tail -q -n+1 -f /srv/mail/joe /srv/exim/mainlog & exec exim4 -bdf -q1m"
mail_is_delivered
finishes
