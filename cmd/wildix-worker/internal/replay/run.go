package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"wildix-worker/cmd/wildix-worker/internal/config"
	"wildix-worker/cmd/wildix-worker/internal/destination"
	"wildix-worker/cmd/wildix-worker/internal/preview"
	"wildix-worker/cmd/wildix-worker/internal/statefile"
	"wildix-worker/cmd/wildix-worker/internal/term"
	"wildix-worker/consumer"
	"wildix-worker/events"
	"wildix-worker/events/handlers/store"
	"wildix-worker/internal/backoff"
	"wildix-worker/signature"
)

// A replay is one run of the command.
type replay struct {
	cmd  *Command
	to   destination.Destination
	from source
	zone *time.Location
	out  *term.Printer

	file checkpointFile
	checkpoint
	done    int // events of the database that earlier runs have read
	reading *reading
	keys    *signature.Keyring // nil if no signing secret is set
	sent    sample
	skip    bool // the next event that would be sent
}

func (r *replay) run(ctx context.Context) (err error) {
	if r.keys, err = r.cmd.Load(&r.cmd.File, nil); err != nil && !errors.Is(err, config.ErrNoSecret) {
		return err
	}
	r.done, r.skip = r.Read, r.cmd.Skip
	closeReaders, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer closeReaders()
	r.printPlan()
	switch {
	case r.reading.total() == 0:
		r.out.Printf("nothing to send\n")
		return errors.Join(r.out.Err(), r.finish())
	case r.cmd.DryRun:
		return r.dryRun(ctx)
	default:
		return r.send(ctx)
	}
}

// open opens the databases and finds out what is in them.
func (r *replay) open(ctx context.Context) (closeReaders func(), err error) {
	reader, err := store.OpenReader(r.from.url)
	if err != nil {
		return nil, err
	}
	query := store.EventQuery{Since: r.Begin, Until: r.End}
	counts, err := reader.Count(ctx, query)
	if err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	r.reading = &reading{selection: newSelection(counts, r.cmd.On, r.to, r.from.whole), reader: reader, part: r.Part}
	query.Types, query.After = r.reading.types(), r.After
	r.reading.query = query
	if !r.reading.derive {
		return func() { reader.Close() }, nil
	}
	stateURL := r.cmd.State
	if stateURL == "" {
		if stateURL, err = statefile.URL(); err != nil {
			return nil, errors.Join(err, reader.Close())
		}
	}
	if r.reading.state, err = store.OpenReader(stateURL); err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	return func() { reader.Close(); r.reading.state.Close() }, nil
}

// send sends the events.
func (r *replay) send(ctx context.Context) (err error) {
	if r.to.Connect != nil {
		if err := r.to.Connect(ctx); err != nil {
			return fmt.Errorf("destination %s: %w", r.to.Name, err)
		}
	}
	if r.to.Close != nil {
		defer func() { err = errors.Join(err, r.to.Close()) }()
	}
	if err := r.file.save(&r.checkpoint); err != nil {
		return err
	}
	bar := term.NewProgress()
	s := &sender{
		handler: r.to.Handler, timeout: cmp.Or(r.to.Timeout, r.cmd.HandlerTimeout.Duration, consumer.DefaultHandlerTimeout),
		delay: backoff.Exponential{Min: time.Second, Max: time.Minute},
		waiting: func(err error, delay time.Duration) {
			bar.Clear()
			bar.Printf("trying again in %s: %s\n", delay.Round(time.Second/10), term.Printable(err.Error()))
		},
	}
	pace := &pace{perSecond: r.cmd.Rate.Value}
	err = r.each(ctx, func(e *events.Event) error {
		if !pace.wait(ctx) {
			return errInterrupted
		}
		return s.send(ctx, e)
	}, func() error {
		bar.Show(int64(r.Read), int64(r.reading.total()), fmt.Sprintf("sent %d, looked at %d of about %d", r.Sent, r.Read, r.reading.total()))
		return r.file.save(&r.checkpoint)
	}, bar.Clear)
	bar.Clear()
	r.printResult("sent")
	if err != nil {
		return errors.Join(r.stopped(err), r.file.save(&r.checkpoint))
	}
	return errors.Join(r.out.Err(), r.finish())
}

// stopped returns the error of a replay that has not come to its end, with what to do.
func (r *replay) stopped(err error) error {
	hint := "to go on, run it again with --resume"
	if _, ok := errors.AsType[*gaveUpError](err); ok {
		hint += "; to leave this event out, with --resume --skip"
	}
	return fmt.Errorf("%w; %s", err, hint)
}

