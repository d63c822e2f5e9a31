package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"go.uber.org/zap"

	"wildix-worker/consumer"
	"wildix-worker/consumer/webhook"
)

type webhookCmd struct {
	ListenAddr      string `default:"127.0.0.1:8080" env:"WILDIX_LISTEN_ADDR" help:"Where to listen, such as :8443."`
	TLSCert         string `placeholder:"FILE" env:"WILDIX_TLS_CERT" help:"Certificate with its intermediates, PEM. Read again when it changes. Without it: plain HTTP, for a proxy in front."`
	TLSKey          string `placeholder:"FILE" env:"WILDIX_TLS_KEY" help:"The certificate's key, PEM."`
	keySettings     `embed:""`
	ForwardQueueURL string   `placeholder:"URL" env:"WILDIX_FORWARD_QUEUE_URL" help:"Put the events on this queue, for workers to consume, instead of handling them here."`
	Concurrency     count    `placeholder:"64" env:"WILDIX_CONCURRENCY" help:"Events handled at once; more wait their turn."`
	MaxInFlight     count    `placeholder:"1024" env:"WILDIX_MAX_IN_FLIGHT" help:"Requests looked at at once; more are answered 503."`
	MaxConnections  count    `placeholder:"1024" env:"WILDIX_MAX_CONNECTIONS" help:"Connections open at once; more wait."`
	MaxBody         count    `placeholder:"1048576" env:"WILDIX_MAX_BODY" help:"Largest body in bytes."`
	AnswerWithin    duration `placeholder:"4.5s" env:"WILDIX_ANSWER_WITHIN" help:"When a request is answered at the latest; the PBX waits 5s."`
	ShutdownTimeout duration `placeholder:"25s" env:"WILDIX_SHUTDOWN_TIMEOUT" help:"How long running handlers get to finish when the program is stopped."`
	handlerSettings `embed:""`
	adminSettings   `embed:""`
	logSettings     `embed:""`
}

// Help is what --help shows below the summary.
func (*webhookCmd) Help() string {
	return `Takes events by HTTP at /webhook, from a PBX whose integration has the
transmission type WEBHOOK. The signing secret is read from WILDIX_SECRET or
--secrets-file.

Without --forward-queue-url the handlers run, and then the PBX has its answer. It
waits 5s and tries three times more. With it, body and signature go to an SQS
queue as they came, and the PBX has its answer once they are there; credentials
and region are found as in every AWS program.

A GET of /webhook is answered 200. SIGTERM or Ctrl-C stops the program: no more
connections are accepted, and what is being handled is finished. A second one
ends it at once.

Exit code: 0 after a clean stop, 1 if something was left undone or it can not
listen, 2 if a setting is wrong.`
}

// Run receives until ctx ends.
func (cmd *webhookCmd) Run(ctx context.Context) (err error) {
	collectLess()
	handlers, cfg, err := cmd.config()
	if err != nil {
		return err
	}
	defer cfg.Logger.Sync()
	notify := startNotifier(ctx, cfg.ShutdownTimeout, cfg.Logger)
	defer notify.stop()
	if cmd.ForwardQueueURL != "" {
		handlers, err = cmd.relay(ctx, handlers)
		if err != nil || ctx.Err() != nil {
			return err
		}
		// What waits for SQS costs little.
		cfg.Handler, cfg.Concurrency = handlers, cmp.Or(cfg.MaxInFlight, webhook.DefaultMaxInFlight)
	}
	l, err := net.Listen("tcp", cmd.ListenAddr)
	if err != nil {
		return fmt.Errorf("--listen-addr (WILDIX_LISTEN_ADDR): %w", err)
	}
	defer l.Close()
	cfg.Logger.Info("starting", zap.String("version", version()))
	defer func() { err = errors.Join(err, handlers.close()) }()
	a := newAdmin()
	if err := handlers.open(ctx, a.metrics); err != nil || ctx.Err() != nil {
		return err
	}
	cfg.Observe, cfg.Tracer = a.observe, handlers.traces.Tracer()
	r, err := webhook.New(cfg)
	if err != nil {
		return err
	}
	a.metrics.Receiver(r.Stats)
	a.ready = r.Ready
	stop, err := a.serve(&cmd.adminSettings, cfg.Logger)
	if err != nil {
		return err
	}
	defer stop()
	notify.ready(receiverStatus(l, r.Stats), a.healthy)
	return r.Serve(ctx, l)
}

