package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/consumer"
	"wildix-worker/internal/sqscall"
)

// checkSettings also finds the region. Later checks of the queue are made even if other
// settings are wrong.
func checkSettings(ctx context.Context, i *inspection) finding {
	_, cfg, err := i.settings.Build()
	i.cfg, i.settingsRight = cfg, err == nil
	if consumer.CheckQueueURL(cfg.QueueURL) != nil {
		return problem(err.Error(), "")
	}
	region, _ := awsclient.Locate(cfg.QueueURL)
	loaded, awsErr := awsclient.LoadConfig(ctx, region, cfg.QueueURL)
	if awsErr == nil {
		i.aws = &loaded
	}
	if err := errors.Join(err, awsErr); err != nil {
		return problem(err.Error(), "")
	}
	kind := "standard"
	if sqscall.IsFIFO(cfg.QueueURL) {
		kind = "FIFO"
	}
	return finding{statusOK, fmt.Sprintf("%s queue in %s, %s", kind, loaded.Region, term.Plural(cfg.Keys.Len(), "secret")), cfg.QueueURL}
}

// checkCredentials also asks for the queue: only AWS knows whether the credentials are
// valid.
func checkCredentials(ctx context.Context, i *inspection) finding {
	found, err := awsclient.Credentials(ctx, *i.aws)
	if err != nil {
		return problem(err.Error(), "")
	}
	i.client = awsclient.FromConfig(*i.aws, i.cfg.QueueURL)
	i.queue = awsclient.GetAttributes(ctx, i.client, i.cfg.QueueURL)
	if awsclient.BadCredentials(i.queue.Err) {
		return problem(i.explain(i.queue.Err), "they are from "+found.Source)
	}
	i.accepted = true
	return ok("from " + found.Source)
}

// checkVisibilityTimeout warns of timeouts that make work, or make a crash worse. None is
// wrong, since leases are extended.
func checkVisibilityTimeout(_ context.Context, i *inspection) finding {
	const long = 15 * time.Minute
	lease := cmp.Or(i.cfg.VisibilityTimeout, consumer.DefaultVisibilityTimeout)
	handler := cmp.Or(i.cfg.HandlerTimeout, consumer.DefaultHandlerTimeout)
	switch text := term.Duration(lease) + ", handlers get " + term.Duration(handler); {
	case lease < handler:
		return warning(text, "the worker extends it while a handler takes longer, with a call each time; when these calls fail, another worker receives the message meanwhile; set --visibility-timeout (WILDIX_VISIBILITY_TIMEOUT) above --handler-timeout (WILDIX_HANDLER_TIMEOUT)")
	case lease >= long:
		return warning(text, "after a crash, the messages in hand stay hidden for that long; it is extended while a handler runs, so --visibility-timeout (WILDIX_VISIBILITY_TIMEOUT) may be short")
	default:
		return ok(text)
	}
}
