package forward_test

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"wildix-worker/events/handlers/forward"
	"wildix-worker/signature"
)

// answers responds with 422, a content type and a body.
func answers(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(http.StatusUnprocessableEntity)
		io.WriteString(w, body)
	}
}

// reasonOf returns what the error of a 422 says after the status.
func reasonOf(t *testing.T, cfg forward.Config, answer http.HandlerFunc) string {
	t.Helper()
	cfg.URL = serve(t, answer).URL + cfg.URL
	err := newHandler(t, cfg).HandleEvent(t.Context(), event(t, "call-end.json"))
	wantPermanent(t, err, "status 422 Unprocessable Entity")
	_, reason, _ := strings.Cut(err.Error(), "status 422 Unprocessable Entity")
	return strings.TrimPrefix(reason, ": ")
}

func TestErrorSaysWhatTheEndpointAnswers(t *testing.T) {
	for name, test := range map[string]struct{ contentType, body, want string }{
		"text":            {"text/plain", "invalid_payload", "invalid_payload"},
		"JSON":            {"application/json", "{\n  \"message\": \"no such deal\"\n}\n", `{ "message": "no such deal" }`},
		"problem details": {"application/problem+json", `{"title":"No"}`, `{"title":"No"}`},
		"HTML": {
			"text/html; charset=utf-8",
			"<!DOCTYPE html><html><head><title>Bad &amp; wrong</title><style>p{color:red}</style><script>var x = '<p>';</script></head><body><h1>No</h1><p>Not <b>here</b>.<br/>Gone</body></html>",
			"Bad & wrong No Not here . Gone",
		},
		"HTML without a content type": {"", "<html><title>502</title>", "502"},
		"one line":                    {"text/plain", "first\r\nsecond\x1b[31m\tthird\u2028\x00\u202efourth", "first second[31m third fourth"},
		"not UTF-8":                   {"text/plain", "caf\xe9", "caf\ufffd"},
		"an image":                    {"image/png", "\x89PNG\r\n", ""},
		"binary":                      {"application/octet-stream", "a\x00b", ""},
		"nothing":                     {"text/plain", "", ""},
		"only space":                  {"text/plain", " \n\t ", ""},
		"a long one":                  {"text/plain", strings.Repeat("é", 301), strings.Repeat("é", 300) + "…"},
		"not too long":                {"text/plain", strings.Repeat("é", 300), strings.Repeat("é", 300)},
		"megabytes":                   {"text/plain", strings.Repeat("word ", 1<<20), strings.Repeat("word ", 60) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			got := reasonOf(t, forward.Config{}, answers(test.contentType, test.body))
			if got != test.want || !utf8.ValidString(got) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestAnswerInAnUnwantedCompressionIsNotQuoted(t *testing.T) {
	got := reasonOf(t, forward.Config{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		answers("text/plain", "gibberish")(w, r)
	})
	if got != "" {
		t.Errorf("got %q", got)
	}
}

func TestRedirectAnswerIsNotQuoted(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/login?session=12345678", http.StatusFound)
	})
	err := to(t, s).HandleEvent(t.Context(), event(t, "call-end.json"))
	wantRetry(t, err, "status 302 Found: redirects are not followed; set the URL of the redirect")
	if strings.Contains(err.Error(), "session") {
		t.Error(err)
	}
}

func TestPhoneNumbersInAnAnswerAreMaskedIfWanted(t *testing.T) {
	body := `{"phone":"+49 30 1234567","owner":"ada@example.com","at":"127.0.0.1:8080"}`
	for mask, want := range map[bool]string{false: body, true: `{"phone":"***67","owner":"***@***","at":"127.0.0.1:8080"}`} {
		if got := reasonOf(t, forward.Config{Mask: mask}, answers("application/json", body)); got != want {
			t.Errorf("mask %t: got %q, want %q", mask, got, want)
		}
	}
}

// An endpoint that quotes the request, as a proxy's error page does, must not make secrets
// appear in logs.
func TestAnswerThatQuotesSecretsDoesNotShowThem(t *testing.T) {
	const token, key = "s3cret+token/of=api", "pat-eu1-1234"
	header := http.Header{"Authorization": {"Bearer " + token}, "X-Api-Key": {key}, "Content-Type": {"application/json"}}
	for name, echo := range map[string]func(r *http.Request) string{
		"the URL":           func(r *http.Request) string { return "http://" + r.Host + r.RequestURI },
		"path and query":    func(r *http.Request) string { return "no route POST " + r.RequestURI },
		"in JSON":           func(r *http.Request) string { return strings.ReplaceAll(r.RequestURI, "/", `\/`) },
		"in JSON with &":    func(r *http.Request) string { return strings.ReplaceAll(r.RequestURI, "&", `\u0026`) },
		"in HTML":           func(r *http.Request) string { return strings.ReplaceAll(r.RequestURI, "&", "&amp;") },
		"the path's token":  func(*http.Request) string { return "webhook XK12hidden89 is unknown" },
		"the query's token": func(*http.Request) string { return "token a/b+hidden is unknown" },
		"the login":         func(r *http.Request) string { return r.Header.Get("Authorization") },
		"the token":         func(*http.Request) string { return "no token " + token },
		"a header":          func(*http.Request) string { return "key " + key + " has expired" },
		"the signature":     func(r *http.Request) string { return "wrong signature " + r.Header.Get("X-Signature") },
		"with a control in": func(*http.Request) string { return "no token s3cret\x00+token/of=api" },
		"an endless one":    func(*http.Request) string { return strings.Repeat(".", 16<<10-10) + "s3cret+token/of=api" },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := forward.Config{URL: "/hooks/XK12hidden89/x?token=a%2Fb%2Bhidden&also=hidden", Header: header, Secret: "signing-secret"}
			got := reasonOf(t, cfg, func(w http.ResponseWriter, r *http.Request) { answers("text/plain", echo(r))(w, r) })
			if got == "" {
				t.Error("nothing is left of the answer")
			}
			sig := signature.Sign("signing-secret", event(t, "call-end.json").Raw)
			for _, secret := range []string{"hidden", "s3cret", key, "signing-secret", sig} {
				if strings.Contains(got, secret) {
					t.Errorf("%q is in %q", secret, got)
				}
			}
		})
	}
}

