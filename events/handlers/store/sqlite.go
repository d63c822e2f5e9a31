package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
	code "modernc.org/sqlite/lib"
)

// A sqliteDialect writes row by row, by statements that are prepared once: there is no
// way to the database that could be saved.
type sqliteDialect struct {
	insertEvent, selectFacts, upsertCall *sql.Stmt
}

func (*sqliteDialect) migrations() (folder, lock string) {
	return "migrations/sqlite", "SELECT 1" // the transaction is immediate
}

func (s *sqliteDialect) prepare(ctx context.Context, db *sql.DB) error {
	return prepareAll(ctx, db, []statement{
		{&s.insertEvent, `INSERT INTO events (delivery_key, time, type, id, company, pbx, integration_id, raw)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`},
		{&s.selectFacts, `SELECT facts FROM calls WHERE company = ? AND id = ?`},
		{&s.upsertCall, fmt.Sprintf(`INSERT INTO calls (%s) VALUES (?%s) ON CONFLICT (company, id) DO UPDATE SET %s`,
			strings.Join(callColumns, ", "), strings.Repeat(", ?", len(callColumns)-1), assignments())},
	})
}

func (s *sqliteDialect) writeEvents(ctx context.Context, tx *sql.Tx, rows []*eventRow) error {
	insert := tx.StmtContext(ctx, s.insertEvent)
	for _, r := range rows {
		if _, err := insert.ExecContext(ctx, r.key, at(r.time), r.eventType, r.id, r.company, r.pbx, r.integration, r.raw); err != nil {
			return err
		}
	}
	return nil
}

func (s *sqliteDialect) writeCalls(ctx context.Context, tx *sql.Tx, calls []call) error {
	get, put := tx.StmtContext(ctx, s.selectFacts), tx.StmtContext(ctx, s.upsertCall)
	for _, c := range calls {
		var known []byte
		switch err := get.QueryRowContext(ctx, c.key.Company, c.key.ID).Scan(&known); {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return err
		default:
			if c, err = c.merged(known); err != nil {
				return err
			}
		}
		if bytes.Equal(known, c.factsText()) {
			continue // all repeats
		}
		if _, err := put.ExecContext(ctx, c.values()...); err != nil {
			return err
		}
	}
	return nil
}

// sqliteCode is the code of an error without the detail, or 0 if it does not
// come from the database.
func sqliteCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

func (*sqliteDialect) mayPass(err error) bool {
	switch sqliteCode(err) {
	case code.SQLITE_CONSTRAINT, code.SQLITE_TOOBIG, code.SQLITE_MISMATCH, code.SQLITE_RANGE:
		return false
	default: // locked, disk full, disk failing, interrupted, a table that is missing
		return true
	}
}

func (*sqliteDialect) refused(err error) bool {
	switch sqliteCode(err) {
	case code.SQLITE_CONSTRAINT, code.SQLITE_TOOBIG, code.SQLITE_MISMATCH:
		return true
	default:
		return false
	}
}
