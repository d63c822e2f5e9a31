package main

import (
	"context"
	"errors"
	"os"
	"runtime/debug"

	"go.uber.org/zap"

	"wildix-worker/consumer"
)

// workerSettings are the settings of the worker: those that run takes, and
// check looks at.
type workerSettings struct {
	QueueURL           string `placeholder:"URL" env:"WILDIX_QUEUE_URL,SQS_URL" help:"The queue to consume."`
	keySettings        `embed:""`
	Concurrency        count    `placeholder:"64" env:"WILDIX_CONCURRENCY" help:"Messages handled at once."`
	VisibilityTimeout  duration `placeholder:"60s" env:"WILDIX_VISIBILITY_TIMEOUT" help:"How long SQS keeps a message from others; extended while it is handled."`
	HandlerTimeout     duration `placeholder:"30s" env:"WILDIX_HANDLER_TIMEOUT" help:"Limit for handling one message."`
	ShutdownTimeout    duration `placeholder:"25s" env:"WILDIX_SHUTDOWN_TIMEOUT" help:"How long running handlers get to finish when the worker is stopped."`
	OrderByCall        bool     `env:"WILDIX_ORDER_BY_CALL" help:"Handle the events of one call one at a time."`
	OnRejected         policy   `placeholder:"leave" env:"WILDIX_ON_REJECTED" help:"What becomes of rejected and malformed messages: leave, quarantine or delete." values:"leave,quarantine,delete"`
	QuarantineQueueURL string   `placeholder:"URL" env:"WILDIX_QUARANTINE_QUEUE_URL" help:"The queue that --on-rejected quarantine sends to."`
	handlerSettings    `embed:""`
	adminSettings      `embed:""`
	logSettings        `embed:""`
}

type runCmd struct {
	workerSettings `embed:""`
}

// Help is what --help shows below the summary.
func (*runCmd) Help() string {
	return `The signing secret is read from WILDIX_SECRET or --secrets-file. Credentials and
region are found as in every AWS program: AWS_ACCESS_KEY_ID, AWS_PROFILE, roles.

The log handler writes each event to standard output as a line of JSON; what the
other handlers need is in the README. The program's own log goes to standard
error. SIGTERM or Ctrl-C stops it: what is being handled is finished, the rest
goes back to the queue. A second one ends it at once.

Exit code: 0 after a clean stop, 1 if something was left undone or the queue can
not be used, 2 if a setting is wrong.`
}

// collectingPercent is how much the heap grows between garbage collections,
// unless GOGC says otherwise. The worker keeps little, so that twice Go's 100
// costs 4 MiB at full speed and saves a tenth of the time.
const collectingPercent = 200

func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectingPercent)
	}
}

// Run consumes the queue until ctx ends.
func (cmd *runCmd) Run(ctx context.Context) (err error) {
	collectLess()
	handlers, cfg, err := cmd.config()
	if err != nil {
		return err
	}
	log := cfg.Logger
	defer log.Sync()
	notify := startNotifier(ctx, cfg.ShutdownTimeout, log)
	defer notify.stop()
	client, err := newClient(ctx, cfg.QueueURL)
	if ctx.Err() != nil {
		return nil // stopped before it had begun
	}
	if err != nil {
		return err
	}
	log.Info("starting", zap.String("version", version()))
	defer func() { err = errors.Join(err, handlers.close()) }()
	a := newAdmin()
	if err := handlers.open(ctx, a.metrics); err != nil || ctx.Err() != nil {
		return err
	}
	cfg.Observe, cfg.Tracer = a.observe, handlers.traces.Tracer()
	c, err := consumer.New(client, cfg)
	if err != nil {
		return err
	}
	a.consumes(c.Stats, newDepths(client, cfg.QueueURL, log))
	stop, err := a.serve(&cmd.adminSettings, log)
	if err != nil {
		return err
	}
	defer stop()
	// A queue that does not answer is waited for, by a worker that says that it is well.
	if err := look(ctx, client, cfg.QueueURL, log); err != nil || ctx.Err() != nil {
		return err
	}
	if cfg.OnRejected == consumer.Quarantine {
		if err := lookForTarget(ctx, client, cfg.QuarantineQueueURL, "quarantine queue", "--quarantine-queue-url (WILDIX_QUARANTINE_QUEUE_URL)"); err != nil || ctx.Err() != nil {
			return err
		}
	}
	notify.ready(consumerStatus(c.Stats), a.healthy)
	return c.Run(ctx)
}

// config turns the settings into a configuration, or into one error that names
// every wrong one.
func (cmd *workerSettings) config() (*handlerChain, consumer.Config, error) {
	var wrong faults
	log := cmd.logger(&wrong)
	handlers := cmd.chain(cmd.QueueURL, log, &wrong)
	keys, err := cmd.load(func(err error) { logReread(log, "secrets file", err) })
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	cfg := consumer.Config{
		QueueURL:           cmd.QueueURL,
		Keys:               keys,
		Handler:            handlers,
		Concurrency:        cmd.Concurrency.value,
		VisibilityTimeout:  cmd.VisibilityTimeout.Duration,
		HandlerTimeout:     cmd.HandlerTimeout.Duration,
		ShutdownTimeout:    cmd.ShutdownTimeout.Duration,
		OrderByCall:        cmd.OrderByCall,
		OnRejected:         cmd.OnRejected.value,
		QuarantineQueueURL: cmd.QuarantineQueueURL,
		Logger:             log,
	}
	wrong.addFields(cfg.Validate(), []setting{
		{"QueueURL", "--queue-url (WILDIX_QUEUE_URL)", nil},
		{"Concurrency", "--concurrency (WILDIX_CONCURRENCY)", cmd.Concurrency.err},
		{"VisibilityTimeout", "--visibility-timeout (WILDIX_VISIBILITY_TIMEOUT)", cmd.VisibilityTimeout.err},
		{"HandlerTimeout", "--handler-timeout (WILDIX_HANDLER_TIMEOUT)", cmd.HandlerTimeout.err},
		{"ShutdownTimeout", "--shutdown-timeout (WILDIX_SHUTDOWN_TIMEOUT)", cmd.ShutdownTimeout.err},
		{"OnRejected", "--on-rejected (WILDIX_ON_REJECTED)", cmd.OnRejected.err},
		{"QuarantineQueueURL", "--quarantine-queue-url (WILDIX_QUARANTINE_QUEUE_URL)", nil},
	})
	cmd.adminSettings.check(&wrong)
	if consumer.CheckQueueURL(cfg.QuarantineQueueURL) == nil && !sameClient(cfg.QueueURL, cfg.QuarantineQueueURL) {
		wrong.add("--quarantine-queue-url (WILDIX_QUARANTINE_QUEUE_URL)", errors.New("not in the region, or not at the endpoint, of the queue that is consumed"))
	}
	return handlers, cfg, wrong.err()
}

// logReread tells that files were read again, or what is wrong with them.
func logReread(log *zap.Logger, what string, err error) {
	if err != nil {
		log.Error(what+" not usable, keeping what was read before", zap.Error(err))
		return
	}
	log.Info(what + " read again")
}
