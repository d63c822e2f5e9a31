package bench_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// timedDeletes stands before a queue's server, and measures how long after its event was made
// each message is deleted.
type timedDeletes struct {
	server http.Handler

	mu     sync.Mutex
	made   map[string]time.Time // by receipt handle
	delays []time.Duration
}

// take returns the delays since the last call.
func (t *timedDeletes) take() []time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	delays := t.delays
	t.delays, t.made = nil, nil
	return delays
}

func (t *timedDeletes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the consumer has gone
	}
	r.Body = io.NopCloser(bytes.NewReader(request))
	answer := httptest.NewRecorder()
	t.server.ServeHTTP(answer, r)
	switch _, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); action {
	case "ReceiveMessage":
		t.received(answer.Body.Bytes())
	case "DeleteMessageBatch":
		t.deleted(request)
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes())
}

func (t *timedDeletes) received(answer []byte) {
	var out struct {
		Messages []struct{ Body, ReceiptHandle string }
	}
	if json.Unmarshal(answer, &out) != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.made == nil {
		t.made = make(map[string]time.Time)
	}
	for _, m := range out.Messages {
		t.made[m.ReceiptHandle] = madeAt([]byte(m.Body))
	}
}

func (t *timedDeletes) deleted(request []byte) {
	var in struct {
		Entries []struct{ ReceiptHandle string }
	}
	if json.Unmarshal(request, &in) != nil {
		return
	}
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range in.Entries {
		t.delays = append(t.delays, now.Sub(t.made[e.ReceiptHandle]))
	}
}
