# Event loop, sockets, exec; expect drives a shell with job control in a pseudo terminal.
# packages: tcl expect tcl8.6 tcl-expect
# limit: 600
script 'as here' --cpus 2 --memory 1G <<'END'
cat > a.tcl <<'P'
puts [expr {6*7}]
puts [exec echo hi | tr a-z A-Z]
set s [socket -server acc 0]
proc acc {c a p} { fconfigure $c -blocking 0 -buffering line; fileevent $c readable [list rd $c] }
proc rd {c} { if {[gets $c l] >= 0} { puts $c [string toupper $l] } elseif {[eof $c]} { close $c } }
set c [socket 127.0.0.1 [lindex [fconfigure $s -sockname] 2]]
fconfigure $c -buffering line -blocking 0
fileevent $c readable { if {[gets $c l]>=0} {puts "got $l"; set done 1} }
puts $c hello
vwait done
after 100 {set d2 1}; vwait d2
puts [file exists /etc/passwd]
puts [clock format 0 -gmt 1]
package require Thread
P
tclsh a.tcl 2>&1 | grep -v -i thread
cat > e.exp <<'P'
log_user 0
spawn bash --norc
send "PS1='prompt> '\r"
expect "prompt> "
send "echo a\$((1+1))b\r"
expect -re "a2b\r" { puts ok }
send "stty -a | head -1\r"
expect -re "speed" { puts ok2 }
send "sleep 100\r"
sleep 0.3
send "\003"
expect "prompt> " { puts ok3 }
send "exit 3\r"
expect eof
puts [lindex [wait] 3]
P
expect e.exp
END
