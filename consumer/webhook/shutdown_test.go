package webhook_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
)

func TestDrainFinishesRunningHandlersAndAcceptsNoRequests(t *testing.T) {
	withServer(t, configFor(sleepFor(3*time.Second)), func(s *testServer) {
		s.want(s.send("0"), http.StatusNoContent) // leaves an idle connection
		running := s.sendAsync("1")
		time.Sleep(time.Second)
		s.stop()
		time.Sleep(time.Second)
		if a := s.send("2"); a.err == nil {
			t.Errorf("answer %d after the stop", a.status)
		}
		s.want(<-running, http.StatusNoContent)
		fatal(t, <-s.done)
		s.done = nil
		s.wantOutcomes("handled handled")
		if lines := s.logs.FilterMessage("drained").All(); len(lines) != 1 || lines[0].ContextMap()["handled"] != int64(2) {
			t.Errorf("drained: %v", lines)
		}
	})
}

// In a server of the user's own, connections stay open.
func TestShutdownAnswers503(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t, sleepFor(time.Second))
		l := sqslocal.Pipe()
		srv := &http.Server{Handler: r}
		go srv.Serve(l)
		s := &testServer{t: t, client: &http.Client{Transport: &http.Transport{DialContext: l.DialContext}}}
		running := s.sendAsync("1")
		synctest.Wait()
		done := make(chan error, 1)
		go func() { done <- r.Shutdown(t.Context()) }()
		synctest.Wait()
		s.want(s.send("2"), http.StatusServiceUnavailable)
		resp, err := s.client.Get("http://receiver/webhook")
		fatal(t, err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable || r.Ready() == nil {
			t.Errorf("GET: %d, ready: %v", resp.StatusCode, r.Ready())
		}
		s.want(<-running, http.StatusNoContent)
		fatal(t, <-done)
		s.client.CloseIdleConnections()
		fatal(t, srv.Close())
	})
}

func TestShutdownTimeoutCancelsHandlers(t *testing.T) {
	var cause error
	cfg := configFor(func(ctx context.Context, _ *events.Event) error {
		<-ctx.Done()
		cause = context.Cause(ctx)
		return ctx.Err()
	})
	cfg.ShutdownTimeout = time.Second
	withServer(t, cfg, func(s *testServer) {
		running := s.sendAsync("1")
		synctest.Wait()
		stopped := time.Now()
		s.stop()
		s.want(<-running, http.StatusServiceUnavailable)
		fatal(t, <-s.done)
		s.done = nil
		if took := time.Since(stopped); took > 2*time.Second || !errors.Is(cause, consumer.ErrStopping) {
			t.Errorf("stopped after %s, cause of the handler's context %v", took, cause)
		}
	})
}

func TestStopAbandonsHandlerThatIgnoresCancellation(t *testing.T) {
	cfg := configFor(sleepIgnoringCancel(time.Minute))
	cfg.ShutdownTimeout = time.Second
	withServer(t, cfg, func(s *testServer) {
		running := s.sendAsync("1")
		synctest.Wait()
		stopped := time.Now()
		s.stop()
		err := <-s.done
		s.done = nil
		if err == nil || !strings.Contains(err.Error(), "1 handlers did not return") {
			t.Errorf("error %v", err)
		}
		if took := time.Since(stopped); took > 4*time.Second {
			t.Errorf("stopped after %s", took)
		}
		<-running
		time.Sleep(time.Minute)
	})
}

func TestDrainWaitsForRequestBody(t *testing.T) {
	withServer(t, configFor(sleepFor(time.Second)), func(s *testServer) {
		conn, err := s.client.Transport.(*http.Transport).DialContext(s.t.Context(), "", "")
		fatal(t, err)
		request := raw(signed(event("1")), event("1"))
		_, err = io.WriteString(conn, request[:len(request)-1])
		fatal(t, err)
		synctest.Wait()
		s.stop()
		time.Sleep(time.Second)
		go io.WriteString(conn, "}")
		if answer := readUntilClosed(conn); !strings.HasPrefix(answer, "HTTP/1.1 204") {
			t.Errorf("answer %q", answer)
		}
		conn.Close()
		s.wantOutcomes("handled")
	})
}
