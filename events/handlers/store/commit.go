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
	empty bool // there is no event: it only connects
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
	connect  func(context.Context) (*connection, error)
	conn     *connection // nil before connect has succeeded
	requests chan *request
	timeout  time.Duration // of a transaction
}

// run writes until ctx ends, and answers every request that it has received.
func (w *writer) run(ctx context.Context) {
	for {
		select {
		case r := <-w.requests:
			w.handle(ctx, w.collect(r))
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

// handle connects, unless that has been done, commits a batch and answers each request.
func (w *writer) handle(ctx context.Context, batch []*request) {
	if w.conn == nil {
		var err error
		if w.conn, err = w.connect(ctx); err != nil {
			answer(batch, fmt.Errorf("store: %w", err))
			return
		}
	}
	w.commit(ctx, batch)
}

func answer(batch []*request, err error) {
	for _, r := range batch {
		r.done <- err
	}
}

// commit writes a batch and answers each request. If the database refuses a row, it writes
// each half of the batch separately, and so on, until only the refused rows have failed.
func (w *writer) commit(ctx context.Context, batch []*request) {
	batch = pending(batch)
	if len(batch) == 0 {
		return
	}
	dialect := w.conn.dialect
	err := w.write(ctx, batch)
	if dialect.stale(err) {
		dropConnection(ctx, w.conn.db)
		err = w.write(ctx, batch)
	}
	for try := 0; errors.Is(err, errDeleted) && try < 3; try++ { // a call was pruned
		err = w.write(ctx, batch)
	}
	oneRow := err != nil && (errors.Is(err, errFacts) || !dialect.temporary(err))
	if oneRow && len(batch) > 1 {
		w.commit(ctx, batch[:len(batch)/2])
		w.commit(ctx, batch[len(batch)/2:])
		return
	}
	if err != nil {
		permanent := dialect.refused(err)
		err = fmt.Errorf("store: %w", dialect.redacted(err))
		if permanent {
			err = events.Permanent(err)
		}
	}
	answer(batch, err)
}

// pending returns the requests with an event whose context has not ended. It answers those
// without one.
func pending(batch []*request) []*request {
	var rest []*request
	for _, r := range batch {
		switch {
		case r.empty:
			r.done <- nil
		case r.ctx.Err() == nil:
			rest = append(rest, r)
		}
	}
	return rest
}

// dropConnection closes the pool's connection and its prepared statements. The next
// transaction makes another one.
func dropConnection(ctx context.Context, db *sql.DB) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return // the transaction reports it
	}
	_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // which is how to close it
	_ = conn.Close()
}

func (w *writer) write(ctx context.Context, batch []*request) error {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	tx, err := w.conn.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := w.conn.dialect.writeEvents(ctx, tx, eventRows(batch)); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	if merged := mergedCalls(batch); len(merged) > 0 {
		if err := w.conn.dialect.writeCalls(ctx, tx, merged); err != nil {
			return fmt.Errorf("write calls: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return w.conn.file.check()
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
