package serve

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"

	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/admin"
	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/buildinfo"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/handlers"
	"wildix-worker/cmd/wildix-worker/internal/systemd"
	"wildix-worker/cmd/wildix-worker/internal/tunnel"
	"wildix-worker/consumer"
	"wildix-worker/consumer/webhook"
)

// Webhook is the command webhook.
type Webhook struct {
	config.File       `embed:""`
	config.Reload     `embed:""`
	ListenAddr        string `default:"127.0.0.1:8080" env:"WILDIX_LISTEN_ADDR" help:"Address to listen on, such as :8443."`
	TLSCert           string `placeholder:"FILE" env:"WILDIX_TLS_CERT" help:"Certificate with its intermediates, PEM. Read again when it changes. Without it the server speaks plain HTTP, such as behind a proxy."`
	TLSKey            string `placeholder:"FILE" env:"WILDIX_TLS_KEY" help:"The certificate's key, PEM."`
	config.Keys       `embed:""`
	ForwardQueueURL   string          `placeholder:"URL" env:"WILDIX_FORWARD_QUEUE_URL" help:"Put the events on this queue, for workers to consume, instead of handling them here."`
	Concurrency       config.Count    `placeholder:"64" env:"WILDIX_CONCURRENCY" help:"Events that each handler handles at once; more wait."`
	MaxInFlight       config.Count    `placeholder:"1024" env:"WILDIX_MAX_IN_FLIGHT" help:"Requests in progress at once; more are answered with 503."`
	MaxConnections    config.Count    `placeholder:"1024" env:"WILDIX_MAX_CONNECTIONS" help:"Connections open at once. For a further one, an idle one is closed."`
	IdleTimeout       config.Duration `placeholder:"11m" env:"WILDIX_IDLE_TIMEOUT" help:"How long a connection without a request is kept; longer than the proxy or load balancer in front keeps it."`
	MaxBody           config.Count    `placeholder:"1048576" env:"WILDIX_MAX_BODY" help:"Largest body in bytes."`
	AnswerWithin      config.Duration `placeholder:"4.5s" env:"WILDIX_ANSWER_WITHIN" help:"Longest time until a request is answered; the PBX waits 5s."`
	MaxEventAge       config.Duration `placeholder:"AGE" env:"WILDIX_MAX_EVENT_AGE" help:"Reject events whose signed time is longer ago, at least 1m. Without it, an event of any age is accepted."`
	ShutdownTimeout   config.Duration `placeholder:"25s" env:"WILDIX_SHUTDOWN_TIMEOUT" help:"How long running handlers may take to finish when the program is stopped."`
	tunnel.Options    `embed:""`
	handlers.Settings `embed:""`
	config.Admin      `embed:""`
	config.Log        `embed:""`
}

// Help is what --help shows below the summary.
func (*Webhook) Help() string {
	return `Receives events by HTTP at /webhook, from a PBX whose integration has the
transmission type WEBHOOK. The signing secret is read from WILDIX_SECRET or
--secrets-file.

Without --forward-queue-url the request is answered after the handlers have run.
The PBX waits 5s and retries three times. With --forward-queue-url the body and the
signature are put on an SQS queue unchanged, and then the request is answered;
credentials and region are found as in every AWS program.

A GET of /webhook is answered with 200. SIGTERM or Ctrl-C stops the program: it accepts
no more connections, and finishes the requests in progress. Another one, a second
later or more, ends it at once.

Exit code: 0 after a clean stop, 1 if an event was not finished or it can't listen,
2 if a setting is wrong.`
}

