package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// clock OFFSET sets $CLOCK to an endpoint of the server for which our clock is ahead by the
// offset; clock none sets it to one that does not report its time.
func clockAhead(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: clock OFFSET|none")
	}
	front := timekeeper{Handler: server(ts)}
	if args[0] == "none" {
		front.silent = true
	} else {
		ahead, err := time.ParseDuration(args[0])
		ts.Check(err)
		front.ahead = ahead
	}
	srv := httptest.NewServer(front)
	ts.Defer(srv.Close)
	ts.Setenv("CLOCK", srv.URL)
}

// A timekeeper is a server with its own clock. Like AWS it refuses signatures whose time is
// off.
type timekeeper struct {
	http.Handler
	ahead  time.Duration // by which our clock is ahead of the server's
	silent bool
}

func (k timekeeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now().Add(-k.ahead)
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	if k.silent {
		w.Header()["Date"] = nil
	}
	signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err == nil && signed.Sub(now).Abs() <= 5*time.Minute {
		k.Handler.ServeHTTP(w, r)
		return
	}
	w.Header().Set("X-Amzn-Query-Error", "SignatureDoesNotMatch;Sender")
	w.WriteHeader(http.StatusForbidden)
	fmt.Fprint(w, `{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Signature expired"}`)
}
