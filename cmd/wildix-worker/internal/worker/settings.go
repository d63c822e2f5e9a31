// Package worker holds the settings of a worker, which the commands run and check share.
package worker

import (
	"errors"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/handlers"
	"wildix-worker/consumer"
)

// QuarantineSetting is how errors name the setting of the quarantine queue.
const QuarantineSetting = "--quarantine-queue-url (WILDIX_QUARANTINE_QUEUE_URL)"

// Settings are the settings of a worker.
type Settings struct {
	config.File        `embed:""`
	config.Reload      `embed:""`
	QueueURL           string `placeholder:"URL" env:"WILDIX_QUEUE_URL,SQS_URL" help:"The queue to consume."`
	config.Keys        `embed:""`
	Concurrency        config.Count          `placeholder:"64" env:"WILDIX_CONCURRENCY" help:"Events that each handler handles at once."`
	VisibilityTimeout  config.Duration       `placeholder:"60s" env:"WILDIX_VISIBILITY_TIMEOUT" help:"How long SQS hides a received message from others; extended while it is handled."`
	HandlerTimeout     config.Duration       `placeholder:"30s" env:"WILDIX_HANDLER_TIMEOUT" help:"Timeout of handling one message."`
	ShutdownTimeout    config.Duration       `placeholder:"25s" env:"WILDIX_SHUTDOWN_TIMEOUT" help:"How long running handlers may take to finish when the worker is stopped."`
	OrderByCall        bool                  `env:"WILDIX_ORDER_BY_CALL" help:"Handle the events of one call one at a time."`
	MaxHeld            config.Count          `placeholder:"10000" env:"WILDIX_MAX_HELD" help:"Messages held at once while a handler is down or an earlier message is not done."`
	MaxHeldBytes       config.Count          `placeholder:"67108864" env:"WILDIX_MAX_HELD_BYTES" help:"Size of the bodies of held messages, in bytes."`
	OnRejected         config.RejectedPolicy `placeholder:"leave" env:"WILDIX_ON_REJECTED" help:"What happens to rejected and malformed messages: leave, quarantine or delete." values:"leave,quarantine,delete"`
	QuarantineQueueURL string                `placeholder:"URL" env:"WILDIX_QUARANTINE_QUEUE_URL" help:"The queue that --on-rejected=quarantine sends to."`
	handlers.Settings  `embed:""`
	config.Admin       `embed:""`
	config.Log         `embed:""`
}

// Build returns the handlers and the configuration of the consumer. If settings are wrong, it
// also returns one error that names all of them, and the configuration may be incomplete.
func (s *Settings) Build() (*handlers.Destinations, consumer.Config, error) { return s.build(true) }

// Destinations returns the destinations without opening them, or one error that names all
// wrong settings. A queue and a secret may be missing, since they are often set only where the
// worker runs.
func (s *Settings) Destinations() (*handlers.Destinations, error) {
	d, _, err := s.build(false)
	return d, err
}

func (s *Settings) build(complete bool) (*handlers.Destinations, consumer.Config, error) {
	faults := s.Faults()
	log := s.Logger(&faults)
	destinations := handlers.New(&s.Settings, &s.File, s.QueueURL, log, &faults)
	keys, err := s.Load(&s.File, func(err error) { config.LogReread(log, "secrets file", err) })
	if err != nil && (complete || !errors.Is(err, config.ErrNoSecret)) {
		faults.AddText(err.Error())
	}
	cfg := consumer.Config{
		QueueURL:           s.QueueURL,
		Keys:               keys,
		Handler:            destinations,
		Concurrency:        s.Concurrency.Value,
		VisibilityTimeout:  s.VisibilityTimeout.Duration,
		HandlerTimeout:     s.HandlerTimeout.Duration,
		ShutdownTimeout:    s.ShutdownTimeout.Duration,
		OrderByCall:        s.OrderByCall,
		MaxHeld:            s.MaxHeld.Value,
		MaxHeldBytes:       s.MaxHeldBytes.Value,
		OnRejected:         s.OnRejected.Value,
		QuarantineQueueURL: s.QuarantineQueueURL,
		Logger:             log,
	}
	fields := faults.Fields(cfg.Validate())
	if complete || s.QueueURL != "" {
		fields.Add("QueueURL", "--queue-url (WILDIX_QUEUE_URL)", nil)
	}
	fields.Add("Concurrency", "--concurrency (WILDIX_CONCURRENCY)", s.Concurrency.Err)
	fields.Add("VisibilityTimeout", "--visibility-timeout (WILDIX_VISIBILITY_TIMEOUT)", s.VisibilityTimeout.Err)
	fields.Add("HandlerTimeout", "--handler-timeout (WILDIX_HANDLER_TIMEOUT)", s.HandlerTimeout.Err)
	fields.Add("ShutdownTimeout", "--shutdown-timeout (WILDIX_SHUTDOWN_TIMEOUT)", s.ShutdownTimeout.Err)
	fields.Add("MaxHeld", "--max-held (WILDIX_MAX_HELD)", s.MaxHeld.Err)
	fields.Add("MaxHeldBytes", "--max-held-bytes (WILDIX_MAX_HELD_BYTES)", s.MaxHeldBytes.Err)
	fields.Add("OnRejected", "--on-rejected (WILDIX_ON_REJECTED)", s.OnRejected.Err)
	fields.Add("QuarantineQueueURL", QuarantineSetting, nil)
	s.CheckAdmin(&s.File, &faults)
	s.CheckReload(&s.File, &faults)
	if consumer.CheckQueueURL(cfg.QuarantineQueueURL) == nil && !awsclient.SameClient(cfg.QueueURL, cfg.QuarantineQueueURL) {
		faults.Add(QuarantineSetting, errors.New("must be in the same region, or at the same endpoint, as the queue to consume"))
	}
	return destinations, cfg, faults.Err()
}
