# bubblewrap: a sandbox of bind mounts, with /proc and /dev of its own, read-only, and no more capabilities.
# packages: bubblewrap
# limits: mount namespaces only (--unshare-pid and the like are refused)
script 'a sandbox' <<'END'
mkdir data; echo kept >data/a
bwrap --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --bind data /mnt --chdir /mnt --new-session --cap-drop ALL \
    sh -c 'pwd; cat a; echo new >b; ls /tmp | wc -l; (: >/etc/x) 2>/dev/null || echo no; grep CapEff /proc/self/status; : >/dev/null'
cat data/b
awk '$2 == "/mnt"' /proc/self/mounts | wc -l
bwrap --ro-bind / / sh -c 'exit 7'; echo $?
END