// relay returns the chain that puts events on the queue instead.
func (cmd *webhookCmd) relay(ctx context.Context, instead *handlerChain) (*handlerChain, error) {
	client, err := newClient(ctx, cmd.ForwardQueueURL)
	if ctx.Err() != nil {
		return nil, nil // stopped before it had begun
	}
	if err != nil {
		return nil, err
	}
	if err := lookForTarget(ctx, client, cmd.ForwardQueueURL, "forward queue", "--forward-queue-url (WILDIX_FORWARD_QUEUE_URL)"); err != nil {
		return nil, err
	}
	relay, err := webhook.NewRelay(client, cmd.ForwardQueueURL, instead.log)
	if err != nil {
		return nil, err
	}
	instead.log.Info("forwarding", zap.String("queue", cmd.ForwardQueueURL))
	return &handlerChain{
		log: instead.log, traces: instead.traces,
		links: []link{{name: "relay", handler: relay, close: relay.Close}},
	}, nil
}

// config turns the settings into a configuration, or into one error that names
// every wrong one.
func (cmd *webhookCmd) config() (*handlerChain, webhook.Config, error) {
	var wrong faults
	log := cmd.logger(&wrong)
	handlers := cmd.chain("", log, &wrong)
	keys, err := cmd.load(func(err error) { logReread(log, "secrets file", err) })
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	cfg := webhook.Config{
		Keys:            keys,
		Handler:         handlers,
		MaxBody:         cmd.MaxBody.value,
		Concurrency:     cmd.Concurrency.value,
		MaxInFlight:     cmd.MaxInFlight.value,
		MaxConnections:  cmd.MaxConnections.value,
		AnswerWithin:    cmd.AnswerWithin.Duration,
		ShutdownTimeout: cmd.ShutdownTimeout.Duration,
		Logger:          log,
	}
	wrong.addFields(cfg.Validate(), []setting{
		{"MaxBody", "--max-body (WILDIX_MAX_BODY)", cmd.MaxBody.err},
		{"Concurrency", "--concurrency (WILDIX_CONCURRENCY)", cmd.Concurrency.err},
		{"MaxInFlight", "--max-in-flight (WILDIX_MAX_IN_FLIGHT)", cmd.MaxInFlight.err},
		{"MaxConnections", "--max-connections (WILDIX_MAX_CONNECTIONS)", cmd.MaxConnections.err},
		{"AnswerWithin", "--answer-within (WILDIX_ANSWER_WITHIN)", cmd.AnswerWithin.err},
		{"ShutdownTimeout", "--shutdown-timeout (WILDIX_SHUTDOWN_TIMEOUT)", cmd.ShutdownTimeout.err},
	})
	if cmd.ForwardQueueURL != "" {
		wrong.add("--forward-queue-url (WILDIX_FORWARD_QUEUE_URL)", consumer.CheckQueueURL(cmd.ForwardQueueURL))
	}
	_, err = splitAddr(cmd.ListenAddr)
	wrong.add("--listen-addr (WILDIX_LISTEN_ADDR)", err)
	cmd.adminSettings.check(&wrong)
	cfg.TLS, err = cmd.tls(log)
	wrong.add("--tls-cert (WILDIX_TLS_CERT), --tls-key (WILDIX_TLS_KEY)", err)
	return handlers, cfg, wrong.err()
}

// tls returns nil without an error when there is no certificate.
func (cmd *webhookCmd) tls(log *zap.Logger) (*tls.Config, error) {
	switch {
	case cmd.TLSCert == "" && cmd.TLSKey == "":
		return nil, nil
	case cmd.TLSCert == "" || cmd.TLSKey == "":
		return nil, errors.New("one is of no use without the other")
	}
	certificate, err := webhook.LoadCertificate(cmd.TLSCert, cmd.TLSKey, func(err error) { logReread(log, "certificate", err) })
	if err != nil {
		return nil, err
	}
	return certificate.Config(), nil
}
