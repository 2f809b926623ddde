# Threads, fork, Ractors, pipes, sockets, signals, a pseudo terminal, extensions (OpenSSL, zlib, YAML).
# packages: ruby ruby3.1 libruby3.1
# test
# limit: 600
script 'as here' --cpus 2 --memory 1G <<'END'
cat > r.rb <<'R'
q = Queue.new
th = 4.times.map { |i| Thread.new { 1000.times { |k| q << i*1000+k } } }
th.each(&:join)
puts q.size
r, w = IO.pipe
pid = fork { r.close; w.puts "child #{1+1}"; w.close; exit! 3 }
w.close
puts r.read
Process.wait pid
puts $?.exitstatus
m = Mutex.new; c = 0
8.times.map { Thread.new { 1000.times { m.synchronize { c += 1 } } } }.each(&:join)
puts c
puts `echo hi`
puts IO.popen(["cat"], "r+") { |f| f.write "abc"; f.close_write; f.read }
require 'socket'
s = TCPServer.new('127.0.0.1', 0)
t = Thread.new { a = s.accept; a.puts a.gets.upcase; a.close }
c = TCPSocket.new('127.0.0.1', s.addr[1]); c.puts "hello"; puts c.gets
t.join
require 'timeout'
begin; Timeout.timeout(0.2) { sleep 100 }; rescue Timeout::Error; puts "timeout"; end
trap("USR1") { puts "usr1" }
Process.kill("USR1", $$); sleep 0.1
require 'digest'; puts Digest::SHA256.hexdigest("a"*100000)
require 'json'; puts JSON.generate({a: [1,2,{b: nil}]})
rs = 3.times.map { |i| Ractor.new(i) { |x| (1..10000).sum * x } }
puts rs.map(&:take).inspect
f = Fiber.new { 3.times { |i| Fiber.yield i } ; :done}
puts 4.times.map { f.resume }.inspect
require 'tempfile'; Tempfile.create { |f| f.write "x"; f.flush; puts File.size(f.path) }
require 'etc'; puts Etc.getpwuid(0).name
require 'io/console'; require 'pty'
PTY.spawn("echo in pty; tty | sed s/[0-9]*$//") { |a,b,p| begin; a.each { |l| puts l.chomp }; rescue Errno::EIO; end; Process.wait p }
require 'open3'; o, e, st = Open3.capture3("sh -c 'echo out; echo err >&2; exit 4'"); p o, e, st.exitstatus
puts ObjectSpace.count_objects.size > 3
GC.start; GC.compact; puts "gc"
require 'yaml'; puts({'a'=>1}.to_yaml)
require 'zlib'; puts Zlib::Inflate.inflate(Zlib::Deflate.deflate("z"*1000)).size
require 'openssl'; puts OpenSSL::Digest::SHA1.hexdigest("a")
p Process.clock_gettime(Process::CLOCK_MONOTONIC) > 0
p Dir.glob("/etc/h*ts"), File.stat("/etc").directory?
p Process.getrlimit(:NOFILE).size
Process.spawn("true"); p Process.waitall.size
R
ruby -W0 r.rb
END
