package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"

	"go.uber.org/zap"

	"wildix-worker/signature"
)

// signatureHeader carries the signature, in net/http's canonical form.
const signatureHeader = "X-Signature"

const (
	// growth is how many times larger the memory of a large body gets when it is full.
	growth = 4
	// largeBody is the size from which a body counts as large. Most events have
	// about 1 KiB, those with a transcript more.
	largeBody = 16 << 10
	// maxLarge is how many large bodies with a valid signature are in memory at once.
	maxLarge = 64
)

// A requestReader reads the bodies and signatures of requests, and limits the memory of
// large bodies.
type requestReader struct {
	maxBody int
	bodies  *bodies       // being read, or not verified yet
	large   chan struct{} // one slot for each large body with a valid signature
}

func newRequestReader(maxBody int, log *zap.Logger) *requestReader {
	return &requestReader{maxBody: maxBody, bodies: newBodies(log), large: make(chan struct{}, maxLarge)}
}

// A message is what a request carries: the body and signature as received.
type message struct {
	body      []byte
	signature string
	reading   *reading      // has its memory; nil if it is not large
	large     chan struct{} // where the message occupies a slot; nil if it does not
}

// release must be called when the body is no longer used.
func (m *message) release() {
	if m.reading != nil {
		m.reading.release()
	}
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
	if req.ContentLength > int64(r.maxBody) {
		closeAfterAnswer(w) // so that the server does not read the body
		return m, tooLarge(r.maxBody)
	}
	if len(req.TransferEncoding) > 0 {
		// RFC 9112, 6.3: a request that also has a Content-Length may be an attempt to smuggle
		// another one. net/http has removed that header, so it can't be told apart.
		closeAfterAnswer(w)
	}
	if m.signature, failure = signatureOf(req); failure != nil {
		closeAfterAnswer(w)
		return m, failure
	}
	body := http.MaxBytesReader(w, req.Body, int64(r.maxBody))
	var buf bytes.Buffer
	length := int(max(req.ContentLength, 0)) // 0 if unknown
	buf.Grow(min(length, largeBody) + bytes.MinRead)
	_, err := buf.ReadFrom(io.LimitReader(body, largeBody))
	if err == nil && buf.Len() == largeBody {
		m.reading = r.bodies.begin(w, largeBody)
		m.body, err = r.readLarge(m.reading, body, buf.Bytes(), length)
	} else {
		m.body = buf.Bytes()
	}
	if errors.Is(err, errNoRoom) {
		closeAfterAnswer(w)
	}
	return m, r.readError(err)
}

// errNoRoom means that there are too many large bodies, of which this one is the slowest.
var errNoRoom = errors.New("too many large bodies at once")

// readLarge reads the rest of a body of which start has been read. The memory grows with what
// has come, not with what the header claims.
func (r *requestReader) readLarge(reading *reading, body io.Reader, start []byte, length int) ([]byte, error) {
	most := r.maxBody + 1 // so that a read finds the end
	if length > 0 {
		most = length + 1
	}
	buf := slices.Clip(start)
	var err error
	for err == nil {
		if len(buf) == cap(buf) {
			size := min(growth*cap(buf), most)
			if !reading.grow(size) {
				return nil, errNoRoom
			}
			buf = append(make([]byte, 0, size), buf...)
		}
		var n int
		n, err = body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		reading.received(n)
	}
	switch lost := reading.finish(); {
	case lost:
		return nil, errNoRoom
	case errors.Is(err, io.EOF):
		return buf, nil
	default:
		return nil, err
	}
}

// signatureOf returns the signature of a request. A request without a well-formed one is
// refused before its body is read.
func signatureOf(req *http.Request) (string, *requestError) {
	signatures := req.Header[signatureHeader]
	if len(signatures) > 1 {
		return "", &requestError{http.StatusUnauthorized, "more than one " + signatureHeader + " header"}
	}
	var sig string
	if len(signatures) == 1 {
		sig = signatures[0]
	}
	if err := signature.CheckForm(sig); err != nil {
		return "", &requestError{http.StatusUnauthorized, err.Error()}
	}
	return sig, nil
}

// keep lets a message with a valid signature stay in memory while it is handled. It reports
// false if there are too many large ones.
func (r *requestReader) keep(m *message) bool {
	if m.reading == nil {
		return true
	}
	select {
	case r.large <- struct{}{}:
		m.large = r.large
		m.reading.release()
		m.reading = nil
		return true
	default:
		r.bodies.refuse()
		return false
	}
}

func (r *requestReader) readError(err error) *requestError {
	var exceeds *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNoRoom):
		return &requestError{http.StatusServiceUnavailable, err.Error()}
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
