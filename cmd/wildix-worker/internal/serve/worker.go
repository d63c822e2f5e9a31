// Package serve runs a worker or a webhook until it is stopped.
package serve

import (
	"cmp"
	"context"
	"errors"
	"os"
	"runtime"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/admin"
	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/buildinfo"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/deadletter"
	"wildix-worker/cmd/wildix-worker/internal/handlers"
	"wildix-worker/cmd/wildix-worker/internal/systemd"
	"wildix-worker/cmd/wildix-worker/internal/worker"
	"wildix-worker/consumer"
	"wildix-worker/consumer/metrics"
)

// Worker is the command run.
type Worker struct {
	worker.Settings `embed:""`
}

// Help is what --help shows below the summary.
func (*Worker) Help() string {
	return `The signing secret is read from WILDIX_SECRET or --secrets-file. Credentials and
region are found as in every AWS program: AWS_ACCESS_KEY_ID, AWS_PROFILE, roles.

The log handler writes each event to standard output: as columns on a terminal, and
otherwise as a line of JSON. docs/handlers.md describes the others. The program's own
log goes to standard error. SIGTERM or Ctrl-C stops it: running handlers finish, and the other messages
are returned to the queue. Another one, a second later or more, ends it at once.

Exit code: 0 after a clean stop, 1 if a message was not finished or the queue can't
be used, 2 if a setting is wrong.`
}

// minHeap is counted by the garbage collector as if it were used. What a worker keeps is a few
// megabytes, and the collector would run each time that it has allocated as much again. Nothing
// touches these bytes, so they take no memory.
const minHeap = 8 << 20

// Run consumes the queue until ctx ends.
func (cmd *Worker) Run(ctx context.Context, v buildinfo.Version, again config.Reparse) (err error) {
	ctx, hangups, stopHangups := catchHangups(ctx)
	defer stopHangups()
	destinations, cfg, err := cmd.Build()
	if err != nil {
		return err
	}
	log := cfg.Logger
	defer log.Sync()
	cmd.WarnUnknown(log)
	notify := systemd.Start(ctx, cfg.ShutdownTimeout, log)
	defer notify.Stop()
	client, err := awsclient.New(ctx, cfg.QueueURL)
	if ctx.Err() != nil {
		return nil // stopped while starting
	}
	if err != nil {
		return err
	}
	log.Info("starting", zap.String("version", string(v)))
	defer runtime.KeepAlive(make([]byte, minHeap))
	limitMemory(log)
	defer func() { err = errors.Join(err, destinations.Close()) }()
	a := admin.New(v)
	limits := handlers.Limits{Concurrency: cfg.Concurrency, Timeout: cmp.Or(cfg.HandlerTimeout, consumer.DefaultHandlerTimeout)}
	if err := destinations.Open(ctx, limits, a.Metrics, v); err != nil || ctx.Err() != nil {
		return err
	}
	cfg.Observe, cfg.Tracer, cfg.Concurrency = a.Observe, destinations.Tracer(), destinations.Concurrency()
	cfg.Blocked, a.Destinations, a.Missed = destinations.Blocked, destinations.Stats, destinations.MissedCalls()
	c, err := consumer.New(client, cfg)
	if err != nil {
		return err
	}
	a.Consumer(c, metrics.NewDepths(metrics.DepthsConfig{Client: client, QueueURL: cfg.QueueURL, Logger: log}))
	a.DeadLetters, a.Token = deadLetters(client, &cfg), cmd.Secret(config.AdminTokenVariable)
	stop, err := a.Serve(&cmd.Admin, log)
	if err != nil {
		return err
	}
	defer stop()
	if err := awaitQueues(ctx, client, cfg); err != nil || ctx.Err() != nil {
		return err
	}
	defer cmd.reloader(again, destinations, c, a, hangups, log).start(ctx)()
	notify.Ready(consumerStatus(c.Stats, destinations.Stats), a.Healthy)
	return c.Run(ctx)
}

// deadLetters returns a function that finds the dead-letter queue of the queue.
func deadLetters(client *sqs.Client, cfg *consumer.Config) func(context.Context) (*deadletter.Queue, error) {
	return func(ctx context.Context) (*deadletter.Queue, error) {
		return deadletter.Find(ctx, client, cfg.QueueURL, cfg.Keys, func(text string) { cfg.Logger.Warn(text) })
	}
}

// awaitQueues waits until the queue answers, and checks the one for rejected messages. If ctx
// ends meanwhile, it may return nil.
func awaitQueues(ctx context.Context, client *sqs.Client, cfg consumer.Config) error {
	// While the queue does not answer, the worker waits and is healthy.
	err := awsclient.WaitForQueue(ctx, client, cfg.QueueURL, cfg.Logger)
	if err != nil || ctx.Err() != nil || cfg.OnRejected != consumer.Quarantine {
		return err
	}
	return awsclient.CheckTarget(ctx, client, cfg.QuarantineQueueURL, "quarantine queue", worker.QuarantineSetting)
}

func (cmd *Worker) reloader(again config.Reparse, destinations *handlers.Destinations, c *consumer.Consumer, a *admin.Admin, hangups <-chan os.Signal, log *zap.Logger) *reloader {
	return &reloader{
		file: &cmd.File, watch: cmd.WatchConfig, destinations: destinations, log: log, hangups: hangups, count: a.Reloaded,
		build: rebuild(again, func(next *Worker) (*handlers.Destinations, *config.File, error) {
			built, _, err := next.Build()
			return built, &next.File, err
		}),
		replaced: func() {
			if err := c.SetConcurrency(destinations.Concurrency()); err != nil {
				log.Error("the concurrency can't be changed", zap.Error(err))
			}
		},
	}
}
