# Interpreter threads, fork, socket pairs, alarms, System V shared memory and queues.
# packages: perl perl-modules-5.36
# limit: 600
script 'as here' --cpus 2 --memory 1G <<'END'
perl -e 'use threads; use threads::shared; my $c:shared=0; my @t=map{threads->create(sub{for(1..500){lock($c);$c++}})}1..4; $_->join for @t; print "$c\n"; use Socket; socketpair(my $a,my $b,AF_UNIX,SOCK_STREAM,0); if(fork==0){syswrite $a,"hi\n";exit 7} print scalar <$b>; wait; print $?>>8,"\n"; use POSIX; print POSIX::strftime("%Y",gmtime(0)),"\n"; $SIG{ALRM}=sub{die "alarm\n"}; eval{alarm 1; sleep 10}; print $@; use Time::HiRes; Time::HiRes::usleep(10); use IPC::Open3; my $p=open3(my $i,my $o,undef,"cat"); print $i "x\n"; close $i; print <$o>; use Sys::Hostname; print length(hostname())>0,"\n"; use IPC::SysV qw(IPC_PRIVATE); my $s=shmget(IPC_PRIVATE,100,0600); shmwrite($s,"abc",0,3); my $x; shmread($s,$x,0,3); print "$x\n"; shmctl($s,0,0); my $q=msgget(IPC_PRIVATE,0600); msgsnd($q,pack("l! a*",1,"m"),0); my $m; msgrcv($q,$m,10,0,0); print length $m,"\n"; msgctl($q,0,0);use Storable; print ref Storable::dclone({a=>1}),"\n"; use Encode; print length(decode("utf8","\xc3\xa9")),"\n"'
END
