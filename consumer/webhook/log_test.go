package webhook_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/consumer/webhook"
)

// Anybody can send as many requests as they like, and must not fill the disk with them.
func TestRejectionsAreSummedUp(t *testing.T) {
	const seconds, rate = 30, 10
	for _, test := range []struct {
		name    string
		request string
		reason  string
	}{
		{"unsigned", raw("", event("1")), "signature missing"},
		{"wrongly signed", raw(signed("other"), event("1")), "signature mismatch"},
		{"too large", "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n", "body is larger than 1048576 bytes"},
		{"cut off", "POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + signed("") + "\r\nx", ""},
		{"not HTTP", "\x16\x03\x01\r\n\r\n", ""},
		{"elsewhere", strings.Replace(raw("", event("1")), "/webhook", "/", 1), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			withServer(t, configFor(mustNotBeCalled(t)), func(s *testServer) {
				for range seconds {
					for range rate {
						exchangeRaw(s, test.request)
					}
					time.Sleep(time.Second)
				}
				time.Sleep(time.Minute)
				if n := s.logs.Len(); n > 2*seconds {
					t.Errorf("%d lines about %d requests in %d s", n, seconds*rate, seconds)
				}
				if test.reason == "" {
					return
				}
				if told := toldOf(s, test.reason); told != seconds*rate {
					t.Errorf("the log tells of %d requests, want %d", told, seconds*rate)
				}
			})
		})
	}
}

// toldOf returns how many rejected requests the log tells of. All have the reason.
func toldOf(s *testServer, reason string) int {
	told := s.logs.FilterMessage("message rejected").Len()
	for _, line := range s.logs.FilterMessage("more requests rejected").All() {
		told += int(line.ContextMap()["requests"].(int64))
		if reasons := fmt.Sprint(line.ContextMap()["reasons"]); !strings.HasPrefix(reasons, "map["+reason+":") {
			s.t.Errorf("reasons %s", reasons)
		}
	}
	return told
}

// exchangeRaw sends a request on a connection of its own, and closes it.
func exchangeRaw(s *testServer, request string) {
	conn, err := s.client.Transport.(*http.Transport).DialContext(s.t.Context(), "", "")
	fatal(s.t, err)
	go conn.Read(make([]byte, 4096))
	conn.Write([]byte(request)) // fails if the server does not read to the end
	synctest.Wait()
	conn.Close()
	synctest.Wait()
}

func TestSignedEventsToAnotherPathAreLoggedAndCounted(t *testing.T) {
	withServer(t, configFor(mustNotBeCalled(t)), func(s *testServer) {
		post := func(path, sig string) {
			t.Helper()
			req, err := http.NewRequest(http.MethodPost, "http://receiver"+path, strings.NewReader(event("1")))
			fatal(t, err)
			req.Header.Set("X-Signature", sig)
			resp, err := s.client.Do(req)
			fatal(t, err)
			resp.Body.Close()
			if resp.StatusCode != http.StatusNotFound {
				t.Errorf("POST %s: %d", path, resp.StatusCode)
			}
		}
		post("/", "")
		post("/", sign("other"))
		if n := s.stats().Misdirected; n != 0 {
			t.Errorf("counted %d requests without a valid signature", n)
		}
		for range 3 {
			post("/", sign(event("1")))
			post("/hook", sign(event("1")))
			post("//webhook", sign(event("1")))
		}
		time.Sleep(time.Minute)
		began := s.logs.FilterMessageSnippet("are lost, correct the integration").All()
		ended := s.logs.FilterMessage("no more signed events come to another path").All()
		if len(began) != 1 || began[0].ContextMap()["path"] != "/" || len(ended) != 1 || ended[0].ContextMap()["events"] != int64(9) {
			t.Errorf("logged %v and %v", began, ended)
		}
		if got, want := withoutConnections(s.stats()), (webhook.Stats{Misdirected: 9}); got != want {
			t.Errorf("stats %+v, want %+v", got, want)
		}
		s.wantOutcomes("")
	})
}
