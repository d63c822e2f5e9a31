package webhook_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Large bodies that a client does not finish would fill the memory.
func TestLargeBodiesAreLimited(t *testing.T) {
	const maxLarge = 64
	large := strings.TrimSuffix(event("1"), "}") + `,"padding":"` + strings.Repeat("x", 20<<10) + `"}`
	withServer(t, configFor(succeed), func(s *testServer) {
		dial := s.client.Transport.(*http.Transport).DialContext
		unfinished := make([]net.Conn, maxLarge)
		for i := range unfinished {
			var err error
			unfinished[i], err = dial(s.t.Context(), "", "")
			fatal(t, err)
			request := raw(signed(large), large)
			_, err = io.WriteString(unfinished[i], request[:len(request)-1])
			fatal(t, err)
		}
		synctest.Wait()
		s.want(s.post(s.t.Context(), large, sign(large)), http.StatusServiceUnavailable)
		s.want(s.send("1"), http.StatusNoContent)
		_, err := io.WriteString(unfinished[0], "}")
		fatal(t, err)
		go io.Copy(io.Discard, unfinished[0])
		synctest.Wait()
		s.want(s.post(s.t.Context(), large, sign(large)), http.StatusNoContent)
		for _, conn := range unfinished {
			conn.Close()
		}
		s.wantOutcomes("handled handled handled")
	})
}

// The Content-Length is enough to refuse a request.
func TestTooLargeBodyIsRefusedBeforeItIsRead(t *testing.T) {
	cfg := configFor(mustNotBeCalled(t))
	cfg.MaxBody = 4096
	withServer(t, cfg, func(s *testServer) {
		conn, err := s.client.Transport.(*http.Transport).DialContext(s.t.Context(), "", "")
		fatal(t, err)
		start := time.Now()
		_, err = io.WriteString(conn, "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
		fatal(t, err)
		buf := make([]byte, 64)
		_, err = conn.Read(buf)
		fatal(t, err)
		if took := time.Since(start); took > time.Second || !strings.HasPrefix(string(buf), "HTTP/1.1 413") {
			t.Errorf("%q after %s", buf, took)
		}
		conn.Close()
	})
}
