package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/calls"
)

// A Reader reads the events that a [Store] has written. It never writes. It reads pages, and
// holds no transaction while the caller handles an event, however long that takes.
type Reader struct {
	db     *sql.DB
	target *target
}

// OpenReader returns a Reader, which connects when it is first used.
func OpenReader(url string) (*Reader, error) {
	target, err := parseURL(url, toRead)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return &Reader{target.open(), target}, nil
}

// Close disconnects.
func (r *Reader) Close() error {
	defer r.target.hangUp()
	return r.db.Close()
}

// An EventQuery selects events.
type EventQuery struct {
	Since time.Time // events from then on, unless zero
	Until time.Time // events from before then, unless zero
	Types []string  // only these types, unless empty
	After Place     // only events after that, unless zero
}

// A Place is that of an event in the order of events: by time, and then by delivery key.
type Place struct {
	Time time.Time `json:"time"`
	Key  string    `json:"key"`
}

// A StoredEvent is an event in the database.
type StoredEvent struct {
	Place
	Raw []byte
}

// Decode decodes the event. Its Signature is empty, since a database has none.
func (s StoredEvent) Decode() (*events.Event, error) { return events.Decode(s.Raw) }

// Events returns the events that the query selects, in their order. After an error it yields
// nothing more. A database without the tables is an error.
func (r *Reader) Events(ctx context.Context, q EventQuery) iter.Seq2[StoredEvent, error] {
	return func(yield func(StoredEvent, error) bool) {
		condition, args := q.where()
		r.pages(ctx, condition, args, q.After, yield)
	}
}

// EventsOfCall returns all events of a call, in their order. The first that can't be decoded
// is an error.
func (r *Reader) EventsOfCall(ctx context.Context, call calls.Key, eventID string) iter.Seq2[*events.Event, error] {
	return func(yield func(*events.Event, error) bool) {
		// The id of an event is that of its call, unless its data has another.
		args := []any{text(call.ID), text(eventID)}
		r.pages(ctx, "id IN ($1, $2)", args, Place{}, func(s StoredEvent, err error) bool {
			if err != nil {
				return yield(nil, err)
			}
			e, err := s.Decode()
			if err != nil {
				return yield(nil, fmt.Errorf("store: event %s: %w", s.Key, err))
			}
			facts, isCall := calls.FactsOf(e)
			if !isCall && e.Type == events.CallFinished {
				facts.ID, facts.Company = e.ID, e.Company
			}
			if facts.Key() != call {
				return true
			}
			return yield(e, nil)
		})
	}
}

// pages reads events page by page until yield returns false.
func (r *Reader) pages(ctx context.Context, condition string, args []any, after Place, yield func(StoredEvent, error) bool) {
	for {
		page, whole, err := r.page(ctx, condition, args, after)
		if err != nil {
			yield(StoredEvent{}, r.explained("read events", err))
			return
		}
		for _, s := range page {
			if !yield(s, nil) {
				return
			}
			after = s.Place
		}
		if whole {
			return
		}
	}
}

// page returns the events after a place. last reports whether there are no more.
func (r *Reader) page(ctx context.Context, condition string, args []any, after Place) (page []StoredEvent, last bool, err error) {
	if after != (Place{}) {
		condition += fmt.Sprintf(" AND (time, delivery_key) > ($%d, $%d)", len(args)+1, len(args)+2)
		args = append(slices.Clip(args), at(after.Time), after.Key)
	}
	query := fmt.Sprintf(`SELECT CAST(%s AS TEXT), delivery_key, raw FROM events WHERE %s ORDER BY time, delivery_key LIMIT %d`,
		r.target.dialect.millis("time"), condition, pageEvents)
	rows, err := r.db.QueryContext(ctx, r.target.dialect.numbered(query), args...)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	size := 0
	for size < pageBytes && rows.Next() {
		var s StoredEvent
		var when string
		if err := rows.Scan(&when, &s.Key, &s.Raw); err != nil {
			return nil, false, err
		}
		if s.Time, err = time.Parse(timeLayout, when); err != nil {
			return nil, false, fmt.Errorf("time of event %s: %w", s.Key, err)
		}
		page, size = append(page, s), size+len(s.Raw)
	}
	return page, size < pageBytes && len(page) < pageEvents, rows.Err()
}

// where returns the condition of a query without its place, and its arguments.
func (q EventQuery) where() (condition string, args []any) {
	conditions := []string{"1 = 1"}
	add := func(condition string, value any) {
		args = append(args, value)
		conditions = append(conditions, fmt.Sprintf(condition, len(args)))
	}
	if !q.Since.IsZero() {
		add("time >= $%d", at(q.Since))
	}
	if !q.Until.IsZero() {
		add("time < $%d", at(q.Until))
	}
	if len(q.Types) > 0 {
		var places []string
		for _, eventType := range q.Types {
			args = append(args, text(eventType))
			places = append(places, fmt.Sprintf("$%d", len(args)))
		}
		conditions = append(conditions, "type IN ("+strings.Join(places, ", ")+")")
	}
	return strings.Join(conditions, " AND "), args
}

// A TypeCount is how many events of a type there are.
type TypeCount struct {
	Type  string
	Count int
}

// Count returns how many events of each type a query selects, whatever its place, by type.
func (r *Reader) Count(ctx context.Context, q EventQuery) ([]TypeCount, error) {
	condition, args := q.where()
	query := `SELECT type, COUNT(*) FROM events WHERE ` + condition + ` GROUP BY type ORDER BY type`
	rows, err := r.db.QueryContext(ctx, r.target.dialect.numbered(query), args...)
	if err != nil {
		return nil, r.explained("count events", err)
	}
	defer rows.Close()
	var counts []TypeCount
	for rows.Next() {
		var c TypeCount
		if err := rows.Scan(&c.Type, &c.Count); err != nil {
			return nil, r.explained("count events", err)
		}
		counts = append(counts, c)
	}
	if err := rows.Err(); err != nil {
		return nil, r.explained("count events", err)
	}
	return counts, nil
}

// Finished returns the JSON of the call:finished that a [State] in the database has of a call,
// or nil if there is none, also because no State has used the database.
func (r *Reader) Finished(ctx context.Context, call calls.Key) (finished []byte, err error) {
	query := r.target.dialect.numbered(`SELECT finished FROM call_states WHERE company = $1 AND id = $2`)
	err = r.target.dialect.noTables(r.db.QueryRowContext(ctx, query, text(call.Company), text(call.ID)).Scan(&finished))
	if errors.Is(err, sql.ErrNoRows) || errors.Is(err, errNoTables) || err != nil && r.missing() {
		return nil, nil
	}
	if err != nil {
		return nil, r.explained("read the state of a call", err)
	}
	return finished, nil
}

// missing reports whether the SQLite file does not exist.
func (r *Reader) missing() bool {
	if r.target.path == "" {
		return false
	}
	_, err := os.Stat(r.target.path)
	return errors.Is(err, fs.ErrNotExist)
}

func (r *Reader) explained(what string, err error) error {
	return fmt.Errorf("store: %s: %w", what, r.target.dialect.redacted(r.target.dialect.noTables(err)))
}
