package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"wildix-worker/events/calls"
)

// A Query selects calls. The zero Query selects all.
type Query struct {
	Since  time.Time // calls that started then or later, unless zero
	Until  time.Time // calls that started before then, unless zero
	Missed bool      // only missed calls
	Limit  int       // at most so many calls, the latest; 0 means no limit
	// Direction selects only calls in that direction, unless it is empty.
	Direction calls.Direction
}

// Calls returns the calls that the query selects, the earliest first. After an error
// it yields nothing more. It never writes; a database without the tables is an
// error.
//
// It reads pages, and holds no transaction while the caller handles a call, however long
// that takes. A call that changes in the meantime is returned as it is when its page is
// read.
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
	r := &callReader{db: db, dialect: target.dialect, query: q, left: q.Limit}
	if q.Limit > 0 {
		if err := r.skipEarlier(ctx); err != nil {
			return fmt.Errorf("read calls: %w", target.dialect.noTables(err))
		}
	}
	for {
		page, err := r.next(ctx)
		if err != nil {
			return fmt.Errorf("read calls: %w", target.dialect.noTables(err))
		}
		if len(page) == 0 {
			return nil
		}
		for _, record := range page {
			if !yield(record) {
				return nil
			}
		}
	}
}

// A callReader reads calls page by page.
type callReader struct {
	db      *sql.DB
	dialect dialect
	query   Query
	from    *position // the first call to read; nil means the earliest
	after   *position // the last call that was read
	left    int       // how many calls may be read yet, if the query has a limit
	done    bool
}

// where returns the condition of the next page, and its arguments.
func (r *callReader) where() (condition string, args []any) {
	conditions := []string{"1 = 1"}
	add := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		conditions = append(conditions, condition)
	}
	if !r.query.Since.IsZero() {
		add("started_at >= ?", at(r.query.Since))
	}
	if !r.query.Until.IsZero() {
		add("started_at < ?", at(r.query.Until))
	}
	if r.query.Missed {
		add("missed")
	}
	if r.query.Direction != "" {
		add("direction = ?", string(r.query.Direction))
	}
	switch {
	case r.after != nil:
		add("(started_at, company, id) > (?, ?, ?)", r.after.started, r.after.company, r.after.id)
	case r.from != nil:
		add("(started_at, company, id) >= (?, ?, ?)", r.from.started, r.from.company, r.from.id)
	}
	return strings.Join(conditions, " AND "), args
}

// skipEarlier finds the first of the latest calls, as many as the limit.
func (r *callReader) skipEarlier(ctx context.Context) error {
	condition, args := r.where()
	query := fmt.Sprintf(`SELECT CAST(started_at AS TEXT), company, id FROM calls WHERE %s
		ORDER BY started_at DESC, company DESC, id DESC LIMIT 1 OFFSET %d`, condition, r.query.Limit-1)
	var first position
	err := r.db.QueryRowContext(ctx, r.dialect.numbered(query), args...).Scan(&first.started, &first.company, &first.id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // there are fewer
	}
	r.from = &first
	return err
}

// next returns the calls of the next page. There are none after the last page.
func (r *callReader) next(ctx context.Context) (page []calls.Record, err error) {
	if r.done {
		return nil, nil
	}
	limit := pageCalls
	if r.query.Limit > 0 {
		limit = min(limit, r.left)
	}
	condition, args := r.where()
	query := fmt.Sprintf(`SELECT CAST(started_at AS TEXT), company, id, facts FROM calls WHERE %s
		ORDER BY started_at, company, id LIMIT %d`, condition, limit)
	rows, err := r.db.QueryContext(ctx, r.dialect.numbered(query), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	size := 0
	for size < pageBytes && rows.Next() {
		var last position
		var text []byte
		if err := rows.Scan(&last.started, &last.company, &last.id, &text); err != nil {
			return nil, err
		}
		var facts calls.Facts
		if json.Unmarshal(text, &facts) != nil {
			return nil, errFacts
		}
		page, size, r.after = append(page, facts.Record()), size+len(text), &last
	}
	r.left -= len(page)
	r.done = size < pageBytes && len(page) < limit || r.query.Limit > 0 && r.left == 0
	return page, rows.Err()
}
