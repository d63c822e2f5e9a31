package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/zap"

	"wildix-worker/consumer"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/events"
	"wildix-worker/signature"
)

// A serviceManager has the socket that systemd has.
type serviceManager struct {
	t    *testing.T
	conn *net.UnixConn
	news []string // a line each, in the order of their arrival
}

func newServiceManager(t *testing.T) *serviceManager {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") // t.TempDir may be longer than a socket's name can be
	fatal(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "socket")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	fatal(t, err)
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", socket)
	return &serviceManager{t: t, conn: conn}
}

// listen takes what is there to be read, and returns it.
func (m *serviceManager) listen() (news []string) {
	m.t.Helper()
	raw, err := m.conn.SyscallConn()
	fatal(m.t, err)
	buf := make([]byte, 4096)
	fatal(m.t, raw.Control(func(fd uintptr) {
		for {
			n, _, err := syscall.Recvfrom(int(fd), buf, syscall.MSG_DONTWAIT)
			if err != nil {
				break
			}
			news = append(news, strings.Split(string(buf[:n]), "\n")...)
		}
	}))
	m.news = append(m.news, news...)
	return news
}

// await returns the first line with the prefix that comes from now on.
func (m *serviceManager) await(prefix string) string {
	m.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		for _, line := range m.listen() {
			if strings.HasPrefix(line, prefix) {
				return line
			}
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("no %s within a minute, but %q", prefix, m.news)
		}
	}
}

func (m *serviceManager) want(lines ...string) {
	m.t.Helper()
	news := m.listen()
	for _, line := range lines {
		if !slices.Contains(news, line) {
			m.t.Errorf("told %q, want %q among it", news, line)
		}
	}
}

func TestStartThatAnOutageHoldsUpPassesForDone(t *testing.T) {
	m := newServiceManager(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		n := startNotifier(ctx, time.Minute, zap.NewNop())
		time.Sleep(startPatience - time.Second)
		if news := m.listen(); slices.Contains(news, "READY=1") {
			t.Errorf("ready at once: %q", news)
		}
		time.Sleep(2 * time.Second)
		m.want("READY=1")
		n.ready(func() string { return "at work" }, nil)
		synctest.Wait()
		m.want("STATUS=at work")
		cancel()
		n.stop()
		m.want("STOPPING=1", "EXTEND_TIMEOUT_USEC=70000000")
	})
	for _, line := range m.news {
		if strings.HasPrefix(line, "WATCHDOG") {
			t.Error("there is no watchdog, but it is told of")
		}
	}
}

func TestWatchdogBitesWhenAPollIsStuck(t *testing.T) {
	m := newServiceManager(t)
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
		n := startNotifier(ctx, 0, zap.NewNop())
		defer n.stop()
		done := make(chan error)
		go func() { done <- c.Run(ctx) }()
		n.ready(consumerStatus(c.Stats), checkHealth(c.Stats))

		// lastSign is when the watchdog was last told, within the time.
		lastSign := func(during time.Duration) (last time.Time) {
			for range during / time.Second {
				time.Sleep(time.Second)
				if slices.Contains(m.listen(), "WATCHDOG=1") {
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
		if alive := last.Sub(begun); alive < 0 || alive > wait+stuckAfter {
			t.Errorf("a stuck worker gave signs of life for %v", alive)
		}
		if !slices.ContainsFunc(m.news, func(line string) bool { return strings.HasPrefix(line, "STATUS=a poll has been stuck for ") }) {
			t.Errorf("the status does not tell: %q", m.news)
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

func TestStatusTellsWhatIsGoingOn(t *testing.T) {
	var stats consumer.Stats
	status := consumerStatus(func() consumer.Stats { return stats })
	check := func(want string) {
		t.Helper()
		if got := status(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	check("0 in hand; 0 handled")
	stats.InHand, stats.Outcomes[events.Handled], stats.Outcomes[events.Rejected] = 12, 1234, 3
	check("12 in hand; 1234 handled, 3 rejected")
	stats.Paused, stats.FailingSince = true, time.Date(2026, 5, 1, 15, 4, 5, 0, time.UTC)
	check("12 in hand; 1234 handled, 3 rejected; most messages fail, trying one at a time; no answer of the queue since 15:04:05")
}