// A body that is cut off may end in the middle of a secret.
func TestBeginningOfASecretAtTheEndIsNotShown(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(http.StatusUnprocessableEntity)
		io.WriteString(w, "no token s3cret-tok")
	})
	h := newHandler(t, forward.Config{URL: s.URL, Header: http.Header{"X-Key": {"s3cret-token"}}})
	err := h.HandleEvent(t.Context(), event(t, "call-end.json"))
	wantPermanent(t, err, "no token")
	if strings.Contains(err.Error(), "s3cret") {
		t.Error(err)
	}
}

// What has arrived of an answer is quoted, but a slow one holds the call for a second at most
// and its connection no longer.
func TestSlowErrorAnswerIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		h, err := forward.New(forward.Config{URL: "http://crm.example.com/calls", Timeout: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		h.DialWith(func(context.Context, string, string) (net.Conn, error) { return ours, nil })
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			readRequest(t, theirs)
			io.WriteString(theirs, "HTTP/1.1 422 No\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\nno such deal")
			io.Copy(io.Discard, theirs) // until the handler closes the connection
		}()
		start := time.Now()
		wantPermanent(t, h.HandleEvent(t.Context(), event(t, "call-end.json")), "status 422 Unprocessable Entity: no such deal")
		<-closed
		if took := time.Since(start); took > time.Second {
			t.Errorf("the answer was waited for %v", took)
		}
	})
}

func TestResponsesAreCountedByClass(t *testing.T) {
	codes := []int{200, 204, 302, 404, 422, 429, 500, 503, 600}
	n := 0
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(codes[n])
		n++
	})
	h := to(t, s)
	want := map[string]uint64{"none": 0, "2xx": 0, "3xx": 0, "4xx": 0, "5xx": 0}
	if got := h.Responses(); !maps.Equal(got, want) {
		t.Errorf("before the first request: %v", got)
	}
	for range codes {
		h.HandleEvent(t.Context(), event(t, "call-end.json"))
	}
	s.Close()
	h.HandleEvent(t.Context(), event(t, "call-end.json"))
	want = map[string]uint64{"none": 1, "2xx": 2, "3xx": 1, "4xx": 3, "5xx": 3}
	if got := h.Responses(); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
