package store

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"wildix-worker/events/calls"
)

// A Query selects calls.
type Query struct {
	Since  time.Time // calls that started then or later
	Missed bool      // only missed calls
}

// Calls returns the calls that the query selects, the earliest first. After an error
// it yields nothing more. It never writes; a database without the tables is an
// error.
func Calls(ctx context.Context, cfg Config, q Query) iter.Seq2[calls.Record, error] {
	return func(yield func(calls.Record, error) bool) {
		if err := readCalls(ctx, cfg, q, func(r calls.Record) bool { return yield(r, nil) }); err != nil {
			yield(calls.Record{}, fmt.Errorf("store: %w", err))
		}
	}
}

func readCalls(ctx context.Context, cfg Config, q Query, yield func(calls.Record) bool) error {
	target, err := parseURL(cfg.URL, toRead)
	if err != nil {
		return err
	}
	defer target.hangUp()
	db := target.open()
	defer db.Close()
	condition := fmt.Sprintf("started_at >= '%s'", q.Since.UTC().Format(timeLayout))
	if q.Missed {
		condition += " AND missed"
	}
	rows, err := db.QueryContext(ctx, "SELECT facts FROM calls WHERE "+condition+" ORDER BY started_at, company, id")
	if err != nil {
		return fmt.Errorf("read calls: %w", target.dialect.noTables(err))
	}
	defer rows.Close()
	for rows.Next() {
		var text []byte
		if err := rows.Scan(&text); err != nil {
			return err
		}
		var facts calls.Facts
		if json.Unmarshal(text, &facts) != nil {
			return errFacts
		}
		if !yield(facts.Record()) {
			return nil
		}
	}
	return rows.Err()
}
