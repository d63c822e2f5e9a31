package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

const (
	// maxEvents and maxBytes bound one transaction.
	maxEvents = 256
	maxBytes  = 8 << 20
	// commitTimeout bounds one transaction in time. It leaves a handler with the
	// usual 30 s some to hear of it.
	commitTimeout = 20 * time.Second
)

// A request is an event that waits to be written.
type request struct {
	ctx   context.Context // of the one who waits
	event eventRow
	facts calls.Facts
	call  bool // the event is about a call, and has facts
	done  chan error
}

func newRequest(ctx context.Context, e *events.Event) *request {
	r := &request{ctx: ctx, event: eventRowOf(e), done: make(chan error, 1)}
	r.facts, r.call = calls.FactsOf(e)
	return r
}

// A writer writes requests, those that came while it was busy in one
// transaction. It is the only one of its Store who writes.
type writer struct {
	db       *sql.DB
	dialect  dialect
	requests <-chan *request
	file     file
}

// run writes until ctx ends, and answers every request that it has taken.
func (w *writer) run(ctx context.Context) {
	for {
		select {
		case r := <-w.requests:
			w.commit(ctx, w.collect(r))
		case <-ctx.Done():
			return
		}
	}
}

// collect takes along who else waits. Those who were just answered get a chance
// to come with their next one, or every other transaction would be theirs.
func (w *writer) collect(first *request) []*request {
	batch, bytes := []*request{first}, len(first.event.raw)
	yielded := false
	for len(batch) < maxEvents && bytes < maxBytes {
		select {
		case r := <-w.requests:
			batch = append(batch, r)
			bytes += len(r.event.raw)
		default:
			if yielded {
				return batch
			}
			runtime.Gosched()
			yielded = true
		}
	}
	return batch
}

// commit writes a batch and answers each request. If the database refuses one
// of the rows, it writes the halves, until those that can be written are and
// those that can't have failed alone.
func (w *writer) commit(ctx context.Context, batch []*request) {
	batch = waitedFor(batch)
	if len(batch) == 0 {
		return
	}
	err := w.write(ctx, batch)
	if outdated(err) {
		w.disconnect(ctx)
		err = w.write(ctx, batch)
	}
	oneRow := err != nil && (errors.Is(err, errFacts) || !w.dialect.mayPass(err))
	if oneRow && len(batch) > 1 {
		w.commit(ctx, batch[:len(batch)/2])
		w.commit(ctx, batch[len(batch)/2:])
		return
	}
	if err != nil {
		permanent := w.dialect.refused(err)
		err = fmt.Errorf("store: %w", cleaned(err))
		if permanent {
			err = events.Permanent(err)
		}
	}
	for _, r := range batch {
		r.done <- err
	}
}

// waitedFor leaves out those whose time is up.
func waitedFor(batch []*request) []*request {
	var waited []*request
	for _, r := range batch {
		if r.ctx.Err() == nil {
			waited = append(waited, r)
		}
	}
	return waited
}

// disconnect has the statements prepared anew, on the next connection.
func (w *writer) disconnect(ctx context.Context) {
	if conn, err := w.db.Conn(ctx); err == nil {
		conn.Raw(func(any) error { return driver.ErrBadConn })
		conn.Close()
	}
}

func (w *writer) write(ctx context.Context, batch []*request) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := w.dialect.writeEvents(ctx, tx, eventRows(batch)); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	if calls := callsOf(batch); len(calls) > 0 {
		if err := w.dialect.writeCalls(ctx, tx, calls); err != nil {
			return fmt.Errorf("write calls: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return w.file.check()
}
