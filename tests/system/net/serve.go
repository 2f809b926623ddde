package main

import (
	"bytes"
	"net/http"
	"strconv"
)

func main() {
	pattern := []byte("0123456789abcdefghijklmnopqrstuvwxyz\n")
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Path[1:])
		body := bytes.Repeat(pattern, n/37+1)[:n]
		w.Header().Set("Content-Length", strconv.Itoa(n))
		w.Write(body)
	})
	panic(http.ListenAndServe(":8000", nil))
}
