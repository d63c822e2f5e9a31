package systemd

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/systemd/systemdtest"
	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
	"wildix-worker/internal/outage"
	"wildix-worker/signature"
)

func TestSlowStartCountsAsDone(t *testing.T) {
	m := systemdtest.New(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		n := Start(ctx, time.Minute, zap.NewNop())
		time.Sleep(startTimeout - time.Second)
		if lines := m.Read(); slices.Contains(lines, "READY=1") {
			t.Errorf("ready at once: %q", lines)
		}
		time.Sleep(2 * time.Second)
		m.Want("READY=1")
		n.Ready(func() string { return "at work" }, nil)
		synctest.Wait()
		m.Want("STATUS=at work")
		cancel()
		n.Stop()
		m.Want("STOPPING=1", "EXTEND_TIMEOUT_USEC=70000000")
	})
	for _, line := range m.Lines {
		if strings.HasPrefix(line, "WATCHDOG") {
			t.Error("there is no watchdog, but it was notified")
		}
	}
}

func TestWatchdogIsNotNotifiedWhileAPollIsStuck(t *testing.T) {
	m := systemdtest.New(t)
	const wait = time.Minute
	t.Setenv("WATCHDOG_USEC", "60000000")
	synctest.Test(t, func(t *testing.T) {
		srv := sqslocal.New(sqslocal.Options{})
		srv.StartPipe()
		defer srv.Close()
		queueURL, err := srv.CreateQueue("calls", nil)
		fatal(t, err)
		keys, err := signature.NewKeyring(signature.Key{Secret: "s3cret"})
		fatal(t, err)
		handler := events.HandlerFunc(func(context.Context, *events.Event) error { return nil })
		client := &stuckClient{Client: srv.Client(), release: make(chan struct{})}
		c, err := consumer.New(client, consumer.Config{QueueURL: queueURL, Keys: keys, Handler: handler})
		fatal(t, err)

		ctx, cancel := context.WithCancel(t.Context())
		n := Start(ctx, 0, zap.NewNop())
		defer n.Stop()
		done := make(chan error)
		go func() { done <- c.Run(ctx) }()
		n.Ready(func() string { return "at work" }, c.Healthy)

		// lastSign waits for a time, and returns when the watchdog was last notified.
		lastSign := func(during time.Duration) (last time.Time) {
			for range during / time.Second {
				time.Sleep(time.Second)
				if slices.Contains(m.Read(), "WATCHDOG=1") {
					last = time.Now()
				}
			}
			return last
		}
		if last := lastSign(5 * wait); time.Since(last) > wait/2 {
			t.Errorf("an idle worker last notified the watchdog %v ago", time.Since(last))
		}
		client.stuck.Store(true)
		begun := time.Now()
		last := lastSign(5 * wait)
		if alive := last.Sub(begun); alive < 0 || alive > wait+40*time.Second { // after 40 s a consumer is not healthy
			t.Errorf("a stuck worker notified the watchdog for %v", alive)
		}
		if !slices.ContainsFunc(m.Lines, func(line string) bool { return strings.HasPrefix(line, "STATUS=a poll has been stuck for ") }) {
			t.Errorf("no status with the reason: %q", m.Lines)
		}
		close(client.release)
		cancel()
		fatal(t, <-done)
	})
}

func TestFullSocketHoldsUpNoStop(t *testing.T) {
	fill(t, systemdtest.New(t))
	ctx, cancel := context.WithCancel(t.Context())
	n := Start(ctx, time.Minute, zap.NewNop())
	n.Ready(func() string { return "at work" }, nil)
	cancel()
	stopped := make(chan struct{})
	go func() { n.Stop(); close(stopped) }()
	select {
	case <-stopped:
	case <-time.After(time.Minute):
		t.Fatal("the stop waits for the service manager")
	}
}

func TestStateThatCouldNotBeSentIsSentLater(t *testing.T) {
	m := systemdtest.New(t)
	fill(t, m)
	n := &Notifier{outage: outage.New(outage.Config{Logger: zap.NewNop()})}
	s := service{status: func() string { return "at work" }}
	n.notify(s, "READY=1")
	if slices.Contains(m.Read(), "READY=1") {
		t.Fatal("the socket was not full")
	}
	n.notify(s)
	m.Want("READY=1", "STATUS=at work")
	n.notify(s)
	if lines := m.Read(); len(lines) > 0 {
		t.Errorf("notified again with %q", lines)
	}
}

// fill leaves no room in the manager's socket.
func fill(t *testing.T, m *systemdtest.Manager) {
	t.Helper()
	conn, err := net.DialUnix("unixgram", nil, m.Addr())
	fatal(t, err)
	defer conn.Close()
	for err == nil {
		fatal(t, conn.SetWriteDeadline(time.Now().Add(time.Second)))
		_, err = conn.Write([]byte("full"))
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
}

// A stuckClient does not return from a receive, even after the end of its context.
type stuckClient struct {
	*sqs.Client
	stuck   atomic.Bool
	release chan struct{}
}

func (c *stuckClient) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, options ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	if c.stuck.Load() {
		<-c.release
	}
	return c.Client.ReceiveMessage(ctx, in, options...)
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
