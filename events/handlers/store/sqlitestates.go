package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// sqliteStates is the table of a [State] in a SQLite file.
type sqliteStates struct{}

func (sqliteStates) merge(ctx context.Context, tx *sql.Tx, batch []*stateCall) error {
	get, err := tx.PrepareContext(ctx, `SELECT facts, end_key, finished FROM call_states WHERE company = ? AND id = ?`)
	if err != nil {
		return err
	}
	defer get.Close()
	put, err := tx.PrepareContext(ctx, `INSERT INTO call_states (company, id, received, facts, end_key, finished) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (company, id) DO UPDATE SET facts = excluded.facts, end_key = excluded.end_key, finished = excluded.finished`)
	if err != nil {
		return err
	}
	defer put.Close()
	for _, c := range batch {
		var known stateRow
		changed := true
		switch err := get.QueryRowContext(ctx, c.key.Company, c.key.ID).Scan(&known.facts, &known.end, &known.finished); {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return err
		default:
			if changed, err = c.mergeInto(known); err != nil {
				return err
			}
		}
		if !changed {
			continue
		}
		row := c.row()
		if _, err := put.ExecContext(ctx, c.key.Company, c.key.ID, time.Now().Unix(), string(row.facts), row.end, row.finished); err != nil {
			return err
		}
	}
	return nil
}

func (sqliteStates) pruneOld(before time.Time, limit int) string {
	return fmt.Sprintf(`DELETE FROM call_states WHERE rowid IN (SELECT rowid FROM call_states WHERE received < %d ORDER BY received LIMIT %d)`, before.Unix(), limit)
}

func (sqliteStates) pruneOldest(limit int) string {
	return fmt.Sprintf(`DELETE FROM call_states WHERE rowid IN (SELECT rowid FROM call_states ORDER BY received LIMIT %d)`, limit)
}
