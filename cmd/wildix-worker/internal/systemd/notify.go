// Package systemd notifies the service manager that started the program of its state, as
// sd_notify(3) describes.
package systemd

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"wildix-worker/consumer"
	"wildix-worker/internal/outage"
)

const (
	// notifyInterval is the time between two notifications, unless the watchdog needs a
	// shorter one.
	notifyInterval = 10 * time.Second
	// startTimeout is the time after which the program counts as started even if it still
	// waits. So a worker on a machine that boots without network stays up and waits for it.
	startTimeout = 15 * time.Second
	// closeTimeout is how long a stop may take in addition to the shutdown timeout: 4 s for
	// the last deletes and returns, and the rest to close the handlers.
	closeTimeout = 10 * time.Second
	// sendTimeout is how long a notification waits for room in the service manager's socket. A
	// stop must not wait for it.
	sendTimeout = time.Second
)

// A Notifier notifies the service manager that the program has started, of its status, that
// it is healthy (for the watchdog), and that it stops. Without a service manager it does
// nothing.
type Notifier struct {
	log             *zap.Logger
	shutdownTimeout time.Duration
	watchdog        time.Duration // 0 for none
	ready           chan service
	end, done       chan struct{}

	status string   // the last one that was sent
	unsent []string // what the service manager has to know, and could not be sent yet
	outage *outage.Log
}

// A service is what a Notifier reports on.
type service struct {
	status  func() string
	healthy func() error // nil if the service is always healthy
}

func (s service) checkHealth() error {
	if s.healthy == nil {
		return nil
	}
	return s.healthy()
}

// Start starts to notify, until Stop is called. The end of ctx means that the program stops,
// which may take the shutdown timeout and closeTimeout.
func Start(ctx context.Context, shutdownTimeout time.Duration, log *zap.Logger) *Notifier {
	n := &Notifier{
		log: log, shutdownTimeout: cmp.Or(shutdownTimeout, consumer.DefaultShutdownTimeout),
		ready: make(chan service, 1), end: make(chan struct{}), done: make(chan struct{}),
		outage: outage.New(outage.Config{Logger: log, Failing: "the service manager can't be notified", Level: zap.WarnLevel}),
	}
	if os.Getenv("NOTIFY_SOCKET") == "" {
		close(n.done)
		return n
	}
	var err error
	if n.watchdog, err = daemon.SdWatchdogEnabled(false); err != nil {
		log.Warn("no watchdog", zap.Error(err))
	}
	go n.run(ctx)
	return n
}

// Ready notifies that the program has started. From then on, status and healthy are called
// for its state. A nil healthy means that it is always healthy.
func (n *Notifier) Ready(status func() string, healthy func() error) {
	n.ready <- service{status, healthy}
}

// Stop ends the notifications.
func (n *Notifier) Stop() {
	close(n.end)
	<-n.done
}

func (n *Notifier) run(ctx context.Context) {
	defer close(n.done)
	tick := time.NewTicker(n.interval())
	defer tick.Stop()
	timeout := time.After(startTimeout)
	ready, stopping := n.ready, ctx.Done()
	s := service{status: func() string { return "starting: waiting for AWS, or for a database" }}
	stop := func() {
		n.notify(s, daemon.SdNotifyStopping, fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", (n.shutdownTimeout+closeTimeout).Microseconds()))
		timeout, ready, stopping = nil, nil, nil
	}
	n.notify(s)
	for {
		select {
		case s = <-ready:
			n.notify(s, daemon.SdNotifyReady)
			timeout = nil
		case <-timeout:
			n.notify(s, daemon.SdNotifyReady)
		case <-stopping:
			stop()
		case <-tick.C:
			n.notify(s)
		case <-n.end:
			if stopping != nil && ctx.Err() != nil { // Stop was called right after ctx ended
				stop()
			}
			return
		}
	}
}

// interval returns the time between two notifications: at most half the watchdog's timeout.
func (n *Notifier) interval() time.Duration {
	if n.watchdog > 0 {
		return max(min(notifyInterval, n.watchdog/2), time.Millisecond)
	}
	return notifyInterval
}

// notify sends states, with those that could not be sent before, the status if it has changed,
// and the watchdog's notification if the service is healthy.
func (n *Notifier) notify(s service, states ...string) {
	n.unsent = append(n.unsent, states...)
	message := slices.Clone(n.unsent)
	status := s.status()
	if err := s.checkHealth(); err != nil {
		status = err.Error()
	} else if n.watchdog > 0 {
		message = append(message, daemon.SdNotifyWatchdog)
	}
	if status != n.status {
		message = append(message, "STATUS="+status)
	}
	if len(message) == 0 {
		return
	}
	if err := send(strings.Join(message, "\n")); err != nil {
		n.outage.Failed(err)
		return
	}
	n.outage.Succeeded()
	n.status, n.unsent = status, nil
}

// send is daemon.SdNotify, but does not wait for as long as the service manager's socket is full.
func send(message string) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: os.Getenv("NOTIFY_SOCKET"), Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return err
	}
	_, err = conn.Write([]byte(message))
	return err
}
