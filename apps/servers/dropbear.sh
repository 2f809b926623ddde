# Dropbear: login by key, a command, a file through it.
# packages: dropbear-bin openssh-client
ssh-keygen -q -t ed25519 -N '' -f "$WORK/key"
machine -p 22 --memory 512M --package dropbear-bin --package coreutils --add "$WORK/key.pub" \
    bash -c "mkdir -p /root/.ssh && chmod 700 /root /root/.ssh && cp $WORK/key.pub /root/.ssh/authorized_keys &&
        dropbearkey -t ed25519 -f /root/hostkey >/dev/null && exec dropbear -F -E -r /root/hostkey -p 22"
options=(-F /dev/null -i "$WORK/key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o BatchMode=yes)
in_vm() { ssh "${options[@]}" -p "${ports[22]}" root@127.0.0.1 "$@"; }
answers in_vm true
says 'a command' 'root 42' in_vm 'echo $(id -un) $((6*7))'
head -c 1000000 /dev/urandom >"$WORK/file"
through() { ssh "${options[@]}" -p "${ports[22]}" root@127.0.0.1 cat <"$WORK/file" | cmp - "$WORK/file"; }
check 'a megabyte there and back' through
finishes 1
