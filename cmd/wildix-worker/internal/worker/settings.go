// Package worker holds the settings of a worker: run takes them, and check inspects them.
package worker

import (
	"errors"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/handlers"
	"wildix-worker/consumer"
)

// QuarantineSetting is the setting of the quarantine queue, for errors.
const QuarantineSetting = "--quarantine-queue-url (WILDIX_QUARANTINE_QUEUE_URL)"

// Settings are the settings of a worker.
type Settings struct {
	QueueURL           string `placeholder:"URL" env:"WILDIX_QUEUE_URL,SQS_URL" help:"The queue to consume."`
	config.Keys        `embed:""`
	Concurrency        config.Count          `placeholder:"64" env:"WILDIX_CONCURRENCY" help:"Messages handled at once."`
	VisibilityTimeout  config.Duration       `placeholder:"60s" env:"WILDIX_VISIBILITY_TIMEOUT" help:"How long SQS hides a received message from others; extended while it is handled."`
	HandlerTimeout     config.Duration       `placeholder:"30s" env:"WILDIX_HANDLER_TIMEOUT" help:"Timeout of handling one message."`
	ShutdownTimeout    config.Duration       `placeholder:"25s" env:"WILDIX_SHUTDOWN_TIMEOUT" help:"How long running handlers may take to finish when the worker is stopped."`
	OrderByCall        bool                  `env:"WILDIX_ORDER_BY_CALL" help:"Handle the events of one call one at a time."`
	OnRejected         config.RejectedPolicy `placeholder:"leave" env:"WILDIX_ON_REJECTED" help:"What happens to rejected and malformed messages: leave, quarantine or delete." values:"leave,quarantine,delete"`
	QuarantineQueueURL string                `placeholder:"URL" env:"WILDIX_QUARANTINE_QUEUE_URL" help:"The queue that --on-rejected=quarantine sends to."`
	handlers.Settings  `embed:""`
	config.Admin       `embed:""`
	config.Log         `embed:""`
}

// Build returns the handlers and the configuration of the consumer, or one error that
// names every wrong setting. With the error comes what could be built.
func (s *Settings) Build() (*handlers.Chain, consumer.Config, error) {
	var faults config.Faults
	log := s.Logger(&faults)
	chain := handlers.New(&s.Settings, s.QueueURL, log, &faults)
	keys, err := s.Load(func(err error) { config.LogReread(log, "secrets file", err) })
	if err != nil {
		faults = append(faults, err.Error())
	}
	cfg := consumer.Config{
		QueueURL:           s.QueueURL,
		Keys:               keys,
		Handler:            chain,
		Concurrency:        s.Concurrency.Value,
		VisibilityTimeout:  s.VisibilityTimeout.Duration,
		HandlerTimeout:     s.HandlerTimeout.Duration,
		ShutdownTimeout:    s.ShutdownTimeout.Duration,
		OrderByCall:        s.OrderByCall,
		OnRejected:         s.OnRejected.Value,
		QuarantineQueueURL: s.QuarantineQueueURL,
		Logger:             log,
	}
	fields := faults.Fields(cfg.Validate())
	fields.Add("QueueURL", "--queue-url (WILDIX_QUEUE_URL)", nil)
	fields.Add("Concurrency", "--concurrency (WILDIX_CONCURRENCY)", s.Concurrency.Err)
	fields.Add("VisibilityTimeout", "--visibility-timeout (WILDIX_VISIBILITY_TIMEOUT)", s.VisibilityTimeout.Err)
	fields.Add("HandlerTimeout", "--handler-timeout (WILDIX_HANDLER_TIMEOUT)", s.HandlerTimeout.Err)
	fields.Add("ShutdownTimeout", "--shutdown-timeout (WILDIX_SHUTDOWN_TIMEOUT)", s.ShutdownTimeout.Err)
	fields.Add("OnRejected", "--on-rejected (WILDIX_ON_REJECTED)", s.OnRejected.Err)
	fields.Add("QuarantineQueueURL", QuarantineSetting, nil)
	s.CheckAdmin(&faults)
	if consumer.CheckQueueURL(cfg.QuarantineQueueURL) == nil && !awsclient.SameClient(cfg.QueueURL, cfg.QuarantineQueueURL) {
		faults.Add(QuarantineSetting, errors.New("not in the region, or not at the endpoint, of the queue that is consumed"))
	}
	return chain, cfg, faults.Err()
}
