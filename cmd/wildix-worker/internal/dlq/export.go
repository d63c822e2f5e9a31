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
	VisibilityTimeout config.Duration `placeholder:"5m" help:"When messages are visible again if the program is killed; the export may not take longer."`
}

// Help is what --help shows below the summary.
func (*Export) Help() string {
	return `Each line holds one message: its body, which has names and phone numbers, and all
its attributes, including the signature, so that

  wildix-worker send --exported FILE

can send it again. Protect the file as you protect the calls. With a signing secret,
each line also says what a worker would make of the message today.

Nothing is deleted. All messages are hidden from others while the export runs, and
are returned to the queue at its end, also after Ctrl-C; the receive count of each
goes up by one. Of a FIFO queue SQS returns only the first messages of each group.

Exit code: 0 if all messages were written, 1 if not, 2 if a setting is wrong.`
}

const (
	exportTimeout    = 5 * time.Minute
	maxExportTimeout = 12 * time.Hour // the longest visibility timeout of SQS
	// emptyReceives is how many receives in a row must bring nothing new: a single one
	// may be empty although there are messages.
	emptyReceives = 2
)

// Run writes the messages.
func (cmd *Export) Run(ctx context.Context) (err error) {
	visibility, faults := cmd.check()
	d, err := cmd.find(ctx, faults)
	if err != nil {
		return err
	}
	// When the reader of a pipe exits, the messages must still be returned.
	signal.Ignore(syscall.SIGPIPE)
	out := io.WriteCloser(os.Stdout)
	if cmd.Output != "" {
		if out, err = cmd.create(); err != nil {
			return err
		}
	}
	written, err := d.export(ctx, out, visibility)
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("exported %s, and not all: %w", term.Plural(written, "message"), err)
	}
	where := "all are still in the queue"
	if d.hasRedrivePolicy() {
		where = "all were in the queue, until its redrive policy moves them on"
	}
	fmt.Fprintf(os.Stderr, "exported %s; %s\n", term.Plural(written, "message"), where)
	return nil
}

// check returns the visibility timeout, and what is wrong with the settings.
func (cmd *Export) check() (visibility time.Duration, faults config.Faults) {
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

// create creates the file, readable by its owner only since it holds personal data.
func (cmd *Export) create() (*os.File, error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if cmd.Force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(cmd.Output, flags, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, &exit.UsageError{Err: fmt.Errorf("--output: %s exists; give --force to overwrite it", cmd.Output)}
	}
	if err != nil {
		return nil, &exit.UsageError{Err: fmt.Errorf("--output: %w", err)}
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		err = f.Chmod(0o600) // a file that existed may be readable by others
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// export writes every message of the queue, and returns all of them to the queue.
func (d *deadLetterQueue) export(ctx context.Context, out io.Writer, visibility time.Duration) (written int, err error) {
	p := d.peek(visibility)
	defer func() {
		err = errors.Join(err, p.returnAll(ctx))
	}()
	for empty := 0; empty < emptyReceives; {
		if ctx.Err() != nil {
			return written, errStopped
		}
		received, err := p.receive(ctx, sqscall.MaxBatch)
		if err != nil {
			return written, err
		}
		if empty++; len(received) > 0 {
			empty = 0
		}
		for i := range received {
			m := message{received[i], inspect(d.keys, &received[i])}
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

func writeLine(out io.Writer, m *message) error {
	text, err := json.Marshal(exportLine{m.json(), exportfile.Of(&m.Message)})
	if err != nil {
		return err
	}
	_, err = out.Write(append(term.PrintableJSON(text), '\n'))
	return err
}

// checkComplete returns an error if the queue holds more messages than were written. SQS's
// counts are about a minute old, so that it compares with those from before and from after
// the export.
func (d *deadLetterQueue) checkComplete(ctx context.Context, written int) error {
	after := awsclient.GetAttributes(ctx, d.client, d.url)
	if after.Err != nil {
		return nil //nolint:nilerr // not known
	}
	gone := d.Visible() - written
	missed := min(d.Visible()+d.InFlight(), after.Visible()+after.InFlight()) - written
	visible := min(missed, after.Visible())
	switch {
	case gone > 0 && d.hasRedrivePolicy():
		return fmt.Errorf("about %s not there any more: the queue's own redrive policy moves messages on that were received often enough; look in its dead-letter queue", are(gone))
	case visible > 0 && sqscall.IsFIFO(d.url):
		return fmt.Errorf("about %s more in it: of a FIFO queue SQS returns only the first messages of each group", are(visible))
	case visible > 0:
		return fmt.Errorf("about %s more in it, which SQS did not return; try again, with a longer --visibility-timeout if the export takes long", are(visible))
	case missed > 0:
		return fmt.Errorf("about %s more in flight: received by another program, or in an answer that was lost", are(missed))
	default:
		return nil
	}
}
