// Go and C in one program: calls both ways, threads of both, signals, the collector, os/exec.
package main

/*
#cgo LDFLAGS: -lpthread
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern int goCallback(int);

static int square(int x) { return x * x; }
static int fails(int e) { errno = e; return -1; }
static int back(int n) { return goCallback(n) + 1; }

// A thread that C made calls into Go, which has not seen it before.
static void *foreign(void *arg) { return (void *)(intptr_t)goCallback((int)(intptr_t)arg); }
static long threads(int n) {
    pthread_t t[64];
    long sum = 0;
    for (int i = 0; i < n; i++) pthread_create(&t[i], NULL, foreign, (void *)(intptr_t)i);
    for (int i = 0; i < n; i++) { void *r; pthread_join(t[i], &r); sum += (long)(intptr_t)r; }
    return sum;
}
// C that computes for long: Go's signals of preemption arrive in it.
static uint64_t churn(uint64_t n) { uint64_t s = 1; for (uint64_t i = 0; i < n; i++) s = s * 6364136223846793005u + i; return s; }
static int deep(int n) { char room[512]; memset(room, n, sizeof room); return n ? deep(n - 1) + room[n % 512] * 0 + 1 : 0; }
static int *null(void) { return NULL; }
static int sleeper(void) { return usleep(20000); }
*/
import "C"

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"runtime"
	"runtime/debug"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

//export goCallback
func goCallback(n C.int) C.int {
	s := make([]byte, 100+int(n)%100)
	return n*2 + C.int(len(s))*0
}

func calls() {
	sum := 0
	for i := 0; i < 20000; i++ {
		sum += int(C.square(C.int(i % 100)))
	}
	for i := 0; i < 2000; i++ {
		sum += int(C.back(C.int(i)))
	}
	_, err := C.fails(C.int(syscall.EAGAIN))
	p := C.CString("from Go")
	fmt.Println("calls", sum, err, C.strlen(p), C.deep(500))
	C.free(unsafe.Pointer(p))
	fmt.Println("foreign threads", C.threads(16), C.threads(32))
}

func mixed() {
	var wg sync.WaitGroup
	var sum uint64
	stop := make(chan bool)
	for i := 0; i < 4; i++ {
		go func() { // garbage all the time
			var keep [][]byte
			for {
				select {
				case <-stop:
					return
				default:
					keep = append(keep, make([]byte, 4096))
					if len(keep) > 200 {
						keep = nil
					}
				}
			}
		}()
	}
	for i := 0; i < 16; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			for k := 0; k < 10; k++ {
				atomic.AddUint64(&sum, uint64(C.churn(100000))&1)
				C.back(C.int(k))
				if i%4 == 0 {
					C.sleeper()
				}
			}
		}(i)
	}
	for i := 0; i < 5; i++ {
		runtime.GC()
	}
	wg.Wait()
	close(stop)
	fmt.Println("mixed", sum%160 == 0 || sum > 0)
}

func faults() {
	for i := 0; i < 100; i++ {
		func() {
			defer func() {
				if r := recover(); i == 0 {
					fmt.Println("recovered", r)
				}
			}()
			var p *int
			*p = i
		}()
	}
	func() {
		defer func() { fmt.Println("recovered", recover()) }()
		fmt.Println(*(*int)(unsafe.Pointer(C.null())))
	}()
	debug.SetPanicOnFault(true)
	func() {
		defer func() { fmt.Println("fault", recover() != nil) }()
		fmt.Println(*(*int)(unsafe.Pointer(uintptr(0x123456789000))))
	}()
}

func signals() {
	c := make(chan os.Signal, 100)
	signal.Notify(c, syscall.SIGUSR1, syscall.SIGUSR2)
	for i := 0; i < 50; i++ {
		syscall.Kill(syscall.Getpid(), syscall.SIGUSR1)
		if s := <-c; s != syscall.SIGUSR1 {
			fmt.Println("got", s)
		}
	}
	signal.Ignore(syscall.SIGUSR2)
	syscall.Kill(syscall.Getpid(), syscall.SIGUSR2)
	signal.Reset()
	fmt.Println("signals", len(c))
}

func children() {
	out, err := exec.Command("sh", "-c", "echo out; exit 3").Output()
	fmt.Printf("exec %q %v\n", out, err)
	cat := exec.Command("cat")
	cat.Stdin = bytes.NewReader(bytes.Repeat([]byte("x"), 500000))
	out, err = cat.Output()
	fmt.Println("cat", len(out), err)
	_, err = exec.Command("/nonexistent").Output()
	fmt.Println(err)
	sleep := exec.Command("sleep", "100")
	sleep.Start()
	sleep.Process.Signal(syscall.SIGTERM)
	fmt.Println("sleep", sleep.Wait(), sleep.ProcessState.Sys().(syscall.WaitStatus).Signal())
	var wg sync.WaitGroup
	codes := make([]string, 20)
	for i := range codes {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			codes[i] = fmt.Sprint(exec.Command("sh", "-c", fmt.Sprintf("exit %d", i)).Run())
		}(i)
	}
	wg.Wait()
	sort.Strings(codes)
	fmt.Println(strings.Join(codes, ","))
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "cpus" {
		fmt.Println(runtime.NumCPU(), runtime.GOMAXPROCS(0))
		return
	}
	calls()
	mixed()
	faults()
	signals()
	children()
	u, err := user.Current()
	fmt.Println("user", err == nil && u.Uid == fmt.Sprint(os.Getuid()))
	start := time.Now()
	time.Sleep(20 * time.Millisecond)
	fmt.Println("slept", time.Since(start) >= 20*time.Millisecond, runtime.NumCgoCall() > 20000)
	os.Exit(6)
}
