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

// checkSettings also finds the region. Even if it finds wrong settings, the queue is checked
// if its URL and the AWS settings are right.
func checkSettings(ctx context.Context, i *inspection) finding {
	destinations, cfg, err := i.settings.Build()
	i.destinations, i.cfg, i.settingsRight = destinations, cfg, err == nil
	if consumer.CheckQueueURL(cfg.QueueURL) != nil {
		return problem(err.Error(), "")
	}
	loaded, awsErr := awsclient.LoadConfig(ctx, sqscall.Locate(cfg.QueueURL).Region, cfg.QueueURL)
	if awsErr == nil {
		if i.client, awsErr = awsclient.FromConfig(ctx, loaded, cfg.QueueURL); awsErr == nil {
			i.aws = &loaded
		}
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

// checkCredentials also requests the queue's attributes, to find out whether AWS accepts the
// credentials.
func checkCredentials(ctx context.Context, i *inspection) finding {
	found, err := awsclient.Credentials(ctx, *i.aws)
	if err != nil {
		return problem(err.Error(), "")
	}
	i.queue = awsclient.GetAttributes(ctx, i.client, i.cfg.QueueURL)
	if awsclient.BadCredentials(i.queue.Err) {
		return problem(i.explain(i.queue.Err), "they are from "+found.Source)
	}
	i.accepted = true
	return ok("from " + found.Source)
}

// checkVisibilityTimeout warns of a timeout that causes many calls, or hides messages for
// long after a crash. No timeout is a problem, since leases are extended.
func checkVisibilityTimeout(_ context.Context, i *inspection) finding {
	const long = 15 * time.Minute
	lease := cmp.Or(i.cfg.VisibilityTimeout, consumer.DefaultVisibilityTimeout)
	handler := cmp.Or(i.cfg.HandlerTimeout, consumer.DefaultHandlerTimeout)
	switch text := term.Duration(lease) + ", handlers get " + term.Duration(handler); {
	case lease < handler:
		return warning(text, "the worker extends it with further calls while a handler runs longer; if these calls fail, another worker receives the message too; set --visibility-timeout (WILDIX_VISIBILITY_TIMEOUT) above --handler-timeout (WILDIX_HANDLER_TIMEOUT)")
	case lease >= long:
		return warning(text, "after a crash, the messages that the worker had received stay hidden for that long; set a shorter --visibility-timeout (WILDIX_VISIBILITY_TIMEOUT), which the worker extends while a handler runs")
	default:
		return ok(text)
	}
}
