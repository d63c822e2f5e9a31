package dynamo_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"wildix-worker/events/once"
	"wildix-worker/events/once/dynamo"
)

// A server answers every request the same, and keeps the bodies.
type server struct {
	status int
	body   string

	mu       sync.Mutex
	requests []string
}

// newStore returns a store whose real client talks to the server.
func newStore(t *testing.T, s *server) *dynamo.Store {
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return dynamo.New(newClient(t, srv.URL), "wildix-once")
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	s.requests = append(s.requests, strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")+" "+string(body))
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(s.status)
	io.WriteString(w, s.body)
}

// conflict is the answer to a request whose condition is false.
func conflict(item string) *server {
	return &server{
		status: http.StatusBadRequest,
		body:   `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"The conditional request failed"` + item + `}`,
	}
}

func written() *server { return &server{status: http.StatusOK, body: `{}`} }

// A request is the part of a PutItem that the tests check.
type request struct {
	TableName, ConditionExpression string
	Item                           map[string]struct{ S, N string }
}

// only returns the one request that the server got.
func (s *server) only(t *testing.T) (r request) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) != 1 {
		t.Fatalf("%d requests: %q", len(s.requests), s.requests)
	}
	operation, body, _ := strings.Cut(s.requests[0], " ")
	if operation != "PutItem" {
		t.Errorf("operation %s, but PutItem is the only permission needed", operation)
	}
	fatal(t, json.Unmarshal([]byte(body), &r))
	if r.TableName != "wildix-once" {
		t.Errorf("table %s", r.TableName)
	}
	return r
}

var eventKey = once.Key{Handler: "crm", Delivery: [32]byte{1}}

func millis(t *testing.T, number string) time.Time {
	t.Helper()
	var n int64
	if _, err := fmt.Sscan(number, &n); err != nil {
		t.Fatalf("%q is not a number", number)
	}
	return time.UnixMilli(n)
}

func within(got, want time.Time) bool { return got.Sub(want).Abs() < time.Minute }

func TestBeginWritesALeaseWithAnOwner(t *testing.T) {
	s := written()
	claim, err := newStore(t, s).Begin(t.Context(), eventKey, 42, time.Hour)
	if err != nil || claim.State != once.Begun {
		t.Errorf("got %+v, %v", claim, err)
	}
	r := s.only(t)
	if r.Item["key"].S != eventKey.String() || r.Item["owner"].S != "16" || r.ConditionExpression == "" {
		t.Errorf("request %+v", r)
	}
	ends := time.Now().Add(time.Hour)
	if lease := millis(t, r.Item["lease"].N); !within(lease, ends) {
		t.Errorf("the lease ends at %s, want %s", lease, ends)
	}
	if expires := millis(t, r.Item["expires"].N+"000"); !within(expires, ends.Add(24*time.Hour)) {
		t.Errorf("the item expires at %s, want a day after the lease", expires)
	}
}

func TestBeginReportsWhatTheItemHolds(t *testing.T) {
	const anHourFromNow = `,"Item":{"key":{"S":"k"},"owner":{"S":"x"},"lease":{"N":"%d"},"expires":{"N":"99999999999"}}`
	for name, test := range map[string]struct {
		item  string
		state once.State
		wait  time.Duration
		err   string
	}{
		"done":              {`,"Item":{"key":{"S":"k"},"expires":{"N":"99999999999"}}`, once.Done, 0, ""},
		"leased":            {fmt.Sprintf(anHourFromNow, time.Now().Add(time.Hour).UnixMilli()), once.InProgress, time.Hour, ""},
		"lease just ended":  {fmt.Sprintf(anHourFromNow, time.Now().Add(-time.Second).UnixMilli()), once.InProgress, 0, ""},
		"no item":           {``, 0, 0, "wildix-once: condition failed, but the answer has no item"},
		"lease is a string": {`,"Item":{"key":{"S":"k"},"lease":{"S":"soon"}}`, 0, 0, "wildix-once: an item's lease is not a number"},
		"lease is a float":  {`,"Item":{"key":{"S":"k"},"lease":{"N":"1.5"}}`, 0, 0, "wildix-once: an item's lease is not in whole milliseconds"},
	} {
		t.Run(name, func(t *testing.T) {
			claim, err := newStore(t, conflict(test.item)).Begin(t.Context(), eventKey, 42, time.Hour)
			if test.err != "" {
				if err == nil || !strings.HasSuffix(err.Error(), test.err) {
					t.Errorf("error %v, want one that ends in %q", err, test.err)
				}
				return
			}
			if err != nil || claim.State != test.state || claim.Wait < 0 || (claim.Wait-test.wait).Abs() > time.Minute {
				t.Errorf("got %+v, %v; want state %d and %s", claim, err, test.state, test.wait)
			}
		})
	}
}

