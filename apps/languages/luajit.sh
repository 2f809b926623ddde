# The JIT, FFI, popen.
# packages: luajit
# limit: 600
script 'as here' --cpus 2 --memory 1G <<'END'
luajit -e 'local ffi=require"ffi"; ffi.cdef"int getpid(void); int printf(const char*,...);" print(ffi.C.getpid()>0); local s=0 for i=1,1e7 do s=s+i%7 end print(s); print(io.popen("echo hi"):read"*a"); local t={} for i=1,1e5 do t[i]={i} end print(#t)'
END
