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

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"wildix-worker/cmd/wildix-worker/internal/awsclient"
	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/exit"
	"wildix-worker/cmd/wildix-worker/internal/exportfile"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/internal/sqscall"
)

// Export is the command dlq export.
type Export struct {
	deadLetterSettings `embed:""`
	Output             string          `placeholder:"FILE" help:"Write to this file, for its owner alone, instead of standard output."`
	Force              bool            `help:"Overwrite the file."`
	VisibilityTimeout  config.Duration `placeholder:"5m" help:"How long messages stay hidden if the program is killed; and so how long the export may take."`
}

// Help is what --help shows below the summary.
func (*Export) Help() string {
	return `Each line holds a message whole: the body, which names people and numbers, and its
attributes, the signature among them, so that

  wildix-worker send --exported FILE

can send it again. Keep the file as you keep the calls. With a signing secret, each
line also says what a worker would make of the message today.

Nothing is deleted. All messages are hidden from others while the export runs and
are given back at its end, also after Ctrl-C; each counts one receive more. Of a
FIFO queue SQS gives out no more than the first messages of each group.

Exit code: 0 if all messages were written, 1 if not, 2 if a setting is wrong.`
}

const (
	exportTimeout    = 5 * time.Minute
	maxExportTimeout = 12 * time.Hour
	// quietReceives are how many receives have to bring nothing new: one may be empty
	// by accident.
	quietReceives = 2
)

// Run writes the messages.
func (cmd *Export) Run(ctx context.Context) (err error) {
	visibility, faults := cmd.check()
	d, err := cmd.find(ctx, faults)
	if err != nil {
		return err
	}
	// Whoever reads a pipe may go before its end; then there is still something to give back.
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
	said := "all are still in the queue"
	if d.movesOn() {
		said = "all were in the queue, until its redrive policy moves them on"
	}
	fmt.Fprintf(os.Stderr, "exported %s; %s\n", term.Plural(written, "message"), said)
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
		faults.Add("--force", errors.New("overwrites the file of --output, which is not given"))
	}
	return visibility, faults
}

// create makes the file, which holds what was said about people.
func (cmd *Export) create() (*os.File, error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if cmd.Force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(cmd.Output, flags, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, &exit.UsageError{Err: fmt.Errorf("--output: %s is there already; give --force to overwrite it", cmd.Output)}
	}
	if err != nil {
		return nil, &exit.UsageError{Err: fmt.Errorf("--output: %w", err)}
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		err = f.Chmod(0o600) // one that was there may have been open to others
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// export writes every message of the queue and gives all of them back.
func (d *deadLetterQueue) export(ctx context.Context, out io.Writer, visibility time.Duration) (written int, err error) {
	l := d.borrow(visibility)
	defer func() {
		err = errors.Join(err, l.giveBack(ctx))
	}()
	for quiet := 0; quiet < quietReceives; {
		if ctx.Err() != nil {
			return written, errStopped
		}
		fresh, err := l.receive(ctx, sqscall.MaxBatch)
		if err != nil {
			return written, err
		}
		if quiet++; len(fresh) > 0 {
			quiet = 0
		}
		for i := range fresh {
			if err := exportTo(out, exportedOf(&fresh[i], judgeMessage(d.keys, &fresh[i]))); err != nil {
				return written, err
			}
			written++
		}
	}
	return written, d.missed(ctx, written)
}

func exportTo(out io.Writer, e exported) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = out.Write(append(term.PrintableJSON(text), '\n'))
	return err
}

// short is an error if the queue holds more than could be had. SQS's counts are
// about a minute old, so that both have to say so, that from before and that of now.
func (d *deadLetterQueue) missed(ctx context.Context, written int) error {
	before := *d
	if d.Attributes = awsclient.GetAttributes(ctx, d.client, d.url); d.Err != nil {
		return nil // not known
	}
	moved, missed := before.Visible()-written, min(before.Visible()+before.InFlight(), d.Visible()+d.InFlight())-written
	hidden := min(missed, d.Visible())
	switch {
	case moved > 0 && d.movesOn():
		return fmt.Errorf("about %s not there any more: the queue's own redrive policy moves messages on that were received often enough; look in its dead-letter queue", are(moved))
	case hidden > 0 && sqscall.IsFIFO(d.url):
		return fmt.Errorf("about %s more in it: of a FIFO queue SQS gives out no more than the first messages of each group", are(hidden))
	case hidden > 0:
		return fmt.Errorf("about %s more in it, which SQS did not give out; try again, with a longer --visibility-timeout if the export takes long", are(hidden))
	case missed > 0:
		return fmt.Errorf("about %s more in flight: received by someone else, or in an answer that was lost, and not given back yet", are(missed))
	default:
		return nil
	}
}

func are(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}

// An exported message is a line of an export.
type exported struct {
	deadLetterLine
	exportfile.Message
}

func exportedOf(m *types.Message, v verdict) exported {
	letter := deadLetter{*m, v}
	return exported{letter.line(), exportfile.Of(m)}
}
