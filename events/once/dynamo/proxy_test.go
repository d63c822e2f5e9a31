package dynamo_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// A fault is what a proxy does to requests.
type fault string

const (
	faultless  fault = ""
	throttled  fault = "throttled"
	broken     fault = "broken"     // 500
	dropped    fault = "dropped"    // the connection, before the server has seen the request
	unanswered fault = "unanswered" // the server does it, but the client gets no answer
	hanging    fault = "hanging"    // no answer, ever
)

// A proxy forwards requests to a DynamoDB, one at a time: DynamoDB serializes the
// writes of an item, but moto checks a condition and writes in two steps.
type proxy struct {
	server *httptest.Server
	target string

	serial sync.Mutex

	mu       sync.Mutex
	fault    fault
	left     int // requests that have the fault; all if negative
	requests int
}

func newProxy(t *testing.T, target string) *proxy {
	p := &proxy{target: strings.TrimSuffix(target, "/")}
	p.server = httptest.NewServer(p)
	t.Cleanup(p.server.Close)
	return p
}

// set gives a number of requests a fault, or all requests without a number.
func (p *proxy) set(f fault, number ...int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.left = f, -1
	if len(number) > 0 {
		p.left = number[0]
	}
}

// count returns the number of requests since its last call.
func (p *proxy) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.requests
	p.requests = 0
	return n
}

func (p *proxy) next() fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
	if p.left == 0 {
		return faultless
	}
	p.left--
	return p.fault
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch p.next() {
	case throttled:
		fail(w, http.StatusBadRequest, "ThrottlingException")
	case broken:
		fail(w, http.StatusInternalServerError, "InternalServerError")
	case dropped:
		panic(http.ErrAbortHandler)
	case hanging:
		io.Copy(io.Discard, r.Body) // else the server does not notice that the client is gone
		<-r.Context().Done()
	case unanswered:
		p.forward(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	default:
		p.forward(w, r)
	}
}

func fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#`+code+`","message":"a fault of the test"}`)
}

func (p *proxy) forward(w http.ResponseWriter, r *http.Request) {
	p.serial.Lock()
	defer p.serial.Unlock()
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
