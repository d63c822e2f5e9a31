package soak_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
)

// A proxy stands between the workers of a queue and the server. It knows the message of
// each receipt handle and checks before each delete that the message is in the ledger.
// So it detects early deletes even if no crash turns them into a loss.
type proxy struct {
	server   http.Handler
	messages messages
	ledger   *ledger

	release func(handle string) // makes a message visible

	mu         sync.Mutex
	received   map[string]int          // messages by receipt handle
	held       map[int]map[string]bool // by worker: handles whose leases were extended for long
	exited     map[int]bool            // workers
	deliveries []int                   // of each message
	early      []int                   // messages to be deleted before they were handled
	errs       []error
}

func newProxy(server http.Handler, messages messages, ledger *ledger) *proxy {
	return &proxy{
		server: server, messages: messages, ledger: ledger,
		received: make(map[string]int), deliveries: make([]int, len(messages)), held: make(map[int]map[string]bool), exited: make(map[int]bool),
	}
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.") {
	case "ReceiveMessage":
		p.forwardReceive(w, r)
	case "DeleteMessage", "DeleteMessageBatch":
		p.forwardDelete(w, r)
	case "ChangeMessageVisibilityBatch":
		p.forwardExtension(w, r)
	default:
		p.server.ServeHTTP(w, r)
	}
}

// forwardReceive records the messages of an answer before it forwards it.
func (p *proxy) forwardReceive(w http.ResponseWriter, r *http.Request) {
	answer := httptest.NewRecorder()
	p.server.ServeHTTP(answer, r)
	if answer.Code == http.StatusOK {
		p.recordReceive(answer.Body.Bytes())
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes())
}

func (p *proxy) recordReceive(answer []byte) {
	var out struct {
		Messages []struct{ Body, ReceiptHandle string }
	}
	err := json.Unmarshal(answer, &out)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recordError(err)
	for _, m := range out.Messages {
		if n, _, ok := p.messages.find([]byte(m.Body)); ok {
			p.received[m.ReceiptHandle] = n
			p.deliveries[n]++
		}
	}
}

// forwardDelete checks a request before it forwards it.
func (p *proxy) forwardDelete(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the worker was killed
	}
	p.checkDelete(body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	p.server.ServeHTTP(w, r)
}

func (p *proxy) checkDelete(request []byte) {
	type handle struct{ ReceiptHandle string }
	var in struct {
		handle
		Entries []handle
	}
	err := json.Unmarshal(request, &in)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recordError(err)
	for _, h := range append(in.Entries, in.handle) {
		n, ok := p.received[h.ReceiptHandle]
		if !ok {
			continue
		}
		handled, err := p.ledger.has(n)
		p.recordError(err)
		if !handled {
			p.early = append(p.early, n)
		}
	}
}

// forwardExtension records the messages that a worker holds.
func (p *proxy) forwardExtension(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the worker was killed
	}
	var in struct {
		Entries []struct {
			ReceiptHandle     string
			VisibilityTimeout int
		}
	}
	err = json.Unmarshal(body, &in)
	p.mu.Lock()
	p.recordError(err)
	worker := workerOf(r)
	for _, e := range in.Entries {
		if p.held[worker] == nil {
			p.held[worker] = make(map[string]bool)
		}
		if e.VisibilityTimeout >= longLease {
			// Not even a later call shortens it for sure: this one may be carried out later.
			p.held[worker][e.ReceiptHandle] = true
		}
	}
	p.mu.Unlock()
	defer func() { // also if the server drops the connection
		p.mu.Lock()
		exited := p.exited[worker]
		p.mu.Unlock()
		for _, e := range in.Entries {
			if exited && e.VisibilityTimeout >= longLease {
				p.release(e.ReceiptHandle)
			}
		}
	}()
	r.Body = io.NopCloser(bytes.NewReader(body))
	p.server.ServeHTTP(w, r)
}

// workerOf returns the number of the worker that has signed the request.
func workerOf(r *http.Request) int {
	_, text, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=worker-")
	text, _, _ = strings.Cut(text, "/")
	number, _ := strconv.Atoi(text)
	return number
}

// longLease is shorter, in seconds, than the lease of a held message, and longer than others.
const longLease = 300

// releaseHeld ends the leases of the messages that a worker held when it exited. They would
// end by themselves, but only after up to 16 minutes.
func (p *proxy) releaseHeld(worker int) {
	p.mu.Lock()
	handles := p.held[worker]
	delete(p.held, worker)
	p.exited[worker] = true
	p.mu.Unlock()
	for handle := range handles {
		p.release(handle)
	}
}

func (p *proxy) recordError(err error) {
	if err != nil {
		p.errs = append(p.errs, err)
	}
}
