package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"modernc.org/sqlite"
	code "modernc.org/sqlite/lib"
)

// A sqliteDialect writes row by row, with statements that are prepared once: there are
// no round trips to save.
type sqliteDialect struct {
	insertEvent, selectFacts, upsertCall *sql.Stmt
}

// walLimit is how large the write-ahead log stays, in bytes.
const walLimit = 16 << 20

func parseSQLite(path string, purpose access) (*target, error) {
	path = strings.TrimPrefix(path, "//")
	if path == "" || path == ":memory:" {
		return nil, errors.New("no file named; write sqlite:PATH")
	}
	options := url.Values{
		"_txlock": {"immediate"}, // else two writers could each wait for the other
		"_pragma": {
			"busy_timeout(10000)",
			"journal_mode(WAL)",
			// A message is deleted after the commit, which must be on disk by then.
			"synchronous(FULL)",
			"cache_size(-16384)",       // KiB; the keys of events are spread over the whole index
			"wal_autocheckpoint(4000)", // pages, 16 MB
			// What a reader or a large transaction has made larger, the next checkpoint
			// cuts to this. By default, it stays as large.
			fmt.Sprintf("journal_size_limit(%d)", walLimit),
		},
	}
	switch purpose {
	case toPrune:
		options.Set("mode", "rw")
	case toCheck: // without journal_mode, which would be kept
		options = url.Values{"mode": {"rw"}, "_txlock": {"immediate"}, "_pragma": {"busy_timeout(5000)"}}
	case toRead:
		options = url.Values{"mode": {"rw"}, "_pragma": {"busy_timeout(10000)"}} // rw, since readers use the write-ahead log
	}
	connector, err := sqlite.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + options.Encode())
	if err != nil {
		return nil, err
	}
	return &target{connector: connector, dialect: &sqliteDialect{}, path: path, hangUp: func() {}}, nil
}

func (*sqliteDialect) migrations() (folder, lock string) {
	return "sqlite", "SELECT 1" // the transaction is immediate
}

func (s *sqliteDialect) prepare(ctx context.Context, db *sql.DB) error {
	for _, statement := range []struct {
		prepared **sql.Stmt // closed with db
		text     string
	}{
		{&s.insertEvent, `INSERT INTO events (delivery_key, time, type, id, company, pbx, integration_id, raw)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`},
		{&s.selectFacts, `SELECT facts FROM calls WHERE company = ? AND id = ?`},
		{&s.upsertCall, fmt.Sprintf(`INSERT INTO calls (%s) VALUES (?%s) ON CONFLICT (company, id) DO UPDATE SET %s`,
			strings.Join(callColumns, ", "), strings.Repeat(", ?", len(callColumns)-1), assignments())},
	} {
		prepared, err := db.PrepareContext(ctx, statement.text)
		if err != nil {
			return err
		}
		*statement.prepared = prepared
	}
	return nil
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

func (s *sqliteDialect) writeCalls(ctx context.Context, tx *sql.Tx, batch []call) error {
	get, put := tx.StmtContext(ctx, s.selectFacts), tx.StmtContext(ctx, s.upsertCall)
	for _, c := range batch {
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
			continue // nothing new
		}
		if _, err := put.ExecContext(ctx, c.values()...); err != nil {
			return err
		}
	}
	return nil
}

func (*sqliteDialect) numbered(statement string) string {
	return strings.ReplaceAll(statement, "$", "?")
}

func (*sqliteDialect) millis(column string) string { return column }

func (*sqliteDialect) contains(column, text string) string {
	return fmt.Sprintf("instr(%s, CAST('%s' AS BLOB)) > 0", column, text)
}

// sqliteCode returns the error's primary result code, or 0 if it does not come from
// SQLite.
func sqliteCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

func (*sqliteDialect) stale(error) bool { return false } // SQLite prepares statements again by itself

func (*sqliteDialect) temporary(err error) bool {
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

func (s *sqliteDialect) redacted(err error) error {
	if lite, ok := errors.AsType[*sqlite.Error](err); ok && s.refused(err) {
		return fmt.Errorf("the database refuses a row: SQLite code %d", lite.Code())
	}
	return err
}

func (*sqliteDialect) unusable(err error) bool {
	switch sqliteCode(err) {
	case code.SQLITE_CANTOPEN, code.SQLITE_CORRUPT, code.SQLITE_NOTADB, code.SQLITE_PERM, code.SQLITE_READONLY:
		return true
	}
	_, ok := errors.AsType[*fs.PathError](err)
	return ok
}

// opening errors come while another process switches the file to a write-ahead log,
// which SQLite's busy timeout does not cover.
func (*sqliteDialect) opening(err error) bool { return sqliteCode(err) == code.SQLITE_BUSY }

func (*sqliteDialect) remedy(err error) string {
	switch sqliteCode(err) {
	case code.SQLITE_NOTADB, code.SQLITE_CORRUPT:
		return "; give another path, or put a copy of the database there"
	case code.SQLITE_READONLY, code.SQLITE_CANTOPEN, code.SQLITE_PERM:
		return "; let the worker's user write to the file and to its folder"
	case code.SQLITE_BUSY:
		return "; another program holds the file: stop it, or give another path"
	default:
		return ""
	}
}

func (*sqliteDialect) noTables(err error) error {
	switch sqliteCode(err) {
	case code.SQLITE_CANTOPEN:
		return errors.New("the file does not exist or can't be opened; the store handler creates it")
	case code.SQLITE_ERROR:
		return fmt.Errorf("%w: %w", errNoTables, err)
	default:
		return err
	}
}
