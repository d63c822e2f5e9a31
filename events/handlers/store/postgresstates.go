package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"wildix-worker/events/calls"
)

// postgresStates is the table of a [State] in PostgreSQL.
type postgresStates struct{}

// Rows are sent as arrays of the values of each column, and are inserted and locked in the
// order of their keys, as in writeCalls.
const (
	insertStateRows = `INSERT INTO call_states (company, id, received, facts, end_key, finished)
		SELECT company, id, received, facts, end_key, finished
		FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bytea[]) WITH ORDINALITY
			AS u (company, id, received, facts, end_key, finished, n) ORDER BY n `
	insertStates = insertStateRows + `ON CONFLICT DO NOTHING RETURNING company, id`
	updateStates = insertStateRows + `ON CONFLICT (company, id) DO UPDATE
		SET facts = excluded.facts, end_key = excluded.end_key, finished = excluded.finished`
	lockStates = `SELECT known.company, known.id, known.facts, known.end_key, known.finished
		FROM (SELECT company, id FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS u (company, id, n) ORDER BY n) AS wanted,
		LATERAL (SELECT company, id, facts, end_key, finished FROM call_states WHERE company = wanted.company AND id = wanted.id FOR UPDATE) AS known`
)

// merge inserts the calls that are new. It locks the others, and then reads what to merge
// with, so that another worker waits and merges with what this one wrote.
func (p postgresStates) merge(ctx context.Context, tx *sql.Tx, batch []*stateCall) error {
	known, err := p.insertNew(ctx, tx, batch)
	if err != nil || len(known) == 0 {
		return err
	}
	changed, err := p.mergeKnown(ctx, tx, known)
	if err != nil || len(changed) == 0 {
		return err
	}
	_, err = tx.ExecContext(ctx, updateStates, p.columns(changed)...)
	return err
}

// columns returns the values of each column.
func (postgresStates) columns(batch []*stateCall) []any {
	var companies, ids, facts, ends []string
	var received []int64
	var finished [][]byte
	for _, c := range batch {
		row := c.row()
		companies, ids, received = append(companies, c.key.Company), append(ids, c.key.ID), append(received, time.Now().Unix())
		facts, ends, finished = append(facts, string(row.facts)), append(ends, row.end), append(finished, row.finished)
	}
	return []any{companies, ids, received, facts, ends, finished}
}

// insertNew inserts the calls that are new, and returns the others.
func (p postgresStates) insertNew(ctx context.Context, tx *sql.Tx, batch []*stateCall) (known []*stateCall, err error) {
	rows, err := tx.QueryContext(ctx, insertStates, p.columns(batch)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	inserted := make(map[calls.Key]bool)
	for rows.Next() {
		var key calls.Key
		if err := rows.Scan(&key.Company, &key.ID); err != nil {
			return nil, err
		}
		inserted[key] = true
	}
	for _, c := range batch {
		if !inserted[c.key] {
			known = append(known, c)
		}
	}
	return known, rows.Err()
}

// mergeKnown locks the rows of calls, which exist, merges the calls with them, and returns
// those that have changed.
func (postgresStates) mergeKnown(ctx context.Context, tx *sql.Tx, batch []*stateCall) (changed []*stateCall, err error) {
	var companies, ids []string
	byKey := make(map[calls.Key]*stateCall)
	for _, c := range batch {
		companies, ids = append(companies, c.key.Company), append(ids, c.key.ID)
		byKey[c.key] = c
	}
	rows, err := tx.QueryContext(ctx, lockStates, companies, ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := 0
	for ; rows.Next(); found++ {
		var key calls.Key
		var known stateRow
		if err := rows.Scan(&key.Company, &key.ID, &known.facts, &known.end, &known.finished); err != nil {
			return nil, err
		}
		differs, err := byKey[key].mergeInto(known)
		if err != nil {
			return nil, err
		}
		if differs {
			changed = append(changed, byKey[key])
		}
	}
	if rows.Err() == nil && found < len(batch) {
		return nil, errDeleted
	}
	return changed, rows.Err()
}

// Rows that a merge has locked are left for the next time, so that neither waits for the
// other.
func (postgresStates) pruneOld(before time.Time, limit int) string {
	return fmt.Sprintf(`DELETE FROM call_states WHERE ctid = ANY(ARRAY(
		SELECT ctid FROM call_states WHERE received < %d ORDER BY received LIMIT %d FOR UPDATE SKIP LOCKED))`, before.Unix(), limit)
}

func (postgresStates) pruneOldest(limit int) string {
	return fmt.Sprintf(`DELETE FROM call_states WHERE ctid = ANY(ARRAY(
		SELECT ctid FROM call_states ORDER BY received LIMIT %d FOR UPDATE SKIP LOCKED))`, limit)
}
