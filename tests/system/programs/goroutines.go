// Goroutines on all processors, channels, timers, the garbage collector, panics, signals.
package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func primes(n int) int {
	ch := make(chan int)
	go func(out chan int) {
		for i := 2; ; i++ {
			out <- i
		}
	}(ch)
	p := 0
	for i := 0; i < n; i++ {
		p = <-ch
		next := make(chan int)
		go func(in, out chan int, p int) {
			for {
				if v := <-in; v%p != 0 {
					out <- v
				}
			}
		}(ch, next, p)
		ch = next
	}
	return p
}

func busy() uint64 {
	var sum uint64
	var wg sync.WaitGroup
	for g := 0; g < runtime.NumCPU()*2; g++ {
		wg.Add(1)
		go func() { // no calls inside: only an asynchronous preemption stops it
			defer wg.Done()
			var s uint64
			for i := uint64(0); i < 20000000; i++ {
				s += i ^ s>>3
			}
			atomic.AddUint64(&sum, s&1)
		}()
	}
	wg.Wait()
	return sum & 0
}

type node struct{ left, right *node }

func tree(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{tree(depth - 1), tree(depth - 1)}
}

func (n *node) count() int {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.count() + n.right.count()
}

func recovered(f func()) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	f()
	return
}

func main() {
	fmt.Println("processors", runtime.NumCPU() > 0, runtime.GOMAXPROCS(0) == runtime.NumCPU())
	fmt.Println("prime", primes(200))
	fmt.Println("busy", busy())

	var wg sync.WaitGroup
	var mu sync.Mutex
	words := map[string]int{}
	for g := 0; g < 50; g++ {
		wg.Add(1)
		go func(g int) {
			defer wg.Done()
			for i := 0; i < 100; i++ {
				mu.Lock()
				words[fmt.Sprintf("w%d", (g*i)%7)]++
				mu.Unlock()
			}
		}(g)
	}
	wg.Wait()
	keys := []string{}
	for k, v := range words {
		keys = append(keys, fmt.Sprintf("%s=%d", k, v))
	}
	sort.Strings(keys)
	fmt.Println(strings.Join(keys, " "))

	total := 0
	for i := 0; i < 10; i++ {
		total += tree(14).count()
	}
	runtime.GC()
	fmt.Println("nodes", total)

	ticks := 0
	ticker := time.NewTicker(5 * time.Millisecond)
	timeout := time.After(20 * time.Second)
	for ticks < 5 {
		select {
		case <-ticker.C:
			ticks++
		case <-timeout:
			fmt.Println("no ticks")
			os.Exit(1)
		}
	}
	fmt.Println("ticks", ticks)

	fmt.Println(recovered(func() { var p *node; p.left = nil }))
	fmt.Println(recovered(func() { a, z := 1, 0; fmt.Println(a / z) }))
	fmt.Println(recovered(func() { s := []int{}; fmt.Println(s[ticks]) }))

	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println("signal", <-c)

	os.WriteFile("/tmp/go-test", []byte("written"), 0o600)
	data, err := os.ReadFile("/tmp/go-test")
	fmt.Println(string(data), err, os.Remove("/tmp/go-test"))
	_, err = os.Open("/nonexistent")
	fmt.Println(err)
	fmt.Printf("%x\n", sha256.Sum256(make([]byte, 1<<20)))
	os.Exit(3)
}
