package store

import (
	"context"
	"database/sql"
	"errors"

	"go.uber.org/zap"
)

// ErrUnusable is in the errors of Connect that no later try can change: a SQLite file can't be
// opened, or the tables are those of a newer version.
var ErrUnusable = errors.New("the database can't be used")

// An unusableError has the text of its cause, which says why.
type unusableError struct{ error }

func (e unusableError) Unwrap() error { return e.error }

func (unusableError) Is(target error) bool { return target == ErrUnusable }

// A connection is to a database with the tables of a schema.
type connection struct {
	db      *sql.DB
	dialect dialect
	file    file
	hangUp  func()
}

// connect connects to a database, and creates or migrates the tables of a schema.
func connect(ctx context.Context, url string, s schema, log *zap.Logger) (*connection, error) {
	target, err := parseURL(url, toWrite)
	if err != nil {
		return nil, err
	}
	db, err := open(ctx, target, s)
	if err != nil {
		target.hangUp()
		if errors.Is(err, errNewer) || target.dialect.unusable(err) {
			return nil, unusableError{err}
		}
		return nil, target.dialect.redacted(err)
	}
	warnOfReaders(target.path, log)
	return &connection{db, target.dialect, newFile(target.path), target.hangUp}, nil
}

// close may be called on nil.
func (c *connection) close() error {
	if c == nil {
		return nil
	}
	defer c.hangUp()
	return c.db.Close()
}
