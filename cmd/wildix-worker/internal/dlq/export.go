package dlq

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/deadletter"
	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/exportfile"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/internal/sqscall"
)

// Export is the command dlq export.
type Export struct {
	queueSettings     `embed:""`
	Output            string          `placeholder:"FILE" help:"Write to this file, readable by its owner only, instead of standard output."`
	Force             bool            `help:"Overwrite the file."`
	VisibilityTimeout config.Duration `placeholder:"5m" help:"Longest time that the export may take. If the program is killed, the messages are visible again after this time."`
}

// Help is what --help shows below the summary.
func (*Export) Help() string {
	return `Each line holds one message: its body, which has names and phone numbers, and all
its attributes, including the signature, so that

  wildix-worker send --exported FILE

can send it again. Protect the file: it holds personal data. With a signing secret,
each line also shows whether a worker would accept the message today.

Nothing is deleted. All messages are hidden from others while the export runs. At its
end, or after Ctrl-C, they are returned to the queue. The receive count of each goes up
by one. From a FIFO queue SQS returns only the first messages of each group.

Exit code: 0 if all messages were written, 1 if not, 2 if a setting is wrong.`
}

const (
	exportTimeout    = 5 * time.Minute
	maxExportTimeout = 12 * time.Hour // the longest visibility timeout of SQS
)

// Run writes the messages.
func (cmd *Export) Run(ctx context.Context) (err error) {
	visibility, faults := cmd.check()
	d, err := cmd.find(ctx, faults)
	if err != nil {
		return err
	}
	// The messages must be returned even if the reader of a pipe exits.
	signal.Ignore(syscall.SIGPIPE)
	out := io.WriteCloser(os.Stdout)
	if cmd.Output != "" {
		if out, err = cmd.create(); err != nil {
			return err
		}
	}
	written, err := d.export(ctx, out, visibility)
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("exported only %s: %w", term.Plural(written, "message"), err)
	}
	where := "all are still in the queue"
	if d.HasRedrivePolicy() {
		where = "all were returned to the queue, whose redrive policy may move them on"
	}
	fmt.Fprintf(os.Stderr, "exported %s; %s\n", term.Plural(written, "message"), where)
	return nil
}

// check returns the visibility timeout, and what is wrong with the settings.
func (cmd *Export) check() (visibility time.Duration, faults config.Faults) {
	faults = cmd.Faults()
	visibility = cmp.Or(cmd.VisibilityTimeout.Duration, exportTimeout)
	err := cmd.VisibilityTimeout.Err
	if err == nil && (visibility < time.Second || visibility > maxExportTimeout) {
		err = fmt.Errorf("%s is not from 1s to %s", visibility, term.Duration(maxExportTimeout))
	}
	faults.Add("--visibility-timeout", err)
	if cmd.Force && cmd.Output == "" {
		faults.Add("--force", errors.New("needs --output"))
	}
	return visibility, faults
}

// create creates the file, readable by its owner only since it holds personal data. What
// --force overwrites must be a file: a link could lead anywhere, and a pipe without a reader
// would never open.
func (cmd *Export) create() (*os.File, error) {
	if info, err := os.Lstat(cmd.Output); err == nil && cmd.Force {
		if !info.Mode().IsRegular() {
			return nil, &exit.UsageError{Err: fmt.Errorf("--output: %s is not a regular file; give another name, or leave out --output and redirect standard output", cmd.Output)}
		}
		if err := os.Remove(cmd.Output); err != nil {
			return nil, &exit.UsageError{Err: fmt.Errorf("--output: %w", err)}
		}
	}
	f, err := os.OpenFile(cmd.Output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, &exit.UsageError{Err: fmt.Errorf("--output: %s exists; give --force to overwrite it", cmd.Output)}
	case err != nil:
		return nil, &exit.UsageError{Err: fmt.Errorf("--output: %w", err)}
	}
	return f, nil
}

// export writes every message of the queue, and returns all of them to the queue.
func (d *deadLetterQueue) export(ctx context.Context, out io.Writer, visibility time.Duration) (written int, err error) {
	p := d.Peek(visibility)
	defer func() {
		err = errors.Join(err, p.ReturnAll(ctx))
	}()
	for empty := 0; empty < deadletter.EmptyReceives; {
		if ctx.Err() != nil {
			return written, deadletter.ErrStopped
		}
		received, err := p.Receive(ctx, sqscall.MaxBatch)
		if err != nil {
			return written, err
		}
		if empty++; len(received) > 0 {
			empty = 0
		}
		for i := range received {
			m := deadletter.Message{Message: received[i], Verdict: deadletter.Inspect(d.Keys, &received[i])}
			if err := writeLine(out, &m); err != nil {
				return written, err
			}
			written++
		}
	}
	return written, d.checkComplete(ctx, written)
}

// An exportLine is a line of the file.
type exportLine struct {
	messageJSON
	exportfile.Message
}

func writeLine(out io.Writer, m *deadletter.Message) error {
	text, err := json.Marshal(exportLine{jsonOf(m), exportfile.Of(&m.Message)})
	if err != nil {
		return err
	}
	_, err = out.Write(append(term.PrintableJSON(text), '\n'))
	return err
}

// checkComplete returns an error if the queue holds more messages than were written. SQS's
// counts are about a minute old, so it compares with the counts before and after the export.
func (d *deadLetterQueue) checkComplete(ctx context.Context, written int) error {
	after := awsclient.GetAttributes(ctx, d.Client, d.URL)
	if after.Err != nil {
		return nil //nolint:nilerr // it is not known whether the export is complete
	}
	gone := d.Visible() - written
	missed := min(d.Visible()+d.InFlight(), after.Visible()+after.InFlight()) - written
	visible := min(missed, after.Visible())
	switch {
	case gone > 0 && d.HasRedrivePolicy():
		return fmt.Errorf("about %s no longer in the queue: its own redrive policy moves messages on that were received too often; look in its dead-letter queue", countAre(gone))
	case visible > 0 && sqscall.IsFIFO(d.URL):
		return fmt.Errorf("about %s in the queue: from a FIFO queue SQS returns only the first messages of each group", moreAre(visible))
	case visible > 0:
		return fmt.Errorf("about %s in the queue, which SQS did not return; try again, with a longer --visibility-timeout if the export takes long", moreAre(visible))
	case missed > 0:
		return fmt.Errorf("about %s in flight: received by another program, or in a response that was lost", moreAre(missed))
	default:
		return nil
	}
}