// dryRun counts what would be sent, and shows the first events.
func (r *replay) dryRun(ctx context.Context) error {
	r.Sent, r.Failed, r.LeftOut = 0, 0, nil // of the rest
	bar := term.NewProgress()
	err := r.each(ctx, func(e *events.Event) error {
		p, err := r.to.Preview(ctx, e)
		if err == nil {
			r.sent.add(e, p)
		}
		if err != nil && !errors.Is(err, events.ErrNoHandler) {
			return events.Permanent(err)
		}
		return err
	}, func() error {
		bar.Show(int64(r.Read), int64(r.reading.total()), fmt.Sprintf("looked at %d of about %d", r.Read, r.reading.total()))
		return nil
	}, bar.Clear)
	bar.Clear()
	if err != nil {
		return err
	}
	r.printResult("would send")
	r.sent.print(r.out, r.zone)
	r.out.Printf("nothing was sent: this is a dry run\n")
	return errors.Join(r.out.Err(), r.failures())
}

// each calls send for the events that fit, and keep after each that is sent or has failed for
// good. It returns an error of the database, of keep, or of send if that is not about the event
// alone.
func (r *replay) each(ctx context.Context, send func(*events.Event) error, keep func() error, beforeOutput func()) error {
	for c, err := range r.reading.candidates(ctx) {
		if ctx.Err() != nil {
			return errInterrupted
		}
		if err != nil {
			return err
		}
		switch err := r.handle(c, send); { //nolint:contextcheck // a condition takes none, and is bounded
		case err == nil:
			r.Sent++
		case errors.Is(err, errLeftOut):
			r.pass(c)
			continue
		case events.IsPermanent(err):
			r.Failed++
			beforeOutput()
			r.printFailure(c, err)
		case errors.Is(err, errInterrupted):
			return err
		default:
			return fmt.Errorf("%s %w", r.describe(c), err)
		}
		r.pass(c)
		if err := keep(); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return errInterrupted
	}
	return nil
}

// pass records that a candidate is done.
func (r *replay) pass(c candidate) {
	if c.last {
		r.After, r.Part = c.row, ""
	} else {
		r.Part = c.row.Key
	}
	r.Read = r.done + r.reading.rows
}

// errLeftOut says that an event is not sent, which is counted.
var errLeftOut = errors.New("left out")

// handle sends a candidate if the destination wants it.
func (r *replay) handle(c candidate, send func(*events.Event) error) error {
	if c.err != nil {
		return events.Permanent(c.err)
	}
	c.event.Replay = true
	if signer, ok := r.keys.Signer(c.event.IntegrationID); ok && c.event.Type != events.CallFinished {
		c.event.Signature = signer.Sign(c.event.Raw)
	}
	switch fits, err := r.reading.fits(c.event); {
	case err != nil:
		return events.Permanent(err)
	case !fits:
		return r.leaveOut(notWhen)
	case r.skip:
		r.skip = false
		return r.leaveOut(skipped)
	}
	err := send(c.event)
	if errors.Is(err, events.ErrNoHandler) {
		return r.leaveOut(noOutput)
	}
	return err
}

func (r *replay) leaveOut(reason string) error {
	if r.LeftOut == nil {
		r.LeftOut = make(map[string]int)
	}
	r.LeftOut[reason]++
	return errLeftOut
}

// finish removes the checkpoint, and returns an error if events have failed.
func (r *replay) finish() error {
	if r.cmd.DryRun {
		return nil
	}
	return errors.Join(r.file.remove(), r.failures())
}

func (r *replay) failures() error {
	if r.Failed == 0 {
		return nil
	}
	return fmt.Errorf("%s failed for good, see above", term.Plural(r.Failed, "event"))
}

// A pace limits how many events are sent a second.
type pace struct {
	perSecond int // 0 means no limit
	next      time.Time
}

// wait returns when the next event may be sent, or false if ctx ends first.
func (p *pace) wait(ctx context.Context) bool {
	if p.perSecond == 0 {
		return ctx.Err() == nil
	}
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	timer := time.NewTimer(p.next.Sub(now))
	defer timer.Stop()
	p.next = p.next.Add(time.Second / time.Duration(p.perSecond))
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// A sample describes events for a person: how many of each type, the first and the last, and
// what the first few look like.
type sample struct {
	types       map[string]int
	first, last time.Time
	shown       []preview.Preview
}

const shownEvents = 3

func (s *sample) add(e *events.Event, p preview.Preview) {
	if s.types == nil {
		s.types, s.first = make(map[string]int), e.Time
	}
	s.types[e.Type]++
	s.last = e.Time
	if len(s.shown) < shownEvents {
		s.shown = append(s.shown, p)
	}
}
