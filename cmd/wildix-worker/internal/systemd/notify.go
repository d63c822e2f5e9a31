// Package systemd notifies the service manager that has started the program, as
// sd_notify(3) describes.
package systemd

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"wildix-worker/consumer"
	"wildix-worker/internal/outage"
)

const (
	// notifyInterval is the time between two updates, unless the watchdog wants a shorter
	// one.
	notifyInterval = 10 * time.Second
	// startTimeout is when a start counts as done although the program still waits, so
	// that a machine that boots without network ends up with a worker that waits for it.
	startTimeout = 15 * time.Second
	// closeTimeout is how long a stop may take on top of the shutdown timeout: 4 s for the
	// queue, the rest to close the handlers.
	closeTimeout = 10 * time.Second
)

// A Notifier reports to the service manager that the program has started, its status, that
// it is alive for the watchdog, and that it stops. Without a service manager it does
// nothing.
type Notifier struct {
	log             *zap.Logger
	shutdownTimeout time.Duration
	watchdog        time.Duration // 0 for none
	ready           chan service
	end, done       chan struct{}

	status string // the last one that was sent
	outage *outage.Log
}

// A service is what a Notifier reports on.
type service struct {
	status  func() string
	healthy func() error // nil: always
}

func (s service) checkHealth() error {
	if s.healthy == nil {
		return nil
	}
	return s.healthy()
}

// Start starts to notify, until Stop is called. When ctx ends, the program stops, which
// takes at most the shutdown timeout.
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

// Ready reports that the program has started. From now on its state comes from status and
// healthy; nil is healthy.
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

// interval is at most half the watchdog's timeout.
func (n *Notifier) interval() time.Duration {
	if n.watchdog > 0 {
		return max(min(notifyInterval, n.watchdog/2), time.Millisecond)
	}
	return notifyInterval
}

// notify sends states, the status if it has changed, and a sign of life for the watchdog if
// the service is healthy.
func (n *Notifier) notify(s service, states ...string) {
	status := s.status()
	if err := s.checkHealth(); err != nil {
		status = err.Error()
	} else if n.watchdog > 0 {
		states = append(states, daemon.SdNotifyWatchdog)
	}
	if status != n.status {
		states = append(states, "STATUS="+status)
	}
	if len(states) == 0 {
		return
	}
	if _, err := daemon.SdNotify(false, strings.Join(states, "\n")); err != nil {
		n.outage.Failed(err)
		return
	}
	n.outage.Succeeded()
	n.status = status
}
