# Dovecot: login by IMAP (its processes hand over descriptors), a message appended, searched, fetched.
# packages: dovecot-imapd
cat >"$WORK/conf" <<END
protocols = imap
base_dir = /run/dovecot
log_path = /dev/stderr
ssl = no
disable_plaintext_auth = no
mail_location = maildir:/srv/mail/%u
first_valid_uid = 8
auth_mechanisms = plain login
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=mail gid=mail home=/srv/mail/%u
}
service imap-login {
  inet_listener imap {
    port = 143
  }
}
END
cat >"$WORK/ask.py" <<'END'
import imaplib, sys
m = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]), timeout=60)
print(m.login("joe", "secret")[0])
for i in range(5):
    m.append("INBOX", None, None, b"Subject: note %d\r\nFrom: a@b\r\n\r\nbody %d\r\n" % (i, i))
print(m.select("INBOX")[1][0].decode())
print(m.search(None, "SUBJECT", '"note 3"')[1][0].decode())
print(m.fetch("4", "(BODY[TEXT])")[1][0][1].decode().strip())
m.store("2", "+FLAGS", "\\Deleted")
print(m.expunge()[1][0].decode())
m.create("Other"); m.copy("1", "Other")
print(m.status("Other", "(MESSAGES)")[1][0].decode())
m.logout()
END
machine -p 143 --cpus 2 --memory 512M --package dovecot-core --package dovecot-imapd --add "$WORK/conf" \
    bash -c "mkdir -p /srv/mail /run/dovecot && chmod 777 /srv/mail && exec dovecot -F -c $WORK/conf"
answers python3 -c 'import imaplib, sys; imaplib.IMAP4("127.0.0.1", int(sys.argv[1]), timeout=20).logout()' "${ports[143]}"
says 'a mailbox' $'OK\n5\n4\nbody 3\n2\nOther (MESSAGES 1)' python3 "$WORK/ask.py" "${ports[143]}"
finishes
