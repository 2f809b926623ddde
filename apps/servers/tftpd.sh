# tftpd-hpa: a file fetched from it, in a machine with its client.
# packages: tftpd-hpa tftp-hpa
head -c 100000 /dev/urandom >"$WORK/file"
inside 'a file in and out' --net user --cpus 2 --package tftpd-hpa --package tftp-hpa --package coreutils --add "$WORK/file" bash -c "
    mkdir /srv/tftp; chmod 777 /srv/tftp; cp $WORK/file /srv/tftp/f
    in.tftpd -L -c -s /srv/tftp -u nobody -a 127.0.0.1:69 &
    until tftp -4 127.0.0.1 69 -m octet -c get f /srv/got && cmp -s /srv/got $WORK/file; do :; done
    tftp -4 127.0.0.1 69 -m octet -c put $WORK/file g; cmp /srv/tftp/g $WORK/file && echo same; kill %1; wait" <<'END'
same
END
