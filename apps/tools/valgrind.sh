# memcheck, helgrind, callgrind, massif and cachegrind on a program with threads, fork, signals, system(3).
# packages: valgrind gcc gcc-12 libc6-dev binutils libc6-dbg
# limit: 900
script 'as here' --cpus 2 --memory 2G <<'END'
cat > a.c <<'P'
#include <stdlib.h>
#include <stdio.h>
#include <pthread.h>
#include <unistd.h>
#include <sys/wait.h>
#include <signal.h>
static int g;
static void *f(void *p){g++;return p;}
static void h(int s){(void)s;write(1,"sig\n",4);}
int main(void){char*p=malloc(10);p[10]=1;int*u=malloc(4);if(*u)puts("u");free(p);
pthread_t a,b;pthread_create(&a,0,f,0);pthread_create(&b,0,f,0);pthread_join(a,0);pthread_join(b,0);
if(!fork())_exit(3);int st;wait(&st);printf("%d\n",WEXITSTATUS(st));fflush(stdout);signal(SIGUSR1,h);raise(SIGUSR1);system("echo sys");return 0;}
P
gcc -g a.c -o a -pthread
valgrind -q ./a 2>&1 | sed 's/==[0-9]*==/==/;s/0x[0-9A-F]*/X/g'
valgrind -q --tool=helgrind ./a 2>&1 | grep -c 'data race'
valgrind --tool=callgrind --callgrind-out-file=c.out ./a 2>&1 | grep -v == ; test -s c.out && echo c
valgrind --tool=massif --massif-out-file=m.out ./a >/dev/null 2>&1; test -s m.out && echo m
valgrind --tool=cachegrind --cachegrind-out-file=g.out ./a >/dev/null 2>&1; test -s g.out && echo g
valgrind --leak-check=full --error-exitcode=9 /bin/ls / > /dev/null 2>&1; echo $?
END
