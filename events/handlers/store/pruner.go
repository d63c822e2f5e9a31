package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

// A pruner deletes old rows.
type pruner struct {
	db           *sql.DB
	dialect      dialect
	statements   pruneStatements
	before, lost any // times of the database
	dryRun       bool
	pruned       Pruned
}

func newPruner(db *sql.DB, d dialect, before time.Time, dryRun bool) *pruner {
	lost := time.Now().Add(-lostEnd)
	if before.Before(lost) {
		lost = before
	}
	return &pruner{db: db, dialect: d, statements: d.pruneStatements(), before: at(before), lost: at(lost), dryRun: dryRun}
}

// run deletes calls first. Their events are then those without a call, also when run is
// interrupted in between.
func (p *pruner) run(ctx context.Context) error {
	for _, prune := range []func(context.Context, *sql.Tx, *position) (*position, error){p.pruneCalls, p.pruneEvents} {
		for after := (&position{}); after != nil; {
			begin := time.Now()
			var err error
			if after, err = p.transact(ctx, after, prune); err != nil {
				return err
			}
			if after != nil && !p.dryRun {
				if err := pause(ctx, max(time.Since(begin), 10*time.Millisecond)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// transact prunes the rows after a position. It returns the position of the last row, or nil
// if there are no more.
func (p *pruner) transact(ctx context.Context, after *position, prune func(context.Context, *sql.Tx, *position) (*position, error)) (*position, error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	tx, err := p.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: p.dryRun})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	counted := p.pruned
	last, err := prune(ctx, tx, after)
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		p.pruned = counted
	}
	return last, err
}

// prunable is the condition of calls to delete.
const prunable = `started_at < $1 AND last_event_at < $1 AND (ended_at IS NOT NULL OR last_event_at < $2)`

func (p *pruner) pruneCalls(ctx context.Context, tx *sql.Tx, after *position) (last *position, err error) {
	query, args := `SELECT CAST(started_at AS TEXT), company, id FROM calls WHERE `+prunable, []any{p.before, p.lost}
	if *after != (position{}) {
		query, args = query+` AND (started_at, company, id) > ($3, $4, $5)`, append(args, after.started, after.company, after.id)
	}
	query = fmt.Sprintf(`%s ORDER BY started_at, company, id LIMIT %d`, query, rowsPerPrune)
	rows, err := tx.QueryContext(ctx, p.find(query), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found [][]string // company and ID
	for rows.Next() {
		last = &position{}
		if err := rows.Scan(&last.started, &last.company, &last.id); err != nil {
			return nil, err
		}
		found = append(found, []string{last.company, last.id})
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(found) == 0 {
		return nil, err
	}
	p.pruned.Calls += len(found)
	return last, p.delete(ctx, tx, p.statements.deleteCalls, len(found), found)
}

// find returns a query that in PostgreSQL locks the rows that it finds, but not those that
// a worker is writing: nobody waits for a lock that this transaction waits for.
func (p *pruner) find(query string) string {
	if !p.dryRun {
		query += p.statements.lock
	}
	return p.dialect.numbered(query)
}

// delete deletes the rows with n keys.
func (p *pruner) delete(ctx context.Context, tx *sql.Tx, statement string, n int, keys any) error {
	if p.dryRun || n == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, p.dialect.numbered(statement), jsonText(keys))
	return err
}

// An oldEvent is an event from before the time. Its call is one of the keys, if it has one.
type oldEvent struct {
	key   string
	calls [2]calls.Key
}

func (p *pruner) pruneEvents(ctx context.Context, tx *sql.Tx, after *position) (last *position, err error) {
	found, last, err := p.oldEvents(ctx, tx, after)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	kept, err := p.keptCalls(ctx, tx, found)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, e := range found {
		if !kept[e.calls[0]] && !kept[e.calls[1]] {
			keys = append(keys, e.key)
		}
	}
	p.pruned.Events += len(keys)
	return last, p.delete(ctx, tx, p.statements.deleteEvents, len(keys), keys)
}

// oldEvents returns a batch of events. The position has the time and the event's key.
func (p *pruner) oldEvents(ctx context.Context, tx *sql.Tx, after *position) (found []oldEvent, last *position, err error) {
	query, args := `SELECT CAST(time AS TEXT), delivery_key, company, id, raw FROM events WHERE time < $1`, []any{p.before}
	if *after != (position{}) {
		query, args = query+` AND (time, delivery_key) > ($2, $3)`, append(args, after.started, after.id)
	}
	query = fmt.Sprintf(`%s ORDER BY time, delivery_key LIMIT %d`, query, rowsPerPrune)
	rows, err := tx.QueryContext(ctx, p.find(query), args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for size := 0; size < pageBytes && rows.Next(); {
		var key calls.Key
		var raw []byte
		last = &position{}
		if err := rows.Scan(&last.started, &last.id, &key.Company, &key.ID, &raw); err != nil {
			return nil, nil, err
		}
		found = append(found, oldEvent{last.id, [2]calls.Key{key, callOf(raw)}})
		size += len(raw)
	}
	return found, last, errors.Join(rows.Err(), rows.Close())
}

// callOf returns the key of an event's call, which may be another than that of the event.
func callOf(raw []byte) calls.Key {
	e, err := events.Decode(raw)
	if err != nil {
		return calls.Key{}
	}
	facts, _ := calls.FactsOf(e)
	return calls.Key{Company: text(facts.Company), ID: text(facts.ID)}
}

// keptCalls returns which calls of the events are not deleted.
func (p *pruner) keptCalls(ctx context.Context, tx *sql.Tx, found []oldEvent) (map[calls.Key]bool, error) {
	wanted := make(map[calls.Key]bool)
	var keys [][]string
	for _, e := range found {
		for _, key := range e.calls {
			if !wanted[key] {
				wanted[key] = true
				keys = append(keys, []string{key.Company, key.ID})
			}
		}
	}
	condition, args := "1 = 1", []any{jsonText(keys)}
	if p.dryRun { // those that would be deleted are still there
		condition, args = "NOT ("+prunable+")", []any{p.before, p.lost, jsonText(keys)}
	}
	query := fmt.Sprintf(p.statements.keptCalls, condition, len(args))
	rows, err := tx.QueryContext(ctx, p.dialect.numbered(query), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	kept := make(map[calls.Key]bool)
	for rows.Next() {
		var key calls.Key
		if err := rows.Scan(&key.Company, &key.ID); err != nil {
			return nil, err
		}
		kept[key] = true
	}
	return kept, rows.Err()
}

func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("strings can't be encoded: %v", err)) // they always can
	}
	return string(text)
}
