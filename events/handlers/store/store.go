// Package store is the handler that writes events and calls to a SQL database:
// SQLite in a file for one worker or a few on a machine, PostgreSQL for more.
//
// The table events has a row for each event, with its JSON byte by byte as it
// was signed. The table calls has a row for each call, put together from its
// events as [calls.Facts] are: repeats and disorder make no difference to
// the row, nor does it matter which worker writes it.
//
//	s, err := store.New(store.Config{URL: "sqlite:events.db"})
//	...
//	if err := s.Connect(ctx); err != nil { ... } // connects, and makes the tables
//	defer s.Close()
//	mux.Fallback(s)
//
// An event counts as handled once the transaction that it is in was committed
// to disk. Events that are handled at once share a transaction, so the more
// there are the less each costs.
//
// A character NUL, which PostgreSQL's texts do not take, is U+FFFD in all
// columns but raw.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"wildix-worker/events"
)

// closePatience is what a database gets to give up what it does when the Store is closed.
const closePatience = time.Second

// Config says where the database is.
type Config struct {
	// URL is "sqlite:PATH" or "postgres://USER:PASSWORD@HOST:PORT/DATABASE",
	// with what else libpq knows, such as sslmode. What it leaves out is taken
	// from PGPASSWORD and its like. Required.
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

// New returns a Store that has yet to be opened.
func New(cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return &Store{url: cfg.URL, requests: make(chan *request)}, nil
}

// Connect connects to the database, makes what tables are missing, and starts to
// write. Several workers may open one database at once.
func (s *Store) Connect(ctx context.Context) error {
	target, err := parseURL(s.url, toWrite)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer context.AfterFunc(ctx, target.hangUp)()
	db, err := connect(ctx, target)
	if err != nil {
		return fmt.Errorf("store: %w", cleaned(err))
	}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.db, s.hangUp, s.stopped = db, target.hangUp, make(chan struct{})
	w := &writer{db: db, dialect: target.dialect, requests: s.requests, file: newFile(target.file)}
	go func() {
		defer close(s.stopped)
		w.run(ctx)
	}()
	return nil
}

// Close stops writing and disconnects. What is handled at the moment fails, if
// it is not committed within the moment.
func (s *Store) Close() error {
	if s.stopped == nil {
		return nil
	}
	s.stop()
	defer time.AfterFunc(closePatience, s.hangUp).Stop()
	<-s.stopped
	return s.db.Close()
}

var errNotOpen = errors.New("store: not open")

// HandleEvent returns nil once the event is in the database. What may pass is
// an error, and a row that the database refuses for what is in it is one that
// is [events.Permanent]. When ctx ends it returns at once.
func (s *Store) HandleEvent(ctx context.Context, e *events.Event) error {
	if s.stopped == nil {
		return errNotOpen
	}
	r := newRequest(ctx, e)
	select {
	case s.requests <- r:
	case <-ctx.Done():
		return fmt.Errorf("store: %w", context.Cause(ctx))
	case <-s.stopped:
		return errNotOpen
	}
	select {
	case err := <-r.done: // the writer answers whatever it has taken
		return err
	case <-ctx.Done():
		return fmt.Errorf("store: %w", context.Cause(ctx))
	}
}
