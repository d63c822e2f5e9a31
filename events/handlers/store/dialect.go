package store

import (
	"context"
	"database/sql"
	"errors"
)

// errNoTables: no store handler has written to the database.
var errNoTables = errors.New("the database has no tables of the store handler, which creates them")

// A dialect writes to one kind of database, and interprets its errors.
type dialect interface {
	// migrations returns the folder of the migrations, and the statement with
	// which a transaction keeps other workers from migrating.
	migrations() (folder, lock string)
	// prepare runs after the migrations.
	prepare(ctx context.Context, db *sql.DB) error
	// writeEvents inserts the rows that are new. They are sorted by key.
	writeEvents(ctx context.Context, tx *sql.Tx, rows []*eventRow) error
	// writeCalls merges calls with distinct keys into the table. They are sorted
	// by key.
	writeCalls(ctx context.Context, tx *sql.Tx, batch []call) error

	// stale reports whether a prepared statement no longer fits, so that the
	// transaction must be run again at once on a new connection.
	stale(err error) bool
	// temporary reports whether the error has nothing to do with the rows, so that
	// another try may write all of them.
	temporary(err error) bool
	// refused reports whether the error is about the content of a row.
	refused(err error) bool
	// redacted returns the error without what may quote a row: phone numbers and
	// names must not be logged.
	redacted(err error) error
	// opening reports whether another process is opening the database.
	opening(err error) bool
	// noTables adds what to do if the error says that the tables do not exist.
	noTables(err error) error
}
