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

// By webhook onto the queue and from there to a worker: what was posted and
// signed is handled, and nothing else.
func TestEventsByWebhookAreHandled(t *testing.T) {
	everywhere(t, standard, func(s *site) {
		post := s.receiver()
		odd := "{\r\n\t\"id\":\"odd\", \"type\":\"call:end\",\"time\":1693389853611,\"company\":\"\u260e e\u0301 <&'>\\u0000\"}\r\n"
		want := []string{"odd"}
		s.wantStatus(post(odd, signature.Sign(secret, []byte(odd))), http.StatusNoContent)
		s.wantStatus(post(odd, signature.Sign("a guess", []byte(odd))), http.StatusUnauthorized)
		s.wantStatus(post("not JSON", signature.Sign(secret, []byte("not JSON"))), http.StatusBadRequest)
		var posting sync.WaitGroup
		for i := range 50 {
			id := fmt.Sprint("call-", i)
			want = append(want, id)
			posting.Go(func() {
				body := event(id, events.CallEnd)
				s.wantStatus(post(body, signature.Sign(secret, []byte(body))), http.StatusNoContent)
			})
		}
		posting.Wait()
		s.start(succeed)
		slices.Sort(want)
		s.eventually("all events are handled", func() bool { return slices.Equal(slices.Compact(s.ids(events.Handled)), want) })
		s.wantHeld(0)
	})
}

func TestEventsOfACallKeepTheirOrderByWebhook(t *testing.T) {
	everywhere(t, fifo, func(s *site) {
		post := s.receiver()
		var want []string
		for i := range 5 {
			body := strings.Replace(event("a", fmt.Sprint("call:", i)), "}", `,"pbx":"1"}`, 1)
			want = append(want, fmt.Sprint("call:", i))
			for range 2 { // a repeat is left out
				s.wantStatus(post(body, signature.Sign(secret, []byte(body))), http.StatusNoContent)
			}
		}
		s.start(succeed)
		s.eventuallyIDs(events.Handled, slices.Repeat([]string{"a"}, 5)...)
		var got []string
		for _, r := range s.all() {
			got = append(got, r.Event.Type)
		}
		if !slices.Equal(got, want) {
			s.t.Errorf("handled %q, want %q", got, want)
		}
	})
}

// receiver starts a receiver that puts events on the queue. What it returns
// posts to it as the PBX does, which tries again when it is asked to: a server
// may be slow. So an event may be on the queue twice.
func (s *site) receiver() (post func(body, sig string) (status int)) {
	s.t.Helper()
	keys, err := signature.NewKeyring(signature.Key{Secret: secret})
	s.check(err)
	relay, err := webhook.NewRelay(s.client, s.url, s.logger())
	s.check(err)
	r, err := webhook.New(webhook.Config{Keys: keys, Handler: relay, Concurrency: 100, Logger: s.logger()})
	s.check(err)
	srv := httptest.NewServer(r)
	s.t.Cleanup(func() {
		srv.Close()
		relay.Close()
	})
	const tries = 4
	return func(body, sig string) (status int) {
		for range tries {
			if status = s.postTo(srv, body, sig); status != http.StatusServiceUnavailable {
				break
			}
		}
		return status
	}
}

func (s *site) postTo(srv *httptest.Server, body, sig string) (status int) {
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, srv.URL, strings.NewReader(body))
	s.check(err)
	req.Header.Set("X-Signature", sig)
	resp, err := srv.Client().Do(req)
	s.check(err)
	resp.Body.Close()
	return resp.StatusCode
}

func (s *site) wantStatus(got, want int) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("answer %d, want %d", got, want)
	}
}
