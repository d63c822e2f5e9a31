// Package awsbatchtest has what the tests of the handlers for AWS share.
package awsbatchtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/events"
	"wildix-worker/signature"
)

// Secret signs the events.
const Secret = "test-secret"

// MotoEndpoint returns the URL of a moto server, which implements SQS, SNS and EventBridge. It
// skips the test if there is none.
func MotoEndpoint(t *testing.T) string {
	t.Helper()
	const variable = "MOTO_ENDPOINT"
	endpoint := os.Getenv(variable)
	if endpoint == "" {
		t.Skipf("%s names no server; .ci/servers start moto starts one", variable)
	}
	return endpoint
}

// Event returns the signed event number n.
func Event(t *testing.T, n int) *events.Event {
	t.Helper()
	body := fmt.Appendf(nil, `{"id":"call-%d","type":"call:end","time":1693389853611,"data":{"destination":"+12025550100"}}`, n)
	keys, err := signature.NewKeyring(signature.Key{Secret: Secret})
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := events.DecodeSigned(keys, body, signature.Sign(Secret, body))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Events returns the events from 0 to n-1.
func Events(t *testing.T, n int) (list []*events.Event) {
	t.Helper()
	for i := range n {
		list = append(list, Event(t, i))
	}
	return list
}

// HandleAll has the events handled at the same time, within a bubble, and returns the result
// of each. They arrive one after another.
func HandleAll(t *testing.T, h events.Handler, list []*events.Event) []error {
	t.Helper()
	results := make([]error, len(list))
	var all sync.WaitGroup
	for i, e := range list {
		all.Go(func() { results[i] = h.HandleEvent(t.Context(), e) })
		synctest.Wait()
	}
	all.Wait()
	return results
}

// A Kind is what a handler's error asks for.
type Kind string

// The kinds of results.
const (
	Success     Kind = "success"
	Retry       Kind = "retry"
	Permanent   Kind = "permanent"
	Unavailable Kind = "unavailable"
)

// KindOf returns the kind of a result.
func KindOf(err error) Kind {
	_, unavailable := events.UnavailableFor(err)
	switch {
	case err == nil:
		return Success
	case events.IsPermanent(err):
		return Permanent
	case unavailable:
		return Unavailable
	default:
		return Retry
	}
}

// WantKind checks the kind of a result, and that its text begins with the target and
// contains a text.
func WantKind(t *testing.T, err error, kind Kind, target, text string) {
	t.Helper()
	d, unavailable := events.UnavailableFor(err)
	if KindOf(err) != kind || unavailable && (d < time.Second || d > 2*time.Second) {
		t.Errorf("%v is of kind %s, want %s", err, KindOf(err), kind)
	}
	if err != nil && (!strings.HasPrefix(err.Error(), target+": ") || !strings.Contains(err.Error(), text)) {
		t.Errorf("%v, want %s: ... %s", err, target, text)
	}
}

// A Client is the HTTP client of an SDK's client whose server is a handler in this process.
// So it works in a synctest bubble. The handler takes a second for an answer.
type Client struct{ Handler http.Handler }

// Do has the handler answer the request, unless the request ends before.
func (c Client) Do(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	c.Handler.ServeHTTP(answer, r)
	select {
	case <-time.After(time.Second):
		return answer.Result(), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}
