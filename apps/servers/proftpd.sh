# ProFTPD: login, files in and out (passive), a listing.
# packages: proftpd-core curl
cat >"$WORK/conf" <<END
ServerName osprey
ServerType standalone
DefaultServer on
Port 21
User root
Group root
UseIPv6 off
ScoreboardFile /srv/score
DelayEngine off
PassivePorts 30000 30000
MasqueradeAddress 127.0.0.1
AuthUserFile /srv/users
RequireValidShell off
AuthOrder mod_auth_file.c
RootLogin on
AllowOverwrite on
PidFile /srv/pid
END
hash=$(openssl passwd -6 secret)
port=$(free_port)
sed -i "s/30000 30000/$port $((port + 1))/" "$WORK/conf"
machine -p 21 -p "127.0.0.1:$port:$port" -p "127.0.0.1:$((port + 1)):$((port + 1))" --cpus 2 --memory 512M --package proftpd-core --package coreutils --add "$WORK/conf" \
    bash -c "echo 'joe:$hash:1000:1000::/srv/joe:/bin/sh' >/srv/users; chmod 600 /srv/users; mkdir /srv/joe; chown 1000:1000 /srv/joe; exec proftpd -n -c $WORK/conf"
head -c 300000 /dev/urandom >"$WORK/file"
at=ftp://joe:secret@127.0.0.1:${ports[21]}
answers curl -sf -m 20 --disable-epsv "$at/"
check 'a file in' curl -sf --disable-epsv -T "$WORK/file" "$at/file"
says 'and out' "$(sha256sum <"$WORK/file")" sh -c "curl -sf --disable-epsv $at/file | sha256sum"
says 'a listing' file curl -sfl --disable-epsv "$at/"
finishes
