# Fortran with OpenMP (libgomp), affinity, unformatted files; tcc compiles and runs in memory.
# packages: gfortran gfortran-12 gcc gcc-12 libgfortran-12-dev libc6-dev binutils tcc
# limit: 600
script 'as here' --cpus 2 --memory 1G <<'END'
cat > a.f90 <<'P'
program a
 use omp_lib
 integer :: i, s
 s = 0
!$omp parallel do reduction(+:s)
 do i = 1, 1000000
  s = s + mod(i, 7)
 end do
 print *, s
!$omp parallel
!$omp critical
 s = s + 1
!$omp end critical
!$omp barrier
!$omp single
 print *, omp_get_num_threads()
!$omp end single
!$omp end parallel
 open(10, file='x.dat', form='unformatted'); write(10) s; rewind(10); read(10) i; print *, i; close(10)
 call execute_command_line('echo hi')
end
P
gfortran -fopenmp -O2 a.f90 -o a && OMP_NUM_THREADS=4 ./a
OMP_PLACES=cores OMP_PROC_BIND=true OMP_NUM_THREADS=2 ./a
cat > b.c <<'P'
#include <stdio.h>
int main(void){printf("tcc %d\n", 6*7);return 0;}
P
tcc -run b.c; tcc b.c -o b && ./b
END
