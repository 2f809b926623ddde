# OpenSSH's sshd: login by key, commands, a terminal, scp and sftp both ways, forwarded ports, rsync over it.
# packages: openssh-server openssh-client rsync
ssh-keygen -q -t ed25519 -N '' -f "$WORK/key" && ssh-keygen -q -t ed25519 -N '' -f "$WORK/hostkey"
machine -p 22 --cpus 2 --memory 512M --package openssh-server --package openssh-sftp-server --package openssh-client --package rsync \
    --package coreutils --add "$WORK/hostkey" --add "$WORK/key.pub" \
    bash -c "mkdir -p /run/sshd /root/.ssh && chmod 700 /root /root/.ssh && cp $WORK/key.pub /root/.ssh/authorized_keys &&
        cp $WORK/hostkey /root/hostkey && chmod 600 /root/hostkey && exec /usr/sbin/sshd -D -e -f /dev/null -h /root/hostkey \
        -o Subsystem='sftp /usr/lib/openssh/sftp-server' -o UsePAM=no -o PermitRootLogin=yes"
options=(-F /dev/null -i "$WORK/key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o BatchMode=yes)
in_vm() { ssh "${options[@]}" -p "${ports[22]}" root@127.0.0.1 "$@"; }
answers in_vm true
says 'a command' 'root 42' in_vm 'echo $(id -un) $((6*7))'
status_is_7() { in_vm 'exit 7'; [ $? = 7 ]; }
check 'its status' status_is_7
says 'a terminal' $'1\r' in_vm -tt "tty | grep -c '^/dev/pts/'"
head -c 3000000 /dev/urandom >"$WORK/file"
check 'scp in' scp -q "${options[@]}" -P "${ports[22]}" "$WORK/file" root@127.0.0.1:/root/file
says 'it is whole' "$(sha256sum <"$WORK/file")" in_vm 'sha256sum </root/file'
check 'scp out, the old way' scp -O -q "${options[@]}" -P "${ports[22]}" root@127.0.0.1:/root/file "$WORK/back"
check 'it is whole, too' cmp "$WORK/file" "$WORK/back"
mkdir -p "$WORK/tree/a/b" && cp apps/servers/*.sh "$WORK/tree/a/b"
check 'rsync in' rsync -a -e "ssh ${options[*]} -p ${ports[22]}" "$WORK/tree" root@127.0.0.1:/root/
check 'rsync out' rsync -a -e "ssh ${options[*]} -p ${ports[22]}" root@127.0.0.1:/root/tree/ "$WORK/tree2"
check 'the trees are the same' diff -r "$WORK/tree" "$WORK/tree2"
port=$(free_port)
ssh "${options[@]}" -N -L "127.0.0.1:$port:127.0.0.1:22" -p "${ports[22]}" root@127.0.0.1 </dev/null &
helpers+=($!)
forwarded() { ssh "${options[@]}" -p "$port" root@127.0.0.1 echo through; }
answers forwarded
says 'a forwarded port' through forwarded
finishes
