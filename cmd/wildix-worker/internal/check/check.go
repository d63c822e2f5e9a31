// Package check is the command check: it checks settings, credentials, queue, permissions and
// destinations without consuming.
package check

import (
	"context"
	"os"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/cmd/wildix-worker/internal/worker"
	"wildix-worker/consumer"
)

// Command is the command check.
type Command struct {
	worker.Settings `embed:""`
	Strict          bool `help:"Exit with 1 if there are warnings."`
}

// Help is what --help shows below the summary.
func (*Command) Help() string {
	return `Takes the settings of run. Each check prints a line, and advice if there is a problem.
No message is received, changed or deleted: permissions are checked with requests
that can't succeed. Each destination is tried, and gets no event: check connects,
makes the TLS handshake, logs in, opens the database without changing it, and finds
the program. An HTTP endpoint gets no request.

Exit code: 0 if the worker can run, 1 if there are warnings and --strict is given,
2 if there is a problem or a check could not be made.`
}

// Run prints the result of each check as it is made.
func (cmd *Command) Run(ctx context.Context) error {
	r := report{Printer: term.NewPrinter(os.Stdout)}
	i := &inspection{settings: &cmd.Settings, timeout: awsclient.Timeout}
	if runAll(ctx, i, r.add) {
		return r.stopped()
	}
	return r.summary(cmd.Strict)
}

// A check checks one thing. If there is nothing to check, run returns the zero finding, which
// is not shown.
type check struct {
	name  string
	needs need
	run   func(context.Context, *inspection) finding
}

// checks are made in this order. A check whose need is not met is skipped.
var checks = []check{
	{"settings", nothing, checkSettings},
	{"secrets file", nothing, checkSecretsFile},
	{"credentials", usableSettings, checkCredentials},
	{"queue", acceptedCredentials, checkQueue},
	{"GetQueueAttributes", existingQueue, checkAttributes},
	{"ReceiveMessage", existingQueue, checkPermission("sqs:ReceiveMessage", probeReceive)},
	{"DeleteMessage", existingQueue, checkPermission("sqs:DeleteMessage", probeDelete)},
	{"ChangeMessageVisibility", existingQueue, checkPermission("sqs:ChangeMessageVisibility", probeChangeVisibility)},
	{"KMS key", nothing, checkKey},
	{"quarantine queue", reachableQuarantine, checkQuarantine},
	{"once table", reachableTable, checkOnceTable},
	{"redrive policy", knownAttributes, checkRedrivePolicy},
	{"dead-letter queue", knownRedrivePolicy, checkDeadLetterQueue},
	{"retention", knownAttributes, checkRetention},
	{"visibility timeout", rightSettings, checkVisibilityTimeout},
	{"clock", anyAnswer, checkClock},
}

// A need is what a check needs from earlier ones.
type need struct {
	name string
	met  func(*inspection) bool
}

var (
	nothing             = need{"", func(*inspection) bool { return true }}
	rightSettings       = need{"right settings", func(i *inspection) bool { return i.settingsRight }}
	usableSettings      = need{"settings", func(i *inspection) bool { return i.aws != nil }}
	acceptedCredentials = need{"credentials", func(i *inspection) bool { return i.accepted }}
	anyAnswer           = need{"an answer", func(i *inspection) bool { return i.queue.Answered() }}
	existingQueue       = need{"the queue", queueExists}
	reachableQuarantine = need{"the queue", func(i *inspection) bool { return i.cfg.OnRejected != consumer.Quarantine || queueExists(i) }}
	reachableTable      = need{"settings", func(i *inspection) bool { return i.settings.OnceTable == "" || i.aws != nil }}
	knownAttributes     = need{"GetQueueAttributes", func(i *inspection) bool { return i.queue.Values != nil }}
	knownRedrivePolicy  = need{"a redrive policy", func(i *inspection) bool { return i.redrive != nil }}
)

func queueExists(i *inspection) bool { return i.accepted && i.queue.QueueExists() }

// runAll makes every check that can be made, and tries the destinations, until ctx ends.
func runAll(ctx context.Context, i *inspection, found func(name string, f finding)) (stopped bool) {
	for _, c := range checks {
		f := skipped("needs " + c.needs.name)
		if c.needs.met(i) {
			f = i.withTimeout(ctx, c.run)
		}
		if ctx.Err() != nil {
			return true
		}
		if f != (finding{}) {
			found(c.name, f)
		}
	}
	tryDestinations(ctx, i, found)
	return ctx.Err() != nil
}
