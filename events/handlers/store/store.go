// Package store writes events and calls to a SQL database: to a SQLite file, for one
// worker or a few on one machine, or to PostgreSQL.
//
// The table events has a row for each event, with its JSON byte for byte as it was
// signed. The table calls has a row for each call, merged from its events as
// [calls.Facts] are. Repeats, the order of events and which worker writes them make no
// difference.
//
//	s, err := store.New(store.Config{URL: "sqlite:events.db"})
//	...
//	defer s.Close()
//	mux.Fallback(s)
//
// A Store connects, and creates or migrates the tables, for the first event. While that fails,
// events fail, and the next one tries again. [Store.Connect] shows beforehand whether it works.
//
// An event is handled once its transaction is committed to disk. Events that are
// handled at the same time share a transaction, so that the cost of each falls as the
// load grows.
//
// A [State] keeps calls for package [wildix-worker/events/finish] until they are finished, in a
// table of its own.
//
// Rows are kept forever, unless [Config] has a Retention or [Prune] is called.
//
// The character NUL, which PostgreSQL does not allow in texts, is replaced by U+FFFD in
// all columns but raw.
package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"wildix-worker/events"
)

// Config says where the database is.
type Config struct {
	// URL is "sqlite:PATH" or "postgres://USER:PASSWORD@HOST:PORT/DATABASE", with
	// libpq's parameters, such as sslmode, and those of the driver pgx, such as
	// default_query_exec_mode. PGPASSWORD and libpq's other variables are the
	// defaults of what it leaves out. Required.
	URL string
	// Retention is how long rows are kept. About every hour, a Store deletes older calls and
	// events, as Prune does. 0 means forever; otherwise at least MinRetention.
	Retention time.Duration
	// Logger gets warnings, and how many rows were deleted. Nil means none.
	Logger *zap.Logger
}

// Validate reports everything that is wrong with the configuration, joined;
// each is an *[events.FieldError].
func (cfg *Config) Validate() error {
	var faults []error
	if _, err := parseURL(cfg.URL, toWrite); err != nil {
		faults = append(faults, &events.FieldError{Field: "URL", Err: err})
	}
	if cfg.Retention != 0 && cfg.Retention < MinRetention {
		faults = append(faults, &events.FieldError{Field: "Retention", Err: errRetention})
	}
	return errors.Join(faults...)
}

// A Store writes events to a database. It is an [events.Handler].
type Store struct {
	url       string
	log       *zap.Logger
	retention time.Duration
	writer    *writer
	start     sync.Once // the writer, or Close without it
	stop      context.CancelFunc
	stopped   chan struct{}  // closed when the writer has ended
	pruning   sync.WaitGroup // deletes old rows
}

// New returns a Store that is not connected yet.
func New(cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	s := &Store{url: cfg.URL, log: cmp.Or(cfg.Logger, zap.NewNop()), retention: cfg.Retention, stopped: make(chan struct{})}
	connect := func(ctx context.Context) (*connection, error) { return s.connect(ctx, cfg.URL) }
	s.writer = &writer{connect: connect, requests: make(chan *request), timeout: commitTimeout}
	return s, nil
}

// Connect connects to the database, and creates or migrates the tables. It need not be called:
// it is for a check at the start. Several workers may connect at the same time. It takes at
// most 30 s, and returns when ctx ends.
//
// The error is [ErrUnusable] if it will be the same at the next try. After any other the Store
// may be used all the same, since a database that does not answer, or refuses the login, may
// do better later.
func (s *Store) Connect(ctx context.Context) error {
	return s.do(ctx, &request{ctx: ctx, empty: true, done: make(chan error, 1)})
}

// connect also starts to delete old rows.
func (s *Store) connect(ctx context.Context, url string) (*connection, error) {
	conn, err := connect(ctx, url, storeSchema, s.log)
	if err != nil {
		return nil, err
	}
	if err := conn.dialect.prepare(ctx, conn.db); err != nil {
		return nil, errors.Join(err, conn.close())
	}
	if s.retention > 0 {
		s.pruning.Go(func() { s.keep(ctx, conn) })
	}
	return conn, nil
}

// Close disconnects. Events whose transaction is not committed yet fail, and so do all later
// ones.
func (s *Store) Close() error {
	s.start.Do(func() {
		s.stop = func() {}
		close(s.stopped)
	})
	s.stop()
	<-s.stopped
	s.pruning.Wait()
	err := s.writer.conn.close()
	s.writer.conn = nil
	return err
}

var errClosed = errors.New("store: closed")

// HandleEvent returns nil once the event is in the database. If the database refuses
// the content of its row, the error is [events.Permanent]. When ctx ends it returns at
// once.
func (s *Store) HandleEvent(ctx context.Context, e *events.Event) error {
	return s.do(ctx, newRequest(ctx, e))
}

// do has the writer handle a request.
func (s *Store) do(ctx context.Context, r *request) error {
	s.start.Do(func() { //nolint:contextcheck // the writer outlives a request
		ctx, stop := context.WithCancel(context.Background())
		s.stop = stop
		go func() {
			defer close(s.stopped)
			s.writer.run(ctx)
		}()
	})
	select {
	case s.writer.requests <- r:
	case <-ctx.Done():
		return fmt.Errorf("store: %w", context.Cause(ctx))
	case <-s.stopped:
		return errClosed
	}
	select {
	case err := <-r.done: // the writer answers every request that it has received
		return err
	case <-ctx.Done():
		return fmt.Errorf("store: %w", context.Cause(ctx))
	}
}
