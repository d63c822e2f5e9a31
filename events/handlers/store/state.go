package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"wildix-worker/events"
	"wildix-worker/events/finish"
	"wildix-worker/internal/batch"
)

const (
	// DefaultMaxAge is how long a State keeps a call. It covers the 14 days that SQS keeps
	// a message, and 14 more after it was moved back from a dead-letter queue, so that
	// whenever the message of an end is received, its call is there.
	DefaultMaxAge = 30 * 24 * time.Hour
	// DefaultMaxCalls is how many calls a State keeps. They take about 1 GB.
	DefaultMaxCalls = 500_000

	// stateTimeout limits one transaction of a State. The state is down while one hangs, so
	// it is short.
	stateTimeout = 5 * time.Second
)

var stateSchema = schema{"state", "call_state_migrations", []string{"call_states"}}

// StateConfig says where the database of a [State] is, and what it keeps.
type StateConfig struct {
	// URL is as in [Config]. The database may be that of a [Store]. Required.
	URL string
	// MaxAge is how long a call is kept after its first event was received, whether it
	// has ended or not. 0 means DefaultMaxAge.
	MaxAge time.Duration
	// MaxCalls is how many calls are kept. Beyond it the oldest are deleted. 0 means
	// DefaultMaxCalls.
	MaxCalls int
	// Logger gets warnings. Nil means none.
	Logger *zap.Logger
}

// validate returns all faults, each a *[events.FieldError].
func (cfg *StateConfig) validate() error {
	var faults []error
	if _, err := parseURL(cfg.URL, toWrite); err != nil {
		faults = append(faults, &events.FieldError{Field: "URL", Err: err})
	}
	if cfg.MaxAge < 0 {
		faults = append(faults, &events.FieldError{Field: "MaxAge", Err: fmt.Errorf("%s is negative", cfg.MaxAge)})
	}
	if cfg.MaxCalls < 0 {
		faults = append(faults, &events.FieldError{Field: "MaxCalls", Err: fmt.Errorf("%d is negative", cfg.MaxCalls)})
	}
	return errors.Join(faults...)
}

// A State is a [finish.State] in the table call_states of a database: a SQLite file, for one
// worker or a few on one machine, or PostgreSQL, for any number. Merges that come at the same
// time share a transaction.
//
// What a State keeps is not for reading: it has no fixed form between versions, and is
// deleted after MaxAge.
type State struct {
	cfg     StateConfig
	merges  *batch.Batcher[*stateMerge]
	conn    *stateConn // nil while not connected; only one batch at a time uses it
	prune   pruneTimes
	timeout time.Duration
}

// A stateMerge is a call to Merge.
type stateMerge struct{ added, result finish.Call }

// NewState returns a State, which connects when it is first used, and again after each
// failure to connect.
func NewState(cfg StateConfig) (*State, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	cfg.MaxAge, cfg.MaxCalls = cmp.Or(cfg.MaxAge, DefaultMaxAge), cmp.Or(cfg.MaxCalls, DefaultMaxCalls)
	cfg.Logger = cmp.Or(cfg.Logger, zap.NewNop())
	s := &State{cfg: cfg, timeout: stateTimeout}
	s.merges = batch.New(batch.Config[*stateMerge]{
		MaxItems: maxEvents, MaxSize: maxEvents, Size: func(*stateMerge) int { return 1 },
		MaxCalls: 1, Linger: time.Millisecond, Timeout: setupTimeout, Send: s.send,
	})
	return s, nil
}

// Merge is that of [finish.State]. If the database refuses the call, the error is
// [events.Permanent]. When ctx ends it returns at once.
func (s *State) Merge(ctx context.Context, c finish.Call) (finish.Call, error) {
	m := &stateMerge{added: c}
	if err := s.merges.Do(ctx, m); err != nil {
		return finish.Call{}, err
	}
	return m.result, nil
}

// Connect connects to the database and creates or migrates the tables. It need not be
// called: it is for a check at the start. Its errors are as those of [Store.Connect].
func (s *State) Connect(ctx context.Context) error {
	return s.merges.Do(ctx, nil)
}

// Close disconnects. Merge must not be called after Close, or be running.
func (s *State) Close() error {
	s.merges.Close()
	return s.disconnect()
}

// A stateConn is a connection of a State to its database.
type stateConn struct {
	*connection
	table stateTable
}

func (s *State) connect(ctx context.Context) error {
	if s.conn != nil {
		return nil
	}
	conn, err := connect(ctx, s.cfg.URL, stateSchema, s.cfg.Logger)
	if err != nil {
		return err
	}
	s.conn = &stateConn{conn, postgresStates{}}
	if conn.file.path != "" {
		s.conn.table = sqliteStates{}
	}
	return nil
}

func (s *State) disconnect() error {
	if s.conn == nil {
		return nil
	}
	err := s.conn.close()
	s.conn = nil
	return err
}

// send merges a batch, and returns the error of each, or nil. An element that is nil only
// connects.
func (s *State) send(ctx context.Context, merges []*stateMerge) []error {
	errs := make([]error, len(merges))
	if err := s.connect(ctx); err != nil {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	s.merge(ctx, merges, errs)
	s.pruneNow(ctx)
	return errs
}
