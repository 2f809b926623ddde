# collectd reads /proc and /sys by its plug-ins and writes CSV files.
# packages: collectd-core
# limits: no taskstats (generic netlink): the delays of processes are not read
cat >"$WORK/conf" <<'END'
Interval 1
PIDFile "/srv/pid"
BaseDir "/srv"
TypesDB "/usr/share/collectd/types.db"
LoadPlugin logfile
<Plugin logfile>
  File STDERR
</Plugin>
LoadPlugin cpu
LoadPlugin memory
LoadPlugin load
LoadPlugin interface
LoadPlugin uptime
LoadPlugin processes
LoadPlugin vmem
LoadPlugin contextswitch
LoadPlugin df
LoadPlugin tcpconns
LoadPlugin entropy
LoadPlugin users
LoadPlugin swap
LoadPlugin irq
LoadPlugin protocols
LoadPlugin fhcount
LoadPlugin csv
<Plugin csv>
  DataDir "/srv/csv"
</Plugin>
END
inside 'its plug-ins' --cpus 2 --memory 512M --package collectd-core --package coreutils --package grep --add "$WORK/conf" bash -c "
    collectd -f -C $WORK/conf 2>/srv/err & for p in cpu-0 memory load interface-lo uptime processes vmem contextswitch df-root entropy fhcount irq protocols-Tcp; do
        until [ -d /srv/csv/*/\$p ]; do kill -0 %1 || break 2; sleep 0.2; done; done; kill %1; wait; grep -iE 'failed|error' /srv/err | grep -v taskstats; echo done" <<'END'
done
END
