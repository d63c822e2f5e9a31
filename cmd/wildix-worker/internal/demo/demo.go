// Package demo is the command demo: a worker with an embedded queue and made-up calls.
package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/admin"
	"wildix-worker/cmd/wildix-worker/internal/buildinfo"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/deadletter"
	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
	"wildix-worker/consumer"
	"wildix-worker/consumer/metrics"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/signature"
)

// Command is the command demo.
type Command struct {
	Forever   bool    `xor:"until" help:"Run until stopped, and show how to reach the queue from another terminal."`
	QueueOnly bool    `xor:"until" help:"Run only the queue until stopped, for a worker in another terminal. Nothing is on it until send is run."`
	Rate      float64 `default:"6" help:"Events a second."`
}

// Help is what --help shows below the summary.
func (*Command) Help() string {
	return `Runs a queue inside this process, a sender that simulates a PBX, and the worker,
which reaches the queue over HTTP with the AWS SDK. Events have two destinations:
log prints them, and crm is an HTTP endpoint in this process that is down for a few
seconds, with --forever every minute. Meanwhile its events are held, and log goes on.
Three messages are invalid on purpose: one is tampered with, one unsigned, one not
JSON. The worker leaves them, and the queue moves them to its dead-letter queue. The
demo prints the address of the worker's console, a web page. Exit code: 0 if no
message was lost.`
}

const (
	demoQueue      = "wildix-demo"
	demoDeadLetter = "wildix-demo-dead-letter"
	demoSecret     = "demo-secret"
	// demoVisibility is short, so that messages soon reach the dead-letter queue.
	demoVisibility = 2 * time.Second
	demoReceives   = 2
	demoCalls      = 8
	// demoDepthAge is how old depths on the console may be. The embedded queue reports them
	// without cost, so that each frame can have new ones.
	demoDepthAge = time.Second
	// demoMaxHeld is more than comes during an outage at the highest rate.
	demoMaxHeld = 100_000
	// settleTimeout is far longer than it takes to settle all messages.
	settleTimeout = 30 * time.Second
	maxDemoRate   = 10_000
)

// Run runs the demo until all messages are settled or, with --forever, until ctx ends.
func (cmd *Command) Run(ctx context.Context, v buildinfo.Version) error {
	if !(cmd.Rate > 0 && cmd.Rate <= maxDemoRate) {
		return &exit.UsageError{Err: fmt.Errorf("--rate: %v is not between 0 and %d events a second", cmd.Rate, maxDemoRate)}
	}
	srv := sqslocal.New(sqslocal.Options{})
	if err := srv.Start(""); err != nil {
		return fmt.Errorf("start the embedded queue: %w", err)
	}
	defer srv.Close()
	queueURL, err := createDemoQueues(srv)
	if err != nil {
		return err
	}
	screen := newScreen(os.Stdout)
	if cmd.QueueOnly {
		return queueOnly(ctx, srv, queueURL, screen)
	}
	l, err := listen()
	if err != nil {
		return fmt.Errorf("listen for the console: %w", err)
	}
	screen.intro(queueURL, admin.PageURL(l), cmd.Forever)
	ledger := newLedger()
	if err := cmd.play(ctx, v, srv, queueURL, l, screen, ledger); err != nil {
		return err
	}
	ledger.left, ledger.dead = queueLength(srv, demoQueue), queueLength(srv, demoDeadLetter)
	screen.summary(ledger, cmd.Forever)
	if lost := ledger.lost(); lost != 0 && !cmd.Forever {
		return fmt.Errorf("%d messages are not accounted for", lost)
	}
	return screen.Err()
}

// queueOnly serves the queue until ctx ends, and prints what is left on it.
func queueOnly(ctx context.Context, srv *sqslocal.Server, queueURL string, screen *screen) error {
	screen.queueIntro(queueURL)
	<-ctx.Done()
	screen.queueSummary(queueLength(srv, demoQueue), queueLength(srv, demoDeadLetter))
	return screen.Err()
}

