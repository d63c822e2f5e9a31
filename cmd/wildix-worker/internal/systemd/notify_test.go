package systemd

import (
	"context"
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
		client := &stuckClient{Client: srv.Client(), release: make(chan struct{})}
		c, err := consumer.New(client, consumer.Config{QueueURL: queueURL, Keys: keys, Handler: events.HandlerFunc(nil)})
		fatal(t, err)

		ctx, cancel := context.WithCancel(t.Context())
		n := Start(ctx, 0, zap.NewNop())
		defer n.Stop()
		done := make(chan error)
		go func() { done <- c.Run(ctx) }()
		n.Ready(func() string { return "at work" }, c.Healthy)

		// lastSign returns when the watchdog was last notified within a time.
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
			t.Errorf("an idle worker gave its last sign of life %v ago", time.Since(last))
		}
		client.stuck.Store(true)
		begun := time.Now()
		last := lastSign(5 * wait)
		if alive := last.Sub(begun); alive < 0 || alive > wait+40*time.Second { // after 40 s a consumer is not healthy
			t.Errorf("a stuck worker gave signs of life for %v", alive)
		}
		if !slices.ContainsFunc(m.Lines, func(line string) bool { return strings.HasPrefix(line, "STATUS=a poll has been stuck for ") }) {
			t.Errorf("the status does not say so: %q", m.Lines)
		}
		close(client.release)
		cancel()
		fatal(t, <-done)
	})
}

// A stuckClient does not return from a receive, whatever its context says.
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
