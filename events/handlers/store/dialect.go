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
	errorReader

	// migrations returns the folder of the migrations in that of a schema, and the statement with
	// which a transaction keeps other workers from migrating.
	migrations() (folder, lock string)
	// prepare runs after the migrations.
	prepare(ctx context.Context, db *sql.DB) error
	// writeEvents inserts the rows that are new. They are sorted by key.
	writeEvents(ctx context.Context, tx *sql.Tx, rows []*eventRow) error
	// writeCalls merges calls with distinct keys into the table. They are sorted
	// by key.
	writeCalls(ctx context.Context, tx *sql.Tx, batch []call) error

	// numbered returns a statement whose parameters are written $1, $2 and so on, in
	// the way of the database.
	numbered(statement string) string
	// millis returns an expression with a column of times as a text in timeLayout.
	millis(column string) string
	// contains returns a condition: a column of bytes has a text, which has no quotation mark
	// of SQL and no backslash.
	contains(column, text string) string
	pruneStatements() pruneStatements
}

// An errorReader interprets the errors of one kind of database.
type errorReader interface {
	// stale reports whether a prepared statement no longer fits, so that the
	// transaction must be run again at once on a new connection.
	stale(err error) bool
	// temporary reports whether the error has nothing to do with the rows, so that
	// another try may write all of them. An error of connecting is.
	temporary(err error) bool
	// refused reports whether the error is about the content of a row.
	refused(err error) bool
	// redacted returns the error without what may quote a row: phone numbers and
	// names must not be logged.
	redacted(err error) error
	// unusable reports whether an error of connecting will be the same at the next try.
	unusable(err error) bool
	// opening reports whether another process is opening the database.
	opening(err error) bool
	// remedy returns what to do about an error, for the end of a sentence.
	remedy(err error) string
	// noTables adds what to do if the error says that the tables do not exist.
	noTables(err error) error
}

// pruneStatements are the parts of pruning that differ between databases. Keys are passed as
// JSON.
type pruneStatements struct {
	lock         string // ends a query of rows to delete
	deleteCalls  string // by arrays of company and ID
	deleteEvents string // by delivery keys
	keptCalls    string // finds calls by arrays of company and ID; %s is a condition, %d the parameter
}
