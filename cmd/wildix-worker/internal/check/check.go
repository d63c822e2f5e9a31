// Package check is the command check: it checks settings, credentials, queue and
// permissions without consuming.
package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/cmd/wildix-worker/internal/worker"
	"wildix-worker/consumer"
	"wildix-worker/internal/sqscall"
)

// Command is the command check.
type Command struct {
	worker.Settings `embed:""`
	Strict          bool `help:"Exit with 1 if there are warnings."`
}

// Help is what --help shows below the summary.
func (*Command) Help() string {
	return `Takes the settings of run, and says in a line each what is in order and what to
do about the rest. No message is received, changed or deleted: what the worker
may do is asked with requests that can't succeed.

Exit code: 0 if the worker can run, 1 if there are warnings and --strict is
given, 2 if there is a problem or not all could be checked.`
}

// checks are made in this order, each with what it needs to make sense. One that
// finds nothing to look at returns the zero finding, which is not shown.
var checks = []struct {
	name  string
	needs need
	make  func(context.Context, *inspection) finding
}{
	{"settings", nothing, checkSettings},
	{"credentials", usableSettings, checkCredentials},
	{"queue", acceptedCredentials, checkQueue},
	{"GetQueueAttributes", usableQueue, checkAttributes},
	{"ReceiveMessage", usableQueue, permitted("sqs:ReceiveMessage", probeReceive)},
	{"DeleteMessage", usableQueue, permitted("sqs:DeleteMessage", probeDelete)},
	{"ChangeMessageVisibility", usableQueue, permitted("sqs:ChangeMessageVisibility", probeChange)},
	{"quarantine queue", usableQuarantine, checkQuarantine},
	{"once table", usableTable, checkOnceTable},
	{"redrive policy", knownAttributes, checkRedrive},
	{"dead-letter queue", redrivePolicy, checkDeadLetters},
	{"retention", knownAttributes, checkRetention},
	{"visibility timeout", rightSettings, checkVisibility},
	{"clock", anyAnswer, checkClock},
}

// Run shows every check as it is made.
func (cmd *Command) Run(ctx context.Context) error {
	r := report{Printer: term.NewPrinter(os.Stdout)}
	i := &inspection{settings: &cmd.Settings, limit: awsclient.Timeout}
	if stopped := i.each(ctx, r.add); stopped {
		return r.stopped()
	}
	return r.verdict(cmd.Strict)
}

// An inspection holds what was found so far, for the checks that come later.
type inspection struct {
	settings *worker.Settings
	limit    time.Duration // for one check

	cfg      consumer.Config
	right    bool                   // all settings are
	aws      *aws.Config            // nil if the settings don't lead to a queue
	client   *sqs.Client            // nil without credentials
	first    awsclient.Attributes   // to the first request
	accepted bool                   // the credentials, as far as is known
	redrive  *sqscall.RedrivePolicy // nil if the queue has none that can be read
}

// each makes every check that can be made, until ctx ends.
func (i *inspection) each(ctx context.Context, found func(name string, f finding)) (stopped bool) {
	for _, c := range checks {
		f := skipped("needs " + c.needs.what)
		if c.needs.met(i) {
			f = i.limited(ctx, c.make)
		}
		if ctx.Err() != nil {
			return true
		}
		if f != (finding{}) {
			found(c.name, f)
		}
	}
	return false
}

// limited makes a check, and waits for it no longer than the limit.
func (i *inspection) limited(ctx context.Context, check func(context.Context, *inspection) finding) finding {
	ctx, cancel := context.WithTimeout(ctx, i.limit)
	defer cancel()
	return check(ctx, i)
}

// A need is what must have been found for a check to make sense.
type need struct {
	what string
	met  func(*inspection) bool
}

var (
	nothing             = need{"", func(*inspection) bool { return true }}
	rightSettings       = need{"right settings", func(i *inspection) bool { return i.right }}
	usableSettings      = need{"settings", func(i *inspection) bool { return i.aws != nil }}
	acceptedCredentials = need{"credentials", func(i *inspection) bool { return i.accepted }}
	anyAnswer           = need{"an answer", func(i *inspection) bool { return i.first.Answered() }}
	usableQueue         = need{"the queue", func(i *inspection) bool { return i.accepted && i.first.QueueExists() }}
	usableQuarantine    = need{"the queue", func(i *inspection) bool { return i.cfg.OnRejected != consumer.Quarantine || usableQueue.met(i) }}
	usableTable         = need{"settings", func(i *inspection) bool { return i.settings.OnceTable == "" || i.aws != nil }}
	knownAttributes     = need{"GetQueueAttributes", func(i *inspection) bool { return i.first.Values != nil }}
	redrivePolicy       = need{"a redrive policy", func(i *inspection) bool { return i.redrive != nil }}
)

// checkSettings also finds the region. A wrong setting that has nothing to do
// with the queue keeps nobody from looking at the queue.
func checkSettings(ctx context.Context, i *inspection) finding {
	_, cfg, err := i.settings.Build()
	i.cfg, i.right = cfg, err == nil
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
	return finding{wordOK, fmt.Sprintf("%s queue in %s, %s", kind, loaded.Region, term.Plural(cfg.Keys.Len(), "secret")), cfg.QueueURL}
}

// checkCredentials asks for the queue as well: only AWS can tell whether the
// credentials are good.
func checkCredentials(ctx context.Context, i *inspection) finding {
	found, err := awsclient.Credentials(ctx, *i.aws)
	if err != nil {
		return problem(err.Error(), "")
	}
	i.client = awsclient.FromConfig(*i.aws, i.cfg.QueueURL)
	i.first = awsclient.GetAttributes(ctx, i.client, i.cfg.QueueURL)
	if awsclient.BadCredentials(i.first.Err) {
		return problem(i.trouble(i.first.Err), "they are from "+found.Source)
	}
	i.accepted = true
	return fine("from " + found.Source)
}

func checkQueue(_ context.Context, i *inspection) finding {
	switch {
	case !i.first.QueueExists():
		return problem(i.trouble(i.first.Err), "")
	case i.first.Err != nil:
		return fine("answers")
	default:
		return fine("answers, holds about " + term.Plural(i.first.Total(), "message"))
	}
}

// Leases are extended, so that no visibility timeout is wrong; but some make
// work, and some make a crash worse.
func checkVisibility(_ context.Context, i *inspection) finding {
	// After a crash, the messages that were being handled wait for so long.
	const long = 15 * time.Minute
	lease := cmp.Or(i.cfg.VisibilityTimeout, consumer.DefaultVisibilityTimeout)
	handler := cmp.Or(i.cfg.HandlerTimeout, consumer.DefaultHandlerTimeout)
	switch what := term.Duration(lease) + ", handlers get " + term.Duration(handler); {
	case lease < handler:
		return warning(what, "a handler that takes longer has it extended, but that is a call each time, and when the calls fail, another worker gets the message meanwhile; set --visibility-timeout (WILDIX_VISIBILITY_TIMEOUT) above --handler-timeout (WILDIX_HANDLER_TIMEOUT)")
	case lease >= long:
		return warning(what, "after a crash, the messages that were being handled stay hidden for so long; it is extended while a handler runs, so --visibility-timeout (WILDIX_VISIBILITY_TIMEOUT) may be short")
	default:
		return fine(what)
	}
}
