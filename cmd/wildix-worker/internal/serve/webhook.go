package serve

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"go.uber.org/zap"

	"wildix-worker/cmd/wildix-worker/internal/admin"
	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/buildinfo"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/handlers"
	"wildix-worker/cmd/wildix-worker/internal/systemd"
	"wildix-worker/consumer"
	"wildix-worker/consumer/webhook"
)

// Webhook is the command webhook.
type Webhook struct {
	ListenAddr        string `default:"127.0.0.1:8080" env:"WILDIX_LISTEN_ADDR" help:"Where to listen, such as :8443."`
	TLSCert           string `placeholder:"FILE" env:"WILDIX_TLS_CERT" help:"Certificate with its intermediates, PEM. Read again when it changes. Without it the server speaks plain HTTP, for a proxy in front."`
	TLSKey            string `placeholder:"FILE" env:"WILDIX_TLS_KEY" help:"The certificate's key, PEM."`
	config.Keys       `embed:""`
	ForwardQueueURL   string          `placeholder:"URL" env:"WILDIX_FORWARD_QUEUE_URL" help:"Put the events on this queue, for workers to consume, instead of handling them here."`
	Concurrency       config.Count    `placeholder:"64" env:"WILDIX_CONCURRENCY" help:"Events handled at once; more wait."`
	MaxInFlight       config.Count    `placeholder:"1024" env:"WILDIX_MAX_IN_FLIGHT" help:"Requests in progress at once; more are answered 503."`
	MaxConnections    config.Count    `placeholder:"1024" env:"WILDIX_MAX_CONNECTIONS" help:"Connections open at once; more wait."`
	MaxBody           config.Count    `placeholder:"1048576" env:"WILDIX_MAX_BODY" help:"Largest body in bytes."`
	AnswerWithin      config.Duration `placeholder:"4.5s" env:"WILDIX_ANSWER_WITHIN" help:"Longest time until a request is answered; the PBX waits 5s."`
	ShutdownTimeout   config.Duration `placeholder:"25s" env:"WILDIX_SHUTDOWN_TIMEOUT" help:"How long running handlers may take to finish when the program is stopped."`
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
signature are put on an SQS queue unchanged, and the request is answered then;
credentials and region are found as in every AWS program.

A GET of /webhook is answered 200. SIGTERM or Ctrl-C stops the program: it accepts
no more connections, and finishes the events in hand. A second one ends it at once.

Exit code: 0 after a clean stop, 1 if an event was not finished or it can't listen,
2 if a setting is wrong.`
}

// Run receives events until ctx ends.
func (cmd *Webhook) Run(ctx context.Context, v buildinfo.Version) (err error) {
	setGCPercent()
	chain, cfg, err := cmd.config()
	if err != nil {
		return err
	}
	defer cfg.Logger.Sync()
	notify := systemd.Start(ctx, cfg.ShutdownTimeout, cfg.Logger)
	defer notify.Stop()
	if cmd.ForwardQueueURL != "" {
		chain, err = cmd.relay(ctx, chain, cfg.Logger)
		if err != nil || ctx.Err() != nil {
			return err
		}
		// A request that waits for SQS costs little.
		cfg.Handler, cfg.Concurrency = chain, cmp.Or(cfg.MaxInFlight, webhook.DefaultMaxInFlight)
	}
	l, err := net.Listen("tcp", cmd.ListenAddr)
	if err != nil {
		return fmt.Errorf("--listen-addr (WILDIX_LISTEN_ADDR): %w", err)
	}
	defer l.Close()
	cfg.Logger.Info("starting", zap.String("version", string(v)))
	defer func() { err = errors.Join(err, chain.Close()) }()
	a := admin.New(v)
	if err := chain.Open(ctx, a.Metrics, v); err != nil || ctx.Err() != nil {
		return err
	}
	cfg.Observe, cfg.Tracer = a.Observe, chain.Tracer()
	r, err := webhook.New(cfg)
	if err != nil {
		return err
	}
	a.Metrics.Receiver(r.Stats)
	a.Ready = r.Ready
	stop, err := a.Serve(&cmd.Admin, cfg.Logger)
	if err != nil {
		return err
	}
	defer stop()
	notify.Ready(receiverStatus(l, r.Stats), a.Healthy)
	return r.Serve(ctx, l)
}

// relay returns a chain that puts events on the queue instead of handling them.
func (cmd *Webhook) relay(ctx context.Context, instead *handlers.Chain, log *zap.Logger) (*handlers.Chain, error) {
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
func (cmd *Webhook) config() (*handlers.Chain, webhook.Config, error) {
	var faults config.Faults
	log := cmd.Logger(&faults)
	chain := handlers.New(&cmd.Settings, "", log, &faults)
	keys, err := cmd.Load(func(err error) { config.LogReread(log, "secrets file", err) })
	if err != nil {
		faults = append(faults, err.Error())
	}
	cfg := webhook.Config{
		Keys:            keys,
		Handler:         chain,
		MaxBody:         cmd.MaxBody.Value,
		Concurrency:     cmd.Concurrency.Value,
		MaxInFlight:     cmd.MaxInFlight.Value,
		MaxConnections:  cmd.MaxConnections.Value,
		AnswerWithin:    cmd.AnswerWithin.Duration,
		ShutdownTimeout: cmd.ShutdownTimeout.Duration,
		Logger:          log,
	}
	fields := faults.Fields(cfg.Validate())
	fields.Add("MaxBody", "--max-body (WILDIX_MAX_BODY)", cmd.MaxBody.Err)
	fields.Add("Concurrency", "--concurrency (WILDIX_CONCURRENCY)", cmd.Concurrency.Err)
	fields.Add("MaxInFlight", "--max-in-flight (WILDIX_MAX_IN_FLIGHT)", cmd.MaxInFlight.Err)
	fields.Add("MaxConnections", "--max-connections (WILDIX_MAX_CONNECTIONS)", cmd.MaxConnections.Err)
	fields.Add("AnswerWithin", "--answer-within (WILDIX_ANSWER_WITHIN)", cmd.AnswerWithin.Err)
	fields.Add("ShutdownTimeout", "--shutdown-timeout (WILDIX_SHUTDOWN_TIMEOUT)", cmd.ShutdownTimeout.Err)
	if cmd.ForwardQueueURL != "" {
		faults.Add("--forward-queue-url (WILDIX_FORWARD_QUEUE_URL)", consumer.CheckQueueURL(cmd.ForwardQueueURL))
	}
	_, err = config.SplitAddr(cmd.ListenAddr)
	faults.Add("--listen-addr (WILDIX_LISTEN_ADDR)", err)
	cmd.CheckAdmin(&faults)
	cfg.TLS, err = cmd.tls(log)
	faults.Add("--tls-cert (WILDIX_TLS_CERT), --tls-key (WILDIX_TLS_KEY)", err)
	return chain, cfg, faults.Err()
}

// tls returns nil if there is no certificate.
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
