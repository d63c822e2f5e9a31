package sqslocal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"wildix-worker/consumer/sqslocal/internal/sqserr"
)

// maxRequestSize is large enough for the largest batch with every byte escaped.
const maxRequestSize = 8 << 20

// ServeHTTP answers one API request: a POST of JSON to any path, with the action in the X-Amz-Target header.
func (s *Server) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	name := strings.TrimPrefix(hr.Header.Get("X-Amz-Target"), "AmazonSQS.")
	run, known := actions[name]
	counted := name
	if !known {
		counted = "" // clients must not grow the counters with names of their own
	}
	body := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(body)
	body.Reset()
	if _, err := body.ReadFrom(http.MaxBytesReader(w, hr.Body, maxRequestSize)); err != nil {
		writeError(w, readError(err))
		return
	}
	r := &request{ctx: hr.Context(), host: hr.Host, account: s.account, fault: s.faults.draw(counted, body.Bytes())}
	output, err := any(nil), s.before(r)
	switch {
	case err != nil:
	case !known:
		err = sqserr.UnknownAction(name)
	default:
		output, err = run(r, body.Bytes())
	}
	if r.fault.DropAfter || hr.Context().Err() != nil {
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, output)
}

// before holds a request for the latency and for the faults that come before its action. It returns the error to answer with instead
// of the action, if there is one.
func (s *Server) before(r *request) error {
	if !s.sleep(r.ctx, s.latency+r.fault.Delay) {
		return sqserr.Unavailable
	}
	if r.fault.Hang {
		select {
		case <-r.ctx.Done():
		case <-s.closed:
		}
	}
	if r.fault.Hang || r.fault.DropBefore {
		panic(http.ErrAbortHandler)
	}
	return r.fault.requestError()
}

// sleep waits for d. It returns false if the client disconnects or the server closes first.
func (s *Server) sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil && !s.isClosed()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-s.closed:
	}
	return false
}

func readError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return sqserr.RequestTooLarge(maxRequestSize)
	}
	return sqserr.Malformed(err)
}

func writeError(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*sqserr.Error](err)
	if !ok {
		e = sqserr.Internal(err)
	}
	fault := "Receiver"
	if e.SenderFault() {
		fault = "Sender"
	}
	w.Header().Set("X-Amzn-Query-Error", e.Code+";"+fault)
	writeJSON(w, e.Status, map[string]string{"__type": e.TypeName(), "message": e.Message})
}

// buffers holds *bytes.Buffer for the bodies of requests and answers.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func writeJSON(w http.ResponseWriter, status int, output any) {
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(output); err != nil {
		panic(fmt.Sprintf("sqslocal: encoding %T: %v", output, err)) // cannot happen: outputs are plain structs
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("Content-Length", strconv.Itoa(buf.Len()))
	w.WriteHeader(status)
	w.Write(buf.Bytes())
}
