# vsftpd: anonymous files out and in, a listing (a process for each connection).
# packages: vsftpd curl
port=$(free_port)
cat >"$WORK/conf" <<END
listen=YES
background=NO
anonymous_enable=YES
anon_root=/srv/ftp
anon_upload_enable=YES
write_enable=YES
no_anon_password=YES
anon_umask=022
secure_chroot_dir=/srv/empty
pasv_address=127.0.0.1
pasv_min_port=$port
pasv_max_port=$port
seccomp_sandbox=NO
END
machine -p 21 -p "127.0.0.1:$port:$port" --cpus 2 --memory 512M --package vsftpd --package coreutils --add "$WORK/conf" \
    bash -c "mkdir -p /srv/ftp/in /srv/empty && chown ftp /srv/ftp/in && chown root $WORK/conf && echo hello >/srv/ftp/file && exec vsftpd $WORK/conf"
head -c 300000 /dev/urandom >"$WORK/up"
at=ftp://127.0.0.1:${ports[21]}
answers curl -sf -m 20 --disable-epsv "$at/"
says 'a file out' hello curl -sf --disable-epsv "$at/file"
check 'a file in' curl -sf --disable-epsv -T "$WORK/up" "$at/in/up"
says 'and out' "$(sha256sum <"$WORK/up")" sh -c "curl -sf --disable-epsv $at/in/up | sha256sum"
finishes 143
