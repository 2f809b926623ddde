#!/bin/bash
# timeout: 300
# soak-timeout: 7200
# The catalogue (apps/README.md): apps.sh [NAME...]; --table prints docs/programs.md.
. tests/system/lib.sh
. tests/system/net/lib.bash
. /tmp/osp/apps1-lib.bash

table() {
    local kind file first
    cat <<END
# Programs that are known to run

Written by \`make programs\` from \`apps/\`; each line is a test (\`tests/system/apps.sh NAME\`) that drives the
unmodified program of Debian 12 in the machine. Those marked * run in \`make test\`, all in \`make soak\`. Beyond these
\`tests/system/*.sh\` has redis, memcached, nginx, lighttpd, haproxy, dnsmasq, iperf3, OpenSSL, PostgreSQL, node, Python, Java,
Go, Rust, C++, strace, gdb, stress-ng and Debian's basic tools.
END
    for kind in apps/*/; do
        printf '\n## %s\n\n| name | package | what is checked | limits |\n| --- | --- | --- | --- |\n' \
            "$(basename "$kind" | sed 's/./\U&/')"
        for file in "$kind"*.sh; do
            first=$(app_line "$file" packages | cut -d' ' -f1)
            # shellcheck disable=SC2016
            printf '| %s%s | %s | %s | %s |\n' "$(basename "$file" .sh)" "$(grep -qx '# test' "$file" && echo ' *')" \
                "$first $(dpkg-query -W -f '${Version}' "$first" 2>/dev/null | sed -E 's/^[0-9]+://; s/[-+~].*//')" \
                "$(sed -n '1s/^# //p' "$file")" "$(app_line "$file" limits)"
        done
    done
}

if [ "${1:-}" = --table ]; then
    table
    exit
fi
for file in apps/*/*.sh; do
    name=$(basename "$file" .sh)
    if [ $# -gt 0 ]; then
        [[ " $* " == *" $name "* ]] || continue
    elif [ "$SOAK" = 0 ]; then
        grep -qx '# test' "$file" || continue
    fi
    if why=$(app_install "$file"); then app_run "$file"; else skip "$name" "$why"; fi
done
