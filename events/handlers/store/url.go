package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/url"
	"strings"

	"modernc.org/sqlite"
)

// A target is a database that was not connected to yet.
type target struct {
	connector driver.Connector
	dialect   dialect
	file      string // of SQLite
	hangUp    func() // ends all connections, whatever they wait for
}

// open returns the one connection that is needed.
func (t *target) open() *sql.DB {
	db := sql.OpenDB(t.connector)
	db.SetMaxOpenConns(1)
	return db
}

// A dialect is how one kind of database is written to.
type dialect interface {
	// migrations is the folder of its migrations, and lock the statement by
	// which a transaction keeps other workers from migrating.
	migrations() (folder, lock string)
	// prepare does what is to be done once the tables are there.
	prepare(ctx context.Context, db *sql.DB) error
	// writeEvents adds the rows that are not there. They are sorted.
	writeEvents(ctx context.Context, tx *sql.Tx, rows []*eventRow) error
	// writeCalls merges calls, each of another row, into the table. They are
	// sorted.
	writeCalls(ctx context.Context, tx *sql.Tx, calls []call) error
	// mayPass reports whether the error has nothing to do with what was
	// written, so that all of it may be written another time.
	mayPass(err error) bool
	// refused reports whether the error is one about what a row holds.
	refused(err error) bool
}

// A statement is one to prepare.
type statement struct {
	into **sql.Stmt
	text string
}

// prepareAll prepares statements, which are closed with db.
func prepareAll(ctx context.Context, db *sql.DB, statements []statement) error {
	for _, s := range statements {
		prepared, err := db.PrepareContext(ctx, s.text)
		if err != nil {
			return err
		}
		*s.into = prepared
	}
	return nil
}

const urlForms = "sqlite:PATH or postgres://USER@HOST/DATABASE"

// An access is what a database is opened for.
type access int

const (
	toWrite access = iota
	toRead         // then a file must be there
)

// parseURL returns errors that do not quote the URL, which may hold a password.
func parseURL(raw string, purpose access) (*target, error) {
	scheme, rest, _ := strings.Cut(raw, ":")
	switch {
	case raw == "":
		return nil, errors.New("required; write " + urlForms)
	case scheme == "sqlite":
		return parseSQLite(rest, purpose)
	case scheme == "postgres" || scheme == "postgresql":
		return parsePostgres(raw, purpose)
	default:
		return nil, errors.New("no URL of a database; write " + urlForms)
	}
}

func parseSQLite(path string, purpose access) (*target, error) {
	path = strings.TrimPrefix(path, "//")
	if path == "" || path == ":memory:" {
		return nil, errors.New("no file named; write sqlite:PATH")
	}
	pragmas := url.Values{
		"_txlock": {"immediate"}, // or two writers could each wait for the other
		"_pragma": {
			"busy_timeout(10000)",
			"journal_mode(WAL)",
			// A message is deleted after its commit, so that must be on the disk.
			"synchronous(FULL)",
			"cache_size(-16384)",       // KiB; the keys of events are all over the place
			"wal_autocheckpoint(4000)", // pages, 16 MB
		},
	}
	if purpose == toRead {
		pragmas = url.Values{"mode": {"rw"}, "_pragma": {"busy_timeout(10000)"}} // rw, since readers take part in the write-ahead log
	}
	connector, err := sqlite.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas.Encode())
	if err != nil {
		return nil, err
	}
	return &target{connector, &sqliteDialect{}, path, func() {}}, nil
}
