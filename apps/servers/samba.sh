# Samba's smbd: a share over SMB 3: files in and out, renamed, listed, deleted.
# packages: samba smbclient
# limit: 300
cat >"$WORK/conf" <<END
[global]
server role = standalone server
map to guest = Bad User
guest account = nobody
smb ports = 445
disable netbios = yes
load printers = no
printcap name = /dev/null
log file = /srv/log
lock directory = /srv/s
state directory = /srv/s
cache directory = /srv/s
private dir = /srv/s
pid directory = /srv/s
ncalrpc dir = /srv/s/n
[files]
path = /srv/files
guest ok = yes
read only = no
END
machine -p 445 --cpus 2 --memory 768M --package samba --package samba-common-bin --package coreutils --add "$WORK/conf" \
    bash -c "mkdir -p /srv/s /srv/files && chown nobody /srv/files && exec smbd -F --no-process-group -s $WORK/conf"
smb() { smbclient -N -p "${ports[445]}" -t 60 //127.0.0.1/files -D / -c "$1"; }
answers smb ls
head -c 3000000 /dev/urandom >"$WORK/up"
check 'a file in' smb "put $WORK/up up"
smb "mkdir d; rename up d/up; get d/up $WORK/down" >/dev/null 2>&1
check 'renamed, and out' cmp "$WORK/up" "$WORK/down"
check 'a listing' sh -c "smbclient -N -p ${ports[445]} //127.0.0.1/files -c 'ls d/*' | grep -q 'up .* 3000000'"
check 'deleted' smb 'del d/up; rmdir d'
finishes 143
