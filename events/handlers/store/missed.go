package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"wildix-worker/events/calls"
)

const (
	// maxSearched is how many calls of a State are searched for missed ones, the latest.
	maxSearched = 10_000
	// clockMargin is how far the clock of a PBX may be ahead of the one that has the time at
	// which a State has received a call.
	clockMargin = time.Hour
)

// missedStates returns the query for call:finished of inbound calls that were missed. What
// these texts stand for is in no other text of the JSON, in which quotation marks are escaped.
// The inner query reads the index of received, and no more rows than its limit.
func missedStates(d dialect) string {
	return d.numbered(fmt.Sprintf(`SELECT facts FROM (
		SELECT facts, finished, received FROM call_states WHERE received >= $1 ORDER BY received DESC LIMIT %d
	) AS latest WHERE %s AND %s ORDER BY received DESC`,
		maxSearched, d.contains("finished", `"direction":"inbound"`), d.contains("finished", `"missed":true`)))
}

// MissedCalls returns the inbound calls that started at a time or later and were missed, of
// those whose call:finished a [State] in the database has. It returns the latest, as many as
// the limit, the latest first, and none if no State has used the database.
func (r *Reader) MissedCalls(ctx context.Context, since time.Time, limit int) ([]calls.Record, error) {
	missed, err := r.missedCalls(ctx, since, limit)
	err = r.target.dialect.noTables(err)
	if errors.Is(err, errNoTables) || err != nil && r.missing() {
		return nil, nil
	}
	if err != nil {
		return nil, r.explained("read missed calls", err)
	}
	return missed, nil
}

func (r *Reader) missedCalls(ctx context.Context, since time.Time, limit int) (missed []calls.Record, err error) {
	rows, err := r.db.QueryContext(ctx, missedStates(r.target.dialect), since.Add(-clockMargin).Unix())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for len(missed) < limit && rows.Next() {
		var text []byte
		var facts calls.Facts
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		if json.Unmarshal(text, &facts) != nil {
			return nil, errFacts
		}
		// Events that came later may say that the call was answered.
		if c := facts.Record(); c.Missed && c.Direction == calls.Inbound && !c.Start.Before(since) {
			missed = append(missed, c)
		}
	}
	return missed, rows.Err()
}

// MissedCalls returns the inbound calls that started at a time or later and were missed, of
// those that a [Store] has written: the latest, as many as the limit, the latest first. It
// never writes; a database without the tables is an error.
func MissedCalls(ctx context.Context, cfg Config, since time.Time, limit int) (missed []calls.Record, err error) {
	for c, err := range Calls(ctx, cfg, Query{Since: since, Missed: true, Direction: calls.Inbound, Limit: limit}) {
		if err != nil {
			return nil, err
		}
		missed = append(missed, c)
	}
	slices.Reverse(missed)
	return missed, nil
}
