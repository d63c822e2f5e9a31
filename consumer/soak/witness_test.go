package soak_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// A witness stands between the workers of a queue and the server. It knows
// which letter each receipt handle is of, and looks into the ledger whenever a
// delete comes by: the entry has to be there first. So a delete that is too
// early is seen even if no crash makes it a loss.
type witness struct {
	server  http.Handler
	letters letters
	ledger  *ledger

	mu         sync.Mutex
	lent       map[string]int // letters by receipt handle
	deliveries []int          // of each letter
	early      []int          // letters that were to be deleted before they were handled
	errs       []error
}

func newWitness(server http.Handler, letters letters, ledger *ledger) *witness {
	return &witness{server: server, letters: letters, ledger: ledger, lent: make(map[string]int), deliveries: make([]int, len(letters))}
}

func (w *witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	switch strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.") {
	case "ReceiveMessage":
		w.receive(rw, r)
	case "DeleteMessage", "DeleteMessageBatch":
		w.delete(rw, r)
	default:
		w.server.ServeHTTP(rw, r)
	}
}

// receive takes note of an answer before it passes it on.
func (w *witness) receive(rw http.ResponseWriter, r *http.Request) {
	answer := httptest.NewRecorder()
	w.server.ServeHTTP(answer, r)
	if answer.Code == http.StatusOK {
		w.noteReceived(answer.Body.Bytes())
	}
	for name, values := range answer.Header() {
		rw.Header()[name] = values
	}
	rw.WriteHeader(answer.Code)
	rw.Write(answer.Body.Bytes())
}

func (w *witness) noteReceived(answer []byte) {
	var out struct {
		Messages []struct{ Body, ReceiptHandle string }
	}
	err := json.Unmarshal(answer, &out)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note(err)
	for _, m := range out.Messages {
		if n, _, ok := w.letters.find([]byte(m.Body)); ok {
			w.lent[m.ReceiptHandle] = n
			w.deliveries[n]++
		}
	}
}

// delete looks at a request before it passes it on.
func (w *witness) delete(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the worker was killed
	}
	w.noteDeleted(body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.server.ServeHTTP(rw, r)
}

func (w *witness) noteDeleted(request []byte) {
	type handle struct{ ReceiptHandle string }
	var in struct {
		handle
		Entries []handle
	}
	err := json.Unmarshal(request, &in)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note(err)
	for _, h := range append(in.Entries, in.handle) {
		n, ok := w.lent[h.ReceiptHandle]
		if !ok {
			continue
		}
		handled, err := w.ledger.has(n)
		w.note(err)
		if !handled {
			w.early = append(w.early, n)
		}
	}
}

func (w *witness) note(err error) {
	if err != nil {
		w.errs = append(w.errs, err)
	}
}
