package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

const (
	// maxEvents and maxBytes limit one transaction.
	maxEvents = 256
	maxBytes  = 8 << 20
	// commitTimeout limits one transaction in time. A handler timeout of 30 s, the
	// default, leaves time to return its error.
	commitTimeout = 20 * time.Second
)

// A request is an event that waits to be written.
type request struct {
	ctx   context.Context // of the handler that waits
	event eventRow
	facts calls.Facts
	call  bool // the event is about a call, so facts is set
	done  chan error
}

func newRequest(ctx context.Context, e *events.Event) *request {
	r := &request{ctx: ctx, event: eventRowOf(e), done: make(chan error, 1)}
	r.facts, r.call = calls.FactsOf(e)
	return r
}

// A writer writes requests: those that arrive during one transaction share the next.
// A Store has one.
type writer struct {
	db       *sql.DB
	dialect  dialect
	requests <-chan *request
	file     file
	timeout  time.Duration // of a transaction
}

// run writes until ctx ends, and answers every request that it has received.
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

// collect receives the other requests that wait. It yields once, so that handlers that
// were just answered can send their next event: otherwise they would miss every second
// transaction.
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

// commit writes a batch and answers each request. If the database refuses a row, it writes
// each half of the batch separately, and so on, until only the refused rows have failed.
func (w *writer) commit(ctx context.Context, batch []*request) {
	batch = pending(batch)
	if len(batch) == 0 {
		return
	}
	err := w.write(ctx, batch)
	if w.dialect.stale(err) {
		w.disconnect(ctx)
		err = w.write(ctx, batch)
	}
	oneRow := err != nil && (errors.Is(err, errFacts) || !w.dialect.temporary(err))
	if oneRow && len(batch) > 1 {
		w.commit(ctx, batch[:len(batch)/2])
		w.commit(ctx, batch[len(batch)/2:])
		return
	}
	if err != nil {
		permanent := w.dialect.refused(err)
		err = fmt.Errorf("store: %w", w.dialect.redacted(err))
		if permanent {
			err = events.Permanent(err)
		}
	}
	for _, r := range batch {
		r.done <- err
	}
}

// pending returns the requests whose context has not ended.
func pending(batch []*request) []*request {
	var rest []*request
	for _, r := range batch {
		if r.ctx.Err() == nil {
			rest = append(rest, r)
		}
	}
	return rest
}

// disconnect closes the connection and its prepared statements. The next transaction
// makes another one.
func (w *writer) disconnect(ctx context.Context) {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return // the transaction reports it
	}
	_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // which is how to close it
	_ = conn.Close()
}

func (w *writer) write(ctx context.Context, batch []*request) error {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := w.dialect.writeEvents(ctx, tx, eventRows(batch)); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	if merged := mergedCalls(batch); len(merged) > 0 {
		if err := w.dialect.writeCalls(ctx, tx, merged); err != nil {
			return fmt.Errorf("write calls: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return w.file.check()
}

// eventRows returns the rows in the order of their keys. All workers write in that
// order, so that no two wait for each other.
func eventRows(batch []*request) []*eventRow {
	rows := make([]*eventRow, len(batch))
	for i, r := range batch {
		rows[i] = &r.event
	}
	slices.SortFunc(rows, func(a, b *eventRow) int { return cmp.Compare(a.key, b.key) })
	return rows
}

// mergedCalls merges the facts of a batch by call. The calls are in the order of their
// keys, in which all workers lock them.
func mergedCalls(batch []*request) []call {
	byKey := make(map[calls.Key]calls.Facts)
	for _, r := range batch {
		if r.call {
			key := calls.Key{Company: text(r.facts.Company), ID: text(r.facts.ID)}
			byKey[key] = byKey[key].Merge(r.facts)
		}
	}
	merged := make([]call, 0, len(byKey))
	for _, key := range slices.SortedFunc(maps.Keys(byKey), calls.Key.Compare) {
		merged = append(merged, call{key, byKey[key]})
	}
	return merged
}