func TestDoneWritesAnItemWithoutLeaseOrCondition(t *testing.T) {
	s := written()
	fatal(t, newStore(t, s).Done(t.Context(), eventKey, time.Hour))
	r := s.only(t)
	if len(r.Item) != 2 || r.Item["key"].S != eventKey.String() || r.ConditionExpression != "" {
		t.Errorf("request %+v", r)
	}
	if expires := millis(t, r.Item["expires"].N+"000"); expires.Before(time.Now().Add(time.Hour-time.Second)) || !within(expires, time.Now().Add(time.Hour)) {
		t.Errorf("the item expires at %s", expires)
	}
}

func TestReleaseWritesALeaseThatHasEnded(t *testing.T) {
	s := written()
	fatal(t, newStore(t, s).Release(t.Context(), eventKey, 42))
	r := s.only(t)
	if r.Item["owner"].S != "16" || r.Item["lease"].N != "0" || r.ConditionExpression == "" {
		t.Errorf("request %+v", r)
	}
	if expires := millis(t, r.Item["expires"].N+"000"); !within(expires, time.Now().Add(24*time.Hour)) {
		t.Errorf("the item expires at %s, want a day from now", expires)
	}
}

func TestReleaseOfAnotherOwnersLeaseIsNoError(t *testing.T) {
	if err := newStore(t, conflict("")).Release(t.Context(), eventKey, 42); err != nil {
		t.Error(err)
	}
}

func TestCheckSucceedsIfTheConditionIsFalse(t *testing.T) {
	if err := newStore(t, conflict("")).Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCheckFailsIfTheServerIgnoresTheCondition(t *testing.T) {
	if err := newStore(t, written()).Check(t.Context()); err == nil || !strings.Contains(err.Error(), "ignores conditions") {
		t.Errorf("error %v", err)
	}
}

func TestErrorsNameTheTableAndKeepTheCause(t *testing.T) {
	store := newStore(t, &server{
		status: http.StatusBadRequest,
		body:   `{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException","message":"not allowed"}`,
	})
	for name, call := range map[string]func() error{
		"begin":   func() error { _, err := store.Begin(t.Context(), eventKey, 42, time.Hour); return err },
		"done":    func() error { return store.Done(t.Context(), eventKey, time.Hour) },
		"release": func() error { return store.Release(t.Context(), eventKey, 42) },
		"check":   func() error { return store.Check(t.Context()) },
	} {
		if err := call(); !hasCode(err, "AccessDeniedException") || !strings.HasPrefix(err.Error(), "DynamoDB table wildix-once: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestClientRepeatsARequestQuickly(t *testing.T) {
	s := &server{status: http.StatusInternalServerError, body: `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}`}
	begun := time.Now()
	if err := newStore(t, s).Done(t.Context(), eventKey, time.Hour); !hasCode(err, "InternalServerError") {
		t.Errorf("error %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if took := time.Since(begun); len(s.requests) < 2 || took > time.Duration(len(s.requests))*400*time.Millisecond {
		t.Errorf("%d requests took %s", len(s.requests), took)
	}
}
