package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// web STATUS FILE starts an endpoint at $WEB that writes its requests to a file, and answers
// with the status.
func web(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: web STATUS FILE")
	}
	status := map[string]int{"200": http.StatusOK, "400": http.StatusBadRequest, "503": http.StatusServiceUnavailable}[args[0]]
	out, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	var mu sync.Mutex
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var text bytes.Buffer
		text.WriteString(r.Method + " " + r.URL.String() + "\n")
		r.Header.Write(&text)
		io.Copy(&text, r.Body)
		mu.Lock()
		out.WriteString(text.String() + "\n")
		mu.Unlock()
		w.WriteHeader(status)
	}))
	ts.Defer(func() {
		s.Close()
		out.Close()
	})
	ts.Setenv("WEB", s.URL)
}
