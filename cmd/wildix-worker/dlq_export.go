package main

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
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

type dlqExportCmd struct {
	deadLetterSettings `embed:""`
	Output             string   `placeholder:"FILE" help:"Write to this file, for its owner alone, instead of standard output."`
	Force              bool     `help:"Overwrite the file."`
	VisibilityTimeout  duration `placeholder:"5m" help:"How long messages stay hidden if the program is killed; and so how long the export may take."`
}

// Help is what --help shows below the summary.
func (*dlqExportCmd) Help() string {
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
func (cmd *dlqExportCmd) Run(ctx context.Context) (err error) {
	visibility, wrong := cmd.check()
	d, err := cmd.find(ctx, wrong)
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
		return fmt.Errorf("exported %s, and not all: %w", plural(written, "message"), err)
	}
	said := "all are still in the queue"
	if d.movesOn() {
		said = "all were in the queue, until its redrive policy moves them on"
	}
	fmt.Fprintf(os.Stderr, "exported %s; %s\n", plural(written, "message"), said)
	return nil
}

// check returns the visibility timeout, and what is wrong with the settings.
func (cmd *dlqExportCmd) check() (visibility time.Duration, wrong faults) {
	visibility = cmp.Or(cmd.VisibilityTimeout.Duration, exportTimeout)
	err := cmd.VisibilityTimeout.err
	if err == nil && (visibility < time.Second || visibility > maxExportTimeout) {
		err = fmt.Errorf("%s is not from 1s to %s", visibility, short(maxExportTimeout))
	}
	wrong.add("--visibility-timeout", err)
	if cmd.Force && cmd.Output == "" {
		wrong.add("--force", errors.New("overwrites the file of --output, which is not given"))
	}
	return visibility, wrong
}

// create makes the file, which holds what was said about people.
func (cmd *dlqExportCmd) create() (*os.File, error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if cmd.Force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(cmd.Output, flags, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, &usageError{fmt.Errorf("--output: %s is there already; give --force to overwrite it", cmd.Output)}
	}
	if err != nil {
		return nil, &usageError{fmt.Errorf("--output: %w", err)}
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
		fresh, err := l.receive(ctx, maxEntries)
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
	return written, d.short(ctx, written)
}

func exportTo(out io.Writer, e exported) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = out.Write(append(printableJSON(text), '\n'))
	return err
}

// short is an error if the queue holds more than could be had. SQS's counts are
// about a minute old, so that both have to say so, that from before and that of now.
func (d *deadLetterQueue) short(ctx context.Context, written int) error {
	before := *d
	if d.held = ask(ctx, d.client, d.url); d.held.err != nil {
		return nil // not known
	}
	moved, missed := before.visible()-written, min(before.total(), d.total())-written
	hidden := min(missed, d.visible())
	switch {
	case moved > 0 && d.movesOn():
		return fmt.Errorf("about %s not there any more: the queue's own redrive policy moves messages on that were received often enough; look in its dead-letter queue", are(moved))
	case hidden > 0 && isFIFO(d.url):
		return fmt.Errorf("about %s more in it: of a FIFO queue SQS gives out no more than the first messages of each group", are(hidden))
	case hidden > 0:
		return fmt.Errorf("about %s more in it, which SQS did not give out; try again, with a longer --visibility-timeout if the export takes long", are(hidden))
	case missed > 0:
		return fmt.Errorf("about %s more in flight: received by someone else, or in an answer that was lost, and not given back yet", are(missed))
	default:
		return nil
	}
}

// total counts the messages that can be received, now or once they are given back.
func (d *deadLetterQueue) total() int { return d.visible() + d.inFlight() }

func are(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}

// An exported message is a line of an export.
type exported struct {
	deadLetterLine
	Attributes map[string]exportedAttribute `json:"attributes,omitempty"`
	System     map[string]string            `json:"systemAttributes,omitempty"`
	Body       string                       `json:"body,omitempty"`
	BodyBase64 []byte                       `json:"bodyBase64,omitempty"` // of a body that is no text
}

type exportedAttribute struct {
	Type   string `json:"type"`
	Value  string `json:"value,omitempty"`
	Binary []byte `json:"binary,omitempty"`
}

func exportedOf(m *types.Message, v verdict) exported {
	letter := deadLetter{*m, v}
	e := exported{deadLetterLine: letter.line(), System: m.Attributes, Attributes: make(map[string]exportedAttribute)}
	for name, a := range m.MessageAttributes {
		e.Attributes[name] = exportedAttribute{aws.ToString(a.DataType), aws.ToString(a.StringValue), a.BinaryValue}
	}
	if body := aws.ToString(m.Body); utf8.ValidString(body) {
		e.Body = body
	} else {
		e.BodyBase64 = []byte(body)
	}
	return e
}