// Run receives events until ctx ends.
func (cmd *Webhook) Run(ctx context.Context, v buildinfo.Version, again config.Reparse) (err error) {
	ctx, hangups, stopHangups := catchHangups(ctx)
	defer stopHangups()
	destinations, cfg, err := cmd.config()
	if err != nil {
		return err
	}
	defer cfg.Logger.Sync()
	cmd.WarnUnknown(cfg.Logger)
	notify := systemd.Start(ctx, cfg.ShutdownTimeout, cfg.Logger)
	defer notify.Stop()
	if cmd.ForwardQueueURL != "" {
		destinations, err = cmd.relay(ctx, destinations, cfg.Logger)
		if err != nil || ctx.Err() != nil {
			return err
		}
		cfg.Handler = destinations
	}
	l, err := net.Listen("tcp", cmd.ListenAddr)
	if err != nil {
		return fmt.Errorf("--listen-addr (WILDIX_LISTEN_ADDR): %w", err)
	}
	defer l.Close()
	cfg.Logger.Info("starting", zap.String("version", string(v)))
	limitMemory(cfg.Logger) // with Go's own GOGC: twice as much would not keep to 128 MiB when strangers fill the memory
	defer func() { err = errors.Join(err, destinations.Close()) }()
	a := admin.New(v)
	if err := destinations.Open(ctx, handlers.Limits{Concurrency: cmd.Concurrency.Value}, a.Metrics, v); err != nil || ctx.Err() != nil {
		return err
	}
	if destinations.HaveHealth() {
		a.Destinations = destinations.Stats
	}
	// Each destination has a limit of its own, and SQS needs none.
	cfg.Concurrency, cfg.Observe, cfg.Tracer = cmp.Or(cfg.MaxInFlight, webhook.DefaultMaxInFlight), a.Observe, destinations.Tracer()
	r, err := webhook.New(cfg)
	if err != nil {
		return err
	}
	a.Missed, a.Token = destinations.MissedCalls(), cmd.Secret(config.AdminTokenVariable)
	serve := cmd.server(r, l, a, cfg.Logger)
	stop, err := a.Serve(&cmd.Admin, cfg.Logger)
	if err != nil {
		return err
	}
	defer stop()
	defer cmd.reloader(again, destinations, a, hangups, cfg.Logger).start(ctx)()
	notify.Ready(receiverStatus(l, r.Stats, a.Destinations), a.Healthy)
	return serve(ctx, l)
}

// server returns the function that serves, with a tunnel if there is to be one, and has the
// admin address report on the receiver, and whether both are ready.
func (cmd *Webhook) server(r *webhook.Receiver, l net.Listener, a *admin.Admin, log *zap.Logger) func(context.Context, net.Listener) error {
	a.Metrics.Receiver(r.Stats)
	a.Ready = r.Ready
	t := cmd.Options.New(l.Addr(), webhook.Path, log)
	if t == nil {
		return r.Serve
	}
	a.Ready = func() error { return cmp.Or(r.Ready(), t.Ready()) }
	return withTunnel(t, r)
}

// withTunnel serves while a tunnel is open, or tries to be. The tunnel stays open while
// requests are answered after a stop.
func withTunnel(t *tunnel.Tunnel, r *webhook.Receiver) func(context.Context, net.Listener) error {
	return func(ctx context.Context, l net.Listener) error {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		opened, closeTunnel := context.WithCancel(context.WithoutCancel(ctx))
		ended := make(chan error, 1)
		go func() {
			defer stop() // a tunnel that can never be opened stops the webhook
			ended <- t.Run(opened)
		}()
		err := r.Serve(ctx, l)
		closeTunnel()
		return errors.Join(<-ended, err)
	}
}

func (cmd *Webhook) reloader(again config.Reparse, destinations *handlers.Destinations, a *admin.Admin, hangups <-chan os.Signal, log *zap.Logger) *reloader {
	return &reloader{
		file: &cmd.File, watch: cmd.WatchConfig, destinations: destinations, log: log, hangups: hangups, count: a.Reloaded,
		build: rebuild(again, func(next *Webhook) (*handlers.Destinations, *config.File, error) {
			built, _, err := next.config()
			return built, &next.File, err
		}),
		replaced: func() {},
	}
}

// relay returns a handler that puts events on the queue instead of handling them.
func (cmd *Webhook) relay(ctx context.Context, instead *handlers.Destinations, log *zap.Logger) (*handlers.Destinations, error) {
	client, err := awsclient.New(ctx, cmd.ForwardQueueURL)
	if ctx.Err() != nil {
		return nil, nil //nolint:nilerr // stopped while starting
	}
	if err != nil {
		return nil, err
	}
	if err := awsclient.CheckTarget(ctx, client, cmd.ForwardQueueURL, "forward queue", "--forward-queue-url (WILDIX_FORWARD_QUEUE_URL)"); err != nil {
		return nil, err
	}
	relay, err := webhook.NewRelay(client, cmd.ForwardQueueURL, log)
	if err != nil {
		return nil, err
	}
	log.Info("forwarding", zap.String("queue", cmd.ForwardQueueURL))
	return instead.Only("relay", relay, relay.Close), nil
}

