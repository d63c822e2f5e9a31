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
)

const (
	// notifyEvery is how often the service manager hears of the worker, if its watchdog
	// does not want to more often.
	notifyEvery = 10 * time.Second
	// startPatience is how long the start may take until it passes for done. A machine
	// that boots without network shall end up with a worker that waits for it.
	startPatience = 15 * time.Second
	// closeTime is what a stop may take on top of the shutdown timeout: 4 s for the
	// queue, the rest for what the handlers hold.
	closeTime = 10 * time.Second
)

// A Notifier tells the service manager that has started the program how it fares, as
// sd_notify(3) describes: that it has started, with what it is busy, that its
// watchdog need not bite, that it stops. Without a service manager it does nothing.
type Notifier struct {
	log             *zap.Logger
	shutdownTimeout time.Duration
	watchdog        time.Duration // 0 for none
	started         chan service
	end, done       chan struct{}

	told     string // the last status
	troubled bool
}

// A service is what a notifier tells of.
type service struct {
	status  func() string
	healthy func() error // nil: always
}

func (s service) sick() error {
	if s.healthy == nil {
		return nil
	}
	return s.healthy()
}

// Start begins to tell, until Stop is called. The end of ctx is when the program
// begins to stop, which takes it the shutdown timeout.
func Start(ctx context.Context, shutdownTimeout time.Duration, log *zap.Logger) *Notifier {
	n := &Notifier{
		log: log, shutdownTimeout: cmp.Or(shutdownTimeout, consumer.DefaultShutdownTimeout),
		started: make(chan service, 1), end: make(chan struct{}), done: make(chan struct{}),
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

// Ready tells that the program does its work, of which status and healthy know from
// now on.
func (n *Notifier) Ready(status func() string, healthy func() error) {
	n.started <- service{status, healthy}
}

func (n *Notifier) Stop() {
	close(n.end)
	<-n.done
}

func (n *Notifier) run(ctx context.Context) {
	defer close(n.done)
	tick := time.NewTicker(n.interval())
	defer tick.Stop()
	patience := time.After(startPatience)
	started, stopping := n.started, ctx.Done()
	s := service{status: func() string { return "starting: waiting for AWS, or for a database" }}
	stop := func() {
		n.tell(s, daemon.SdNotifyStopping, fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", (n.shutdownTimeout+closeTime).Microseconds()))
		patience, started, stopping = nil, nil, nil
	}
	n.tell(s)
	for {
		select {
		case s = <-started:
			n.tell(s, daemon.SdNotifyReady)
			patience = nil
		case <-patience:
			n.tell(s, daemon.SdNotifyReady)
		case <-stopping:
			stop()
		case <-tick.C:
			n.tell(s)
		case <-n.end:
			if stopping != nil && ctx.Err() != nil { // a stop that took no time
				stop()
			}
			return
		}
	}
}

// interval is at most half of what the watchdog waits.
func (n *Notifier) interval() time.Duration {
	if n.watchdog > 0 {
		return max(min(notifyEvery, n.watchdog/2), time.Millisecond)
	}
	return notifyEvery
}

// tell sends the news, the status if it is another one, and a sign of life unless the
// worker has become stuck.
func (n *Notifier) tell(s service, news ...string) {
	status := s.status()
	if sick := s.sick(); sick != nil {
		status = sick.Error()
	} else if n.watchdog > 0 {
		news = append(news, daemon.SdNotifyWatchdog)
	}
	if status != n.told {
		news = append(news, "STATUS="+status)
	}
	if len(news) == 0 {
		return
	}
	if _, err := daemon.SdNotify(false, strings.Join(news, "\n")); err != nil {
		if !n.troubled {
			n.log.Warn("the service manager can't be told", zap.Error(err))
		}
		n.troubled = true
		return
	}
	n.told, n.troubled = status, false
}
