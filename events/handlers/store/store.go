// Package store writes events and calls to a SQL database: to a SQLite file, for one
// worker or a few on one machine, or to PostgreSQL.
//
// The table events has a row for each event, with its JSON byte for byte as it was
// signed. The table calls has a row for each call, merged from its events as
// [calls.Facts] are: neither repeats nor the order of events nor which worker writes
// them makes a difference.
//
//	s, err := store.New(store.Config{URL: "sqlite:events.db"})
//	...
//	if err := s.Connect(ctx); err != nil { ... } // connects, and creates the tables
//	defer s.Close()
//	mux.Fallback(s)
//
// An event is handled once its transaction is committed to disk. Events that are
// handled at the same time share a transaction, so that each costs less the more
// there are.
//
// The character NUL, which PostgreSQL does not allow in texts, is replaced by U+FFFD in
// all columns but raw.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"wildix-worker/events"
)

// Config says where the database is.
type Config struct {
	// URL is "sqlite:PATH" or "postgres://USER:PASSWORD@HOST:PORT/DATABASE", with
	// libpq's parameters, such as sslmode, and those of the driver pgx, such as
	// default_query_exec_mode. PGPASSWORD and libpq's other variables are the
	// defaults of what it leaves out. Required.
	URL string
}

// Validate reports everything that is wrong with the configuration, joined;
// each is an *[events.FieldError].
func (cfg *Config) Validate() error {
	if _, err := parseURL(cfg.URL, toWrite); err != nil {
		return errors.Join(&events.FieldError{Field: "URL", Err: err})
	}
	return nil
}

// A Store writes events to a database. It is an [events.Handler].
type Store struct {
	url      string
	db       *sql.DB
	requests chan *request
	stop     context.CancelFunc
	hangUp   func()
	stopped  chan struct{} // closed when the writer has ended; nil before Connect
}

// New returns a Store that is not connected yet.
func New(cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return &Store{url: cfg.URL, requests: make(chan *request)}, nil
}

// Connect connects to the database, creates or migrates the tables, and starts the
// writer, which runs until Close. Several workers may connect at the same time. It
// takes at most 30 s.
func (s *Store) Connect(ctx context.Context) error {
	target, err := parseURL(s.url, toWrite)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	db, err := connect(ctx, target)
	if err != nil {
		target.hangUp()
		return fmt.Errorf("store: %w", target.dialect.redacted(err))
	}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.db, s.hangUp, s.stopped = db, target.hangUp, make(chan struct{})
	w := &writer{db: db, dialect: target.dialect, requests: s.requests, file: newFile(target.path), timeout: commitTimeout}
	go func() {
		defer close(s.stopped)
		w.run(ctx)
	}()
	return nil
}

// Close stops the writer and disconnects. Events whose transaction is not committed
// yet fail.
func (s *Store) Close() error {
	if s.stopped == nil {
		return nil
	}
	s.stop()
	<-s.stopped
	defer s.hangUp()
	return s.db.Close()
}

var errNotConnected = errors.New("store: not connected")

// HandleEvent returns nil once the event is in the database. If the database refuses
// the content of its row, the error is [events.Permanent]. When ctx ends it returns at
// once.
func (s *Store) HandleEvent(ctx context.Context, e *events.Event) error {
	if s.stopped == nil {
		return errNotConnected
	}
	r := newRequest(ctx, e)
	select {
	case s.requests <- r:
	case <-ctx.Done():
		return fmt.Errorf("store: %w", context.Cause(ctx))
	case <-s.stopped:
		return errNotConnected
	}
	select {
	case err := <-r.done: // the writer answers every request that it has received
		return err
	case <-ctx.Done():
		return fmt.Errorf("store: %w", context.Cause(ctx))
	}
}
