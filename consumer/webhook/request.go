package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

// signatureHeader carries the signature, in net/http's canonical form.
const signatureHeader = "X-Signature"

const (
	// largeBody is the size from which a body counts as large. Most events have
	// about 1 KiB, those with a transcript more.
	largeBody = 16 << 10
	// maxLarge is how many large bodies are in memory at once.
	maxLarge = 64
)

// A requestReader reads the bodies and signatures of requests, and limits how many
// large bodies are in memory.
type requestReader struct {
	maxBody int
	large   chan struct{} // one slot for each large body
}

func newRequestReader(maxBody int) *requestReader {
	return &requestReader{maxBody: maxBody, large: make(chan struct{}, maxLarge)}
}

// A message is what a request carries: the body and signature as received.
type message struct {
	body      []byte
	signature string
	large     chan struct{} // where the message occupies a slot; nil if it does not
}

// release must be called when the body is no longer used.
func (m *message) release() {
	if m.large != nil {
		<-m.large
	}
}

// A requestError says why a request can't be verified, and has the status of its answer.
type requestError struct {
	status int
	reason string
}

func (e *requestError) Error() string { return e.reason }

// read reads the signature and the body. The message must be released even if
// there is an error.
func (r *requestReader) read(w http.ResponseWriter, req *http.Request) (m message, failure *requestError) {
	signatures := req.Header[signatureHeader]
	if len(signatures) > 1 {
		return m, &requestError{http.StatusUnauthorized, fmt.Sprintf("%d %s headers, want one", len(signatures), signatureHeader)}
	}
	if len(signatures) == 1 {
		m.signature = signatures[0]
	}
	body := http.MaxBytesReader(w, req.Body, int64(r.maxBody))
	if req.ContentLength > int64(r.maxBody) {
		w.Header().Set("Connection", "close") // so that the server does not read the body
		return m, tooLarge(r.maxBody)
	}
	var buf bytes.Buffer
	length := int(max(req.ContentLength, 0)) // 0 if unknown
	buf.Grow(min(length, largeBody) + bytes.MinRead)
	_, err := buf.ReadFrom(io.LimitReader(body, largeBody))
	if err == nil && buf.Len() == largeBody {
		if !r.acquireLarge(&m) {
			return m, &requestError{http.StatusServiceUnavailable, "too many large bodies in memory"}
		}
		buf.Grow(max(length-largeBody, 0) + bytes.MinRead)
		_, err = buf.ReadFrom(body)
	}
	m.body = buf.Bytes()
	return m, r.readError(err)
}

// acquireLarge takes a slot for a large body, and reports whether one was free.
func (r *requestReader) acquireLarge(m *message) bool {
	select {
	case r.large <- struct{}{}:
		m.large = r.large
		return true
	default:
		return false
	}
}

func (r *requestReader) readError(err error) *requestError {
	var exceeds *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exceeds):
		return tooLarge(r.maxBody)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &requestError{http.StatusRequestTimeout, "timed out reading the body"}
	default:
		return &requestError{http.StatusBadRequest, "reading the body: " + err.Error()}
	}
}

func tooLarge(limit int) *requestError {
	return &requestError{http.StatusRequestEntityTooLarge, fmt.Sprintf("body is larger than %d bytes", limit)}
}
