package soak_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
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

	mu         sync.Mutex
	received   map[string]int // messages by receipt handle
	deliveries []int          // of each message
	early      []int          // messages to be deleted before they were handled
	errs       []error
}

func newProxy(server http.Handler, messages messages, ledger *ledger) *proxy {
	return &proxy{
		server: server, messages: messages, ledger: ledger,
		received: make(map[string]int), deliveries: make([]int, len(messages)),
	}
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.") {
	case "ReceiveMessage":
		p.forwardReceive(w, r)
	case "DeleteMessage", "DeleteMessageBatch":
		p.forwardDelete(w, r)
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

func (p *proxy) recordError(err error) {
	if err != nil {
		p.errs = append(p.errs, err)
	}
}
