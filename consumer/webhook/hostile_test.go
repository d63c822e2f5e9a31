package webhook_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/consumer/webhook"
	"wildix-worker/events"
)

// raw returns a request as sent over a connection.
func raw(header string, body string) string {
	return "POST /webhook HTTP/1.1\r\nHost: receiver\r\n" + header + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)) + body
}

func signed(body string) string { return "X-Signature: " + sign(body) + "\r\n" }

func chunked(body string) string {
	return fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", 5, body[:5], len(body)-5, body[5:])
}

func gzipped(text string) string {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	io.WriteString(w, text)
	w.Close()
	return buf.String()
}

// Each request is sent over a socket. answers and outcomes are the expected ones.
var hostileRequests = []struct {
	name, request, answers, outcomes string
}{
	{"a valid request", raw(signed(event("1")), event("1")), "204", "handled"},
	{"no signature", raw("", event("1")), "401", "rejected"},
	{"an empty signature", raw("X-Signature:\r\n", event("1")), "401", "rejected"},
	{"two signatures", raw(signed(event("1"))+signed(event("1")), event("1")), "401", "rejected"},
	{"two signatures, one of them valid", raw(signed(event("2"))+signed(event("1")), event("1")), "401", "rejected"},
	{"two signatures in one header", raw("X-Signature: "+sign(event("1"))+", "+sign(event("1"))+"\r\n", event("1")), "401", "rejected"},
	{"upper-case hex", raw("X-Signature: "+strings.ToUpper(sign(event("1")))+"\r\n", event("1")), "401", "rejected"},
	{"64 characters that are not hex", raw("X-Signature: "+strings.Repeat("g", 64)+"\r\n", event("1")), "401", "rejected"},
	{"63 characters", raw("X-Signature: "+sign(event("1"))[1:]+"\r\n", event("1")), "401", "rejected"},
	{"the signature in a trailer", "POST /webhook HTTP/1.1\r\nHost: receiver\r\nTransfer-Encoding: chunked\r\nTrailer: X-Signature\r\n\r\n" +
		strings.TrimSuffix(chunked(event("1")), "\r\n") + signed(event("1")) + "\r\n", "401", "rejected"},
	{"chunked", "POST /webhook HTTP/1.1\r\nHost: receiver\r\n" + signed(event("1")) + "Transfer-Encoding: chunked\r\n\r\n" + chunked(event("1")), "204", "handled"},
	{"broken chunks", "POST /webhook HTTP/1.1\r\nHost: receiver\r\n" + signed(event("1")) + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", "400", ""},
	{"a length and chunks", "POST /webhook HTTP/1.1\r\nHost: receiver\r\n" + signed(event("1")) + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(event("1")), "204", "handled"},
	{"two lengths", "POST /webhook HTTP/1.1\r\nHost: receiver\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", "400", ""},
	{"gzip, signed before compression", raw(signed(event("1"))+"Content-Encoding: gzip\r\n", gzipped(event("1"))), "401", "rejected"},
	{"gzip, signed after compression", raw(signed(gzipped(event("1")))+"Content-Encoding: gzip\r\n", gzipped(event("1"))), "400", "malformed"},
	{"2 MiB", raw(signed(event("1")), strings.Repeat("x", 2<<20)), "413", "rejected"},
	{"2 MiB, signed", raw(signed(strings.Repeat("x", 2<<20)), strings.Repeat("x", 2<<20)), "413", "rejected"},
	{"2 MiB in chunks", "POST /webhook HTTP/1.1\r\nHost: receiver\r\n" + signed(event("1")) + "Transfer-Encoding: chunked\r\n\r\n" + chunked(strings.Repeat("x", 2<<20)), "413", "rejected"},
	{"1 MiB that is not an event", raw(signed(strings.Repeat("x", 1<<20)), strings.Repeat("x", 1<<20)), "400", "malformed"},
	{"no body", raw(signed(""), ""), "400", "malformed"},
	{"no length", "POST /webhook HTTP/1.1\r\nHost: receiver\r\n" + signed(event("1")) + "\r\n", "401", "rejected"},
	{"PUT", strings.Replace(raw(signed(event("1")), event("1")), "POST", "PUT", 1), "405", ""},
	{"DELETE", "DELETE /webhook HTTP/1.1\r\nHost: receiver\r\n\r\n", "405", ""},
	{"an unknown method", "FORGE /webhook HTTP/1.1\r\nHost: receiver\r\n\r\n", "405", ""},
	{"a slash at the end", strings.Replace(raw(signed(event("1")), event("1")), "/webhook", "/webhook/", 1), "204", "handled"},
	{"another path", strings.Replace(raw(signed(event("1")), event("1")), "/webhook", "/", 1), "404", ""},
	{"a path below", strings.Replace(raw(signed(event("1")), event("1")), "/webhook", "/webhook/x", 1), "404", ""},
	{"pipelined", raw(signed(event("1")), event("1")) + raw(signed("other"), event("2")) + raw(signed(event("3")), event("3")), "204 401 204", "handled rejected handled"},
	{"pipelined behind one without a signature", raw(signed(event("1")), event("1")) + raw("", event("2")) + raw(signed(event("3")), event("3")), "204 401", "handled rejected"},
	{"pipelined behind chunks", "POST /webhook HTTP/1.1\r\nHost: receiver\r\n" + signed(event("1")) + "Transfer-Encoding: chunked\r\n\r\n" + chunked(event("1")) + raw(signed(event("3")), event("3")), "204", "handled"},
	{"pipelined behind a length and chunks", "POST /webhook HTTP/1.1\r\nHost: receiver\r\n" + signed(event("1")) + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(event("1")) + raw(signed(event("3")), event("3")), "204", "handled"},
	{"HTTP/1.0", "POST /webhook HTTP/1.0\r\n" + signed(event("1")) + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(event("1"))) + event("1"), "204", "handled"},
	{"no Host", "POST /webhook HTTP/1.1\r\n" + signed(event("1")) + "\r\n", "400", ""},
	{"a header that is too large", "POST /webhook HTTP/1.1\r\nHost: receiver\r\nX-Padding: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "431", ""},
	{"not HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400", ""},
	{"disconnects in the header", "POST /webhook HTTP/1.1\r\nHost: rec", "400", ""},
	{"disconnects in the body", "POST /webhook HTTP/1.1\r\nHost: receiver\r\n" + signed(event("1")) + "Content-Length: 1000\r\n\r\n" + event("1"), "400", ""},
}

func TestHostileRequests(t *testing.T) {
	for _, test := range hostileRequests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var outcomes []string
			cfg := configFor(succeed)
			cfg.Observe = func(r consumer.Result) {
				mu.Lock()
				defer mu.Unlock()
				outcomes = append(outcomes, r.Outcome.String())
			}
			if answers := exchange(t, serve(t, cfg), test.request); answers != test.answers {
				t.Errorf("answers %s, want %s", answers, test.answers)
			}
			mu.Lock()
			defer mu.Unlock()
			if got := strings.Join(outcomes, " "); got != test.outcomes {
				t.Errorf("outcomes %q, want %q", got, test.outcomes)
			}
		})
	}
}

