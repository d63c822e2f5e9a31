package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

// signatureHeader carries the signature, in net/http's spelling.
const signatureHeader = "X-Signature"

const (
	// largeBody is where a body begins to be large: events have about 1 KiB,
	// those with a transcript more.
	largeBody = 16 << 10
	// maxLarge is how many large bodies are in memory at once.
	maxLarge = 64
)

// A message is what a request carries. It holds a place among the large bodies
// if it is one, until it is released.
type message struct {
	body      []byte
	signature string
	large     chan struct{} // nil unless it holds a place
}

func (m *message) release() {
	if m.large != nil {
		<-m.large
	}
}

// A badRequest is a request that carries nothing to verify, and its answer.
type badRequest struct {
	status int
	reason string
}

func (e *badRequest) Error() string { return e.reason }

// read reads the signature and the body, as they came.
func (r *Receiver) read(w http.ResponseWriter, req *http.Request) (m message, bad *badRequest) {
	signatures := req.Header[signatureHeader]
	if len(signatures) > 1 {
		return m, &badRequest{http.StatusUnauthorized, fmt.Sprintf("%d signatures", len(signatures))}
	}
	if len(signatures) == 1 {
		m.signature = signatures[0]
	}
	body := http.MaxBytesReader(w, req.Body, int64(r.cfg.MaxBody))
	if req.ContentLength > int64(r.cfg.MaxBody) {
		w.Header().Set("Connection", "close") // rather than read it
		return m, tooLarge(r.cfg.MaxBody)
	}
	var buf bytes.Buffer
	length := int(max(req.ContentLength, 0)) // 0 if it is not known
	buf.Grow(min(length, largeBody) + bytes.MinRead)
	_, err := buf.ReadFrom(io.LimitReader(body, largeBody))
	if err == nil && buf.Len() == largeBody {
		if m.large = r.largePlace(); m.large == nil {
			return m, &badRequest{http.StatusServiceUnavailable, "too many large bodies at once"}
		}
		buf.Grow(max(length-largeBody, 0) + bytes.MinRead)
		_, err = buf.ReadFrom(body)
	}
	m.body = buf.Bytes()
	return m, r.whyBroken(err)
}

// largePlace takes a place among the large bodies, or returns nil.
func (r *Receiver) largePlace() chan struct{} {
	select {
	case r.large <- struct{}{}:
		return r.large
	default:
		return nil
	}
}

func (r *Receiver) whyBroken(err error) *badRequest {
	var exceeds *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exceeds):
		return tooLarge(r.cfg.MaxBody)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &badRequest{http.StatusRequestTimeout, "body took too long"}
	default:
		return &badRequest{http.StatusBadRequest, "body broke off: " + err.Error()}
	}
}

func tooLarge(limit int) *badRequest {
	return &badRequest{http.StatusRequestEntityTooLarge, fmt.Sprintf("body larger than %d bytes", limit)}
}
