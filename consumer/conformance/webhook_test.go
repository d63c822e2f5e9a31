package conformance_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// Signed events that are posted to a webhook are relayed to the queue and handled by a
// worker. Others are not.
func TestWebhookEventsAreHandled(t *testing.T) {
	onEveryServer(t, standard, func(q *testQueue) {
		post := q.receiver()
		odd := "{\r\n\t\"id\":\"odd\", \"type\":\"call:end\",\"time\":1693389853611,\"company\":\"\u260e e\u0301 <&'>\\u0000\"}\r\n"
		want := []string{"odd"}
		q.wantStatus(post(odd, signature.Sign(secret, []byte(odd))), http.StatusNoContent)
		q.wantStatus(post(odd, signature.Sign("a guess", []byte(odd))), http.StatusUnauthorized)
		q.wantStatus(post("not JSON", signature.Sign(secret, []byte("not JSON"))), http.StatusBadRequest)
		var posting sync.WaitGroup
		for i := range 50 {
			id := fmt.Sprint("call-", i)
			want = append(want, id)
			posting.Go(func() {
				body := event(id, events.CallEnd)
				q.wantStatus(post(body, signature.Sign(secret, []byte(body))), http.StatusNoContent)
			})
		}
		posting.Wait()
		q.start(succeed)
		slices.Sort(want)
		q.eventually("all events are handled", func() bool { return slices.Equal(slices.Compact(q.idsOf(events.Handled)), want) })
		q.wantDepth(0)
	})
}

func TestWebhookKeepsOrderOfCall(t *testing.T) {
	onEveryServer(t, fifo, func(q *testQueue) {
		post := q.receiver()
		var want []string
		for i := range 5 {
			body := strings.Replace(event("a", fmt.Sprint("call:", i)), "}", `,"pbx":"1"}`, 1)
			want = append(want, fmt.Sprint("call:", i))
			for range 2 { // the queue drops the repeat
				q.wantStatus(post(body, signature.Sign(secret, []byte(body))), http.StatusNoContent)
			}
		}
		q.start(succeed)
		q.wantEventually(events.Handled, slices.Repeat([]string{"a"}, 5)...)
		var got []string
		for _, r := range q.observed() {
			got = append(got, r.Event.Type)
		}
		if !slices.Equal(got, want) {
			q.t.Errorf("handled %q, want %q", got, want)
		}
	})
}

// receiver starts a receiver that relays events to the queue, and returns a function that
// posts to it as a PBX does: up to four times while the answer is 503, because a server
// may be slow. So an event may be on the queue twice.
func (q *testQueue) receiver() (post func(body, sig string) (status int)) {
	q.t.Helper()
	keys, err := signature.NewKeyring(signature.Key{Secret: secret})
	q.check(err)
	relay, err := webhook.NewRelay(q.client, q.url, q.logger())
	q.check(err)
	r, err := webhook.New(webhook.Config{Keys: keys, Handler: relay, Concurrency: 100, Logger: q.logger()})
	q.check(err)
	srv := httptest.NewServer(r)
	q.t.Cleanup(func() {
		srv.Close()
		relay.Close()
	})
	const tries = 4
	return func(body, sig string) (status int) {
		for range tries {
			if status = q.postTo(srv, body, sig); status != http.StatusServiceUnavailable {
				break
			}
		}
		return status
	}
}

func (q *testQueue) postTo(srv *httptest.Server, body, sig string) (status int) {
	req, err := http.NewRequestWithContext(q.t.Context(), http.MethodPost, srv.URL, strings.NewReader(body))
	q.check(err)
	req.Header.Set("X-Signature", sig)
	resp, err := srv.Client().Do(req)
	q.check(err)
	resp.Body.Close()
	return resp.StatusCode
}

func (q *testQueue) wantStatus(got, want int) {
	q.t.Helper()
	if got != want {
		q.t.Errorf("answer %d, want %d", got, want)
	}
}
