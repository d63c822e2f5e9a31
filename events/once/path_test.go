package once_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// A fault is what happens to requests on their way.
type fault string

const (
	faultless  fault = ""
	throttled  fault = "throttled"
	broken     fault = "broken"     // 500
	dropped    fault = "dropped"    // the connection, before the server has seen the request
	unanswered fault = "unanswered" // it is done, and nobody is told
	hanging    fault = "hanging"    // no answer, ever
)

// A path leads to a DynamoDB. It lets one request through at a time, as
// DynamoDB itself has it for one item; moto checks a condition and then writes
// as if nobody else did.
type path struct {
	server *httptest.Server
	target string

	one sync.Mutex

	mu       sync.Mutex
	fault    fault
	left     int // requests that the fault is for; all if negative
	requests int
}

func newPath(t *testing.T, target string) *path {
	p := &path{target: strings.TrimSuffix(target, "/")}
	p.server = httptest.NewServer(p)
	t.Cleanup(p.server.Close)
	return p
}

// set has the next requests meet a fault, or all if there is no number.
func (p *path) set(f fault, number ...int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.left = f, -1
	if len(number) > 0 {
		p.left = number[0]
	}
}

// count returns how many requests came since the last count.
func (p *path) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.requests
	p.requests = 0
	return n
}

func (p *path) next() fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
	if p.left == 0 {
		return faultless
	}
	p.left--
	return p.fault
}

func (p *path) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch p.next() {
	case throttled:
		answer(w, http.StatusBadRequest, "ThrottlingException")
	case broken:
		answer(w, http.StatusInternalServerError, "InternalServerError")
	case dropped:
		panic(http.ErrAbortHandler)
	case hanging:
		io.Copy(io.Discard, r.Body) // or the server does not see the client go
		<-r.Context().Done()
	case unanswered:
		p.forward(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	default:
		p.forward(w, r)
	}
}

func answer(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#`+code+`","message":"as the test wants it"}`)
}

func (p *path) forward(w http.ResponseWriter, r *http.Request) {
	p.one.Lock()
	defer p.one.Unlock()
	request, err := http.NewRequest(r.Method, p.target+r.URL.Path, r.Body)
	if err != nil {
		panic(err)
	}
	request.Header, request.ContentLength = r.Header, r.ContentLength
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer response.Body.Close()
	w.Header().Set("Content-Type", response.Header.Get("Content-Type"))
	w.WriteHeader(response.StatusCode)
	io.Copy(w, response.Body)
}
