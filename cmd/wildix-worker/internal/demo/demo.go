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
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/outgoing"
	"wildix-worker/cmd/wildix-worker/internal/version"
	"wildix-worker/consumer"
	"wildix-worker/consumer/metrics"
	"wildix-worker/consumer/sqslocal"
	"wildix-worker/signature"
)

// Command is the command demo.
type Command struct {
	Forever bool    `help:"Go on until stopped, and show how to reach the queue from another terminal."`
	Rate    float64 `default:"6" help:"Events a second."`
}

// Help is what --help shows below the summary.
func (*Command) Help() string {
	return `A queue inside this process, a sender that plays a PBX, and the worker, which
reaches the queue over HTTP with the AWS SDK. Three messages are bad on purpose:
one tampered with, one unsigned, one that is not JSON. The worker leaves them,
and the queue moves them to its dead-letter queue. What it does can be watched on
its console, a page on this machine whose address is shown. Exit code: 0 if
nothing was lost.`
}

const (
	demoQueue      = "wildix-demo"
	demoDeadLetter = "wildix-demo-dead-letter"
	demoSecret     = "demo-secret"
	// Short, so that the dead-letter queue is seen to fill.
	demoVisibility = 2 * time.Second
	demoReceives   = 2
	demoCalls      = 5
	// demoDepthAge is no more than the console shows, since asking costs nothing.
	demoDepthAge = time.Second
	// demoPatience is far more than everything takes.
	demoPatience = 30 * time.Second
	maxDemoRate  = 10_000
)

// Run plays calls until they are all accounted for, or for ever.
func (cmd *Command) Run(ctx context.Context, v version.Version) error {
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
	l, err := listenForDemo()
	if err != nil {
		return fmt.Errorf("listen for the console: %w", err)
	}
	screen := newScreen(os.Stdout)
	screen.intro(queueURL, admin.PageURL(l), cmd.Forever)
	books := newLedger()
	if err := cmd.play(ctx, v, srv, queueURL, l, screen, books); err != nil {
		return err
	}
	books.left, books.dead = held(srv, demoQueue), held(srv, demoDeadLetter)
	screen.summary(books, cmd.Forever)
	if lost := books.lost(); lost != 0 && !cmd.Forever {
		return fmt.Errorf("%d messages are not accounted for", lost)
	}
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

// listenForDemo takes any port if a worker has the usual one.
func listenForDemo() (net.Listener, error) {
	l, err := net.Listen("tcp", config.AdminAddr{}.Addr())
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	return l, err
}

// play runs the sender and the worker, with its console, until ctx ends or all is
// settled.
func (cmd *Command) play(ctx context.Context, v version.Version, srv *sqslocal.Server, queueURL string, l net.Listener, screen *screen, books *ledger) error {
	defer l.Close() // also if it is not served
	keys, err := signature.NewKeyring(signature.Key{Secret: demoSecret})
	if err != nil {
		return err
	}
	client := srv.Client()
	a := admin.New(v)
	worker, err := consumer.New(client, consumer.Config{
		QueueURL:          queueURL,
		Keys:              keys,
		Handler:           screen,
		VisibilityTimeout: demoVisibility,
		Observe: func(r consumer.Result) {
			books.observe(r)
			screen.observe(r)
			a.Observe(r)
		},
	})
	if err != nil {
		return err
	}
	a.Consumer(worker, metrics.NewDepths(metrics.DepthsConfig{Client: client, QueueURL: queueURL, MaxAge: demoDepthAge}))
	a.Unmasked = true // nobody of the demo exists
	defer a.ServeOn(l, zap.NewNop())()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var working sync.WaitGroup
	var workErr error
	working.Go(func() { workErr = worker.Run(ctx) })

	sendErr := cmd.send(ctx, client, queueURL, books)
	if sendErr == nil && !cmd.Forever {
		awaitSettled(ctx, srv, books)
	}
	stop()
	working.Wait()
	return errors.Join(sendErr, workErr)
}

// send plays calls at the rate that was asked for.
func (cmd *Command) send(ctx context.Context, client *sqs.Client, queueURL string, books *ledger) error {
	calls := demoCalls
	if cmd.Forever {
		calls = endless
	}
	player := newPlayer(demoSecret, calls)
	const shortest = 20 * time.Millisecond
	pause := max(time.Duration(float64(time.Second)/cmd.Rate), shortest)
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for due := 1.0; !player.done(); due += cmd.Rate * pause.Seconds() {
		messages := player.next(int(due))
		due -= float64(int(due))
		ids, err := outgoing.Send(ctx, client, queueURL, messages)
		books.send(ids)
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

// awaitSettled waits until every message is handled or in the dead-letter
// queue. Depths change by time alone, so there is nothing to be woken by.
func awaitSettled(ctx context.Context, srv *sqslocal.Server, books *ledger) {
	ctx, cancel := context.WithTimeout(ctx, demoPatience)
	defer cancel()
	for books.pending() > 0 || held(srv, demoQueue) > 0 {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
}

// held returns how many messages a queue holds, whatever their state.
func held(srv *sqslocal.Server, queue string) int {
	depth := srv.Depth(queue)
	return depth.Visible + depth.InFlight + depth.Delayed
}