// config returns the handlers and the configuration, or one error that names every wrong
// setting.
func (cmd *Webhook) config() (*handlers.Destinations, webhook.Config, error) {
	faults := cmd.Faults()
	log := cmd.Logger(&faults)
	destinations := handlers.New(&cmd.Settings, &cmd.File, "", log, &faults)
	keys, err := cmd.Load(&cmd.File, func(err error) { config.LogReread(log, "secrets file", err) })
	if err != nil {
		faults.AddText(err.Error())
	}
	cfg := webhook.Config{
		Keys:            keys,
		Handler:         destinations,
		MaxBody:         cmd.MaxBody.Value,
		Concurrency:     cmd.Concurrency.Value,
		MaxInFlight:     cmd.MaxInFlight.Value,
		MaxConnections:  cmd.MaxConnections.Value,
		AnswerWithin:    cmd.AnswerWithin.Duration,
		IdleTimeout:     cmd.IdleTimeout.Duration,
		MaxAge:          cmd.MaxEventAge.Duration,
		ShutdownTimeout: cmd.ShutdownTimeout.Duration,
		Logger:          log,
	}
	fields := faults.Fields(cfg.Validate())
	fields.Add("MaxBody", "--max-body (WILDIX_MAX_BODY)", cmd.MaxBody.Err)
	fields.Add("Concurrency", "--concurrency (WILDIX_CONCURRENCY)", cmd.Concurrency.Err)
	fields.Add("MaxInFlight", "--max-in-flight (WILDIX_MAX_IN_FLIGHT)", cmd.MaxInFlight.Err)
	fields.Add("MaxConnections", "--max-connections (WILDIX_MAX_CONNECTIONS)", cmd.MaxConnections.Err)
	fields.Add("AnswerWithin", "--answer-within (WILDIX_ANSWER_WITHIN)", cmd.AnswerWithin.Err)
	fields.Add("IdleTimeout", "--idle-timeout (WILDIX_IDLE_TIMEOUT)", cmd.IdleTimeout.Err)
	fields.Add("MaxAge", "--max-event-age (WILDIX_MAX_EVENT_AGE)", cmd.MaxEventAge.Err)
	fields.Add("ShutdownTimeout", "--shutdown-timeout (WILDIX_SHUTDOWN_TIMEOUT)", cmd.ShutdownTimeout.Err)
	if cmd.ForwardQueueURL != "" {
		faults.Add("--forward-queue-url (WILDIX_FORWARD_QUEUE_URL)", consumer.CheckQueueURL(cmd.ForwardQueueURL))
	}
	_, err = config.SplitAddr(cmd.ListenAddr)
	faults.Add("--listen-addr (WILDIX_LISTEN_ADDR)", err)
	cmd.Options.Check(cmd.TLSCert != "", &faults)
	cmd.CheckAdmin(&cmd.File, &faults)
	cmd.CheckReload(&cmd.File, &faults)
	cfg.TLS, err = cmd.tls(log)
	faults.Add("--tls-cert (WILDIX_TLS_CERT), --tls-key (WILDIX_TLS_KEY)", err)
	return destinations, cfg, faults.Err()
}

// tls returns the TLS configuration, or nil without a certificate.
func (cmd *Webhook) tls(log *zap.Logger) (*tls.Config, error) {
	switch {
	case cmd.TLSCert == "" && cmd.TLSKey == "":
		return nil, nil
	case cmd.TLSCert == "" || cmd.TLSKey == "":
		return nil, errors.New("both are needed")
	}
	certificate, err := webhook.LoadCertificate(cmd.TLSCert, cmd.TLSKey, func(err error) { config.LogReread(log, "certificate", err) })
	if err != nil {
		return nil, err
	}
	return certificate.Config(), nil
}
