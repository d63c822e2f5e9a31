// Package serve runs a worker or a webhook until it is stopped.
package serve

import (
	"context"
	"errors"
	"os"
	"runtime/debug"

	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/admin"
	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/buildinfo"
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

The log handler writes each event to standard output as a line of JSON;
docs/handlers.md describes the others. The program's own log goes to standard
error. SIGTERM or Ctrl-C stops it: running handlers finish, and the other messages
are returned to the queue. A second one ends it at once.

Exit code: 0 after a clean stop, 1 if a message was not finished or the queue can't
be used, 2 if a setting is wrong.`
}

// gcPercent is the default of GOGC. The heap is small, so that twice Go's default costs
// 4 MiB at full speed and saves a tenth of the time.
const gcPercent = 200

func setGCPercent() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// Run consumes the queue until ctx ends.
func (cmd *Worker) Run(ctx context.Context, v buildinfo.Version) (err error) {
	setGCPercent()
	handlers, cfg, err := cmd.Build()
	if err != nil {
		return err
	}
	log := cfg.Logger
	defer log.Sync()
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
	defer func() { err = errors.Join(err, handlers.Close()) }()
	a := admin.New(v)
	if err := handlers.Open(ctx, a.Metrics, v); err != nil || ctx.Err() != nil {
		return err
	}
	cfg.Observe, cfg.Tracer = a.Observe, handlers.Tracer()
	c, err := consumer.New(client, cfg)
	if err != nil {
		return err
	}
	a.Consumer(c, metrics.NewDepths(metrics.DepthsConfig{Client: client, QueueURL: cfg.QueueURL, Logger: log}))
	stop, err := a.Serve(&cmd.Admin, log)
	if err != nil {
		return err
	}
	defer stop()
	// While the queue does not answer, the worker waits and is healthy.
	if err := awsclient.WaitForQueue(ctx, client, cfg.QueueURL, log); err != nil || ctx.Err() != nil {
		return err
	}
	if cfg.OnRejected == consumer.Quarantine {
		if err := awsclient.CheckTarget(ctx, client, cfg.QuarantineQueueURL, "quarantine queue", worker.QuarantineSetting); err != nil || ctx.Err() != nil {
			return err
		}
	}
	notify.Ready(consumerStatus(c.Stats), a.Healthy)
	return c.Run(ctx)
}