func createDemoQueues(srv *sqslocal.Server) (queueURL string, err error) {
	if _, err := srv.CreateQueue(demoDeadLetter, nil); err != nil {
		return "", err
	}
	return srv.CreateQueue(demoQueue, map[string]string{
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:%s","maxReceiveCount":"%d"}`, demoDeadLetter, demoReceives),
	})
}

// listen listens on the default admin address, or on any port if that is taken.
func listen() (net.Listener, error) {
	l, err := net.Listen("tcp", config.AdminAddr{}.Addr())
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	return l, err
}

// play runs the sender and the worker with its console, until ctx ends or all messages are
// settled.
func (cmd *Command) play(ctx context.Context, v buildinfo.Version, srv *sqslocal.Server, queueURL string, l net.Listener, screen *screen, ledger *ledger) error {
	defer l.Close() // for a return before ServeOn
	keys, err := signature.NewKeyring(signature.Key{Secret: demoSecret})
	if err != nil {
		return err
	}
	client := srv.Client()
	a := admin.New(v)
	to, err := newDestinations(screen, a.Metrics) //nolint:contextcheck // sends nothing
	if err != nil {
		return err
	}
	defer to.Close()
	ledger.destinations = to.records
	worker, err := consumer.New(client, consumer.Config{
		QueueURL:          queueURL,
		Keys:              keys,
		Handler:           to,
		Concurrency:       to.Concurrency(),
		Blocked:           to.Blocked,
		VisibilityTimeout: demoVisibility,
		MaxHeld:           demoMaxHeld,
		Observe: func(r consumer.Result) {
			ledger.observe(r)
			screen.observe(r)
			a.Observe(r)
		},
	})
	if err != nil {
		return err
	}
	a.Consumer(worker, metrics.NewDepths(metrics.DepthsConfig{Client: client, QueueURL: queueURL, MaxAge: demoDepthAge}))
	a.Destinations = to.Stats
	a.DeadLetters = func(ctx context.Context) (*deadletter.Queue, error) {
		return deadletter.Find(ctx, client, queueURL, keys, func(string) {})
	}
	a.Unmasked = true // the people of the demo do not exist
	a.Token = os.Getenv(config.AdminTokenVariable)
	defer a.ServeOn(l, zap.NewNop())()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var working sync.WaitGroup
	var workErr error
	working.Go(func() { workErr = worker.Run(ctx) })
	working.Go(func() { to.watch(ctx) })

	sendErr := cmd.send(ctx, client, queueURL, ledger)
	if sendErr == nil && !cmd.Forever {
		awaitSettled(ctx, srv, ledger)
	}
	stop()
	working.Wait()
	return errors.Join(sendErr, workErr)
}

// send sends the events of calls at the rate of the settings.
func (cmd *Command) send(ctx context.Context, client *sqs.Client, queueURL string, ledger *ledger) error {
	calls := demoCalls
	if cmd.Forever {
		calls = endless
	}
	source := newSource(demoSecret, calls)
	const shortest = 20 * time.Millisecond
	pause := max(time.Duration(float64(time.Second)/cmd.Rate), shortest)
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for due := 1.0; !source.done(); due += cmd.Rate * pause.Seconds() {
		messages := source.next(int(due))
		due -= float64(int(due))
		ids, err := outgoing.Send(ctx, client, queueURL, messages)
		ledger.send(ids)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("send: %w", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// awaitSettled waits until every message is handled or in the dead-letter queue. It polls,
// since nothing reports that a message has moved there.
func awaitSettled(ctx context.Context, srv *sqslocal.Server, ledger *ledger) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	for ledger.pending() > 0 || queueLength(srv, demoQueue) > 0 {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
}

// queueLength returns how many messages a queue holds in all states.
func queueLength(srv *sqslocal.Server, queue string) int {
	depth := srv.Depth(queue)
	return depth.Visible + depth.InFlight + depth.Delayed
}
