package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// clock OFFSET sets $CLOCK to an endpoint of the server whose clock is behind ours by the
// offset. clock none sets it to one that does not report its time.
func clock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: clock OFFSET|none")
	}
	h := skewedHandler{Handler: server(ts)}
	if args[0] == "none" {
		h.noDate = true
	} else {
		behind, err := time.ParseDuration(args[0])
		ts.Check(err)
		h.behind = behind
	}
	srv := httptest.NewServer(h)
	ts.Defer(srv.Close)
	ts.Setenv("CLOCK", srv.URL)
}

// A skewedHandler has its own clock. Like AWS it refuses a signature whose time differs by
// more than five minutes.
type skewedHandler struct {
	http.Handler
	behind time.Duration // of its clock, compared with ours
	noDate bool          // responses have no Date header
}

func (h skewedHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now().Add(-h.behind)
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	if h.noDate {
		w.Header()["Date"] = nil
	}
	signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err == nil && signed.Sub(now).Abs() <= 5*time.Minute {
		h.Handler.ServeHTTP(w, r)
		return
	}
	w.Header().Set("X-Amzn-Query-Error", "SignatureDoesNotMatch;Sender")
	w.WriteHeader(http.StatusForbidden)
	fmt.Fprint(w, `{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Signature expired"}`)
}
