# CMake with Ninja and make, ctest, Meson: a library and a program built and tested.
# packages: cmake ninja-build meson gcc make binutils libc6-dev grep sed
# limit: 400
script 'as here' --cpus 2 --memory 1500M <<'END'
set -e
mkdir c && cd c
cat >CMakeLists.txt <<'T'
cmake_minimum_required(VERSION 3.13)
project(x C)
enable_testing()
add_library(l SHARED l.c)
find_package(Threads REQUIRED)
add_executable(x x.c)
target_link_libraries(x l Threads::Threads)
add_test(NAME t COMMAND x)
T
echo 'int l(void){return 42;}' >l.c
printf '#include <stdio.h>\nint l(void);int main(void){printf("%%d\\n",l());return 0;}\n' >x.c
cmake -G Ninja -B b >/dev/null; ninja -C b -j4 | tail -1 | sed 's/.*\] //'; ./b/x; (cd b && ctest -j2 | grep passed)
cmake -B m >/dev/null; make -s -C m -j4 | grep -c Built; ./m/x
cat >meson.build <<'T'
project('x','c')
l=library('l','l.c')
x=executable('x','x.c',link_with:l)
test('t',x)
T
meson setup mm >/dev/null; meson compile -C mm >/dev/null; meson test -C mm | grep '^Ok'
END