// exchange sends a request, closes its side of the connection, and returns the statuses
// of all answers.
func exchange(t *testing.T, addr, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	fatal(t, err)
	defer conn.Close()
	fatal(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	var sending sync.WaitGroup
	sending.Go(func() {
		io.WriteString(conn, request) // fails if the server does not read to the end
		conn.(*net.TCPConn).CloseWrite()
	})
	var statuses []string
	r := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			break
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		statuses = append(statuses, fmt.Sprint(resp.StatusCode))
	}
	sending.Wait()
	return strings.Join(statuses, " ")
}

func TestConnectionResetDoesNotAffectOthers(t *testing.T) {
	started, finish := make(chan struct{}), make(chan struct{})
	addr := serve(t, configFor(func(_ context.Context, e *events.Event) error {
		if e.ID == "1" {
			close(started)
			<-finish
		}
		return nil
	}))
	conn, err := net.Dial("tcp", addr)
	fatal(t, err)
	_, err = io.WriteString(conn, raw(signed(event("1")), event("1")))
	fatal(t, err)
	<-started
	fatal(t, conn.(*net.TCPConn).SetLinger(0))
	fatal(t, conn.Close())
	if answers := exchange(t, addr, raw(signed(event("2")), event("2"))); answers != "204" {
		t.Errorf("the next client got %s", answers)
	}
	close(finish)
}

// Only signed events reach the handler, and every request gets the documented answer.
func FuzzReceiver(f *testing.F) {
	for _, test := range hostileRequests {
		if req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(test.request))); err == nil && len(test.request) < 4096 {
			body, _ := io.ReadAll(req.Body)
			f.Add(req.Method, strings.Join(req.Header["X-Signature"], "\n"), string(body), false)
		}
	}
	f.Add(http.MethodPost, "", event("1"), true)
	f.Fuzz(func(t *testing.T, method, signatures, body string, isSigned bool) {
		var handled []string
		r := newReceiver(t, func(_ context.Context, e *events.Event) error {
			handled = append(handled, string(e.Raw))
			return nil
		})
		req := httptest.NewRequest(http.MethodPost, webhook.Path, strings.NewReader(body))
		req.Method = method
		if signatures != "" {
			req.Header["X-Signature"] = strings.Split(signatures, "\n")
		}
		if isSigned {
			req.Header["X-Signature"] = []string{sign(body)}
		}
		valid := len(req.Header["X-Signature"]) == 1 && req.Header["X-Signature"][0] == sign(body)
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		want := wantStatus(method, body, valid)
		if w.Code != want {
			t.Errorf("answer %d, want %d", w.Code, want)
		}
		if len(handled) > 1 || len(handled) == 1 && (handled[0] != body || w.Code != http.StatusNoContent) {
			t.Errorf("handled %q with answer %d", handled, w.Code)
		}
	})
}

func wantStatus(method, body string, valid bool) int {
	_, err := events.Decode([]byte(body))
	switch {
	case method == http.MethodGet || method == http.MethodHead:
		return http.StatusOK
	case method != http.MethodPost:
		return http.StatusMethodNotAllowed
	case len(body) > webhook.DefaultMaxBody:
		return http.StatusRequestEntityTooLarge
	case !valid:
		return http.StatusUnauthorized
	case err != nil:
		return http.StatusBadRequest
	default:
		return http.StatusNoContent
	}
}
