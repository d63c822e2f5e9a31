package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"wildix-worker/events/calls"

	"github.com/lib/pq"
	code "modernc.org/sqlite/lib"
)

// A Query chooses calls.
type Query struct {
	Since  time.Time // those that started then or later
	Missed bool      // only those that were missed
}

// Calls reads the calls that the query chooses, the earliest first. An error is
// the last that it yields. It writes nothing, and a database without the tables
// is an error.
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
	db := target.open()
	defer db.Close()
	condition := fmt.Sprintf("started_at >= '%s'", q.Since.UTC().Format(timeLayout))
	if q.Missed {
		condition += " AND missed"
	}
	rows, err := db.QueryContext(ctx, "SELECT facts FROM calls WHERE "+condition+" ORDER BY started_at, company, id")
	if err != nil {
		return fmt.Errorf("read calls: %w", explained(err))
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

// explained says what to do about a database that no store has written to.
func explained(err error) error {
	const noSuchTable = "42P01" // of PostgreSQL
	pg, isPostgres := errors.AsType[*pq.Error](err)
	switch {
	case sqliteCode(err) == code.SQLITE_CANTOPEN:
		return errors.New("the file is not there, or may not be opened; the store handler makes it")
	case sqliteCode(err) == code.SQLITE_ERROR, isPostgres && pg.Code == noSuchTable:
		return fmt.Errorf("no table that the store handler makes: %w", err)
	default:
		return err
	}
}
