// Package awsbatch sends events to an AWS service in batch calls: it collects entries, looks
// at the result of each, and makes the error that a handler returns for it.
package awsbatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wildix-worker/events"
	"wildix-worker/internal/batch"
)

const (
	// MaxEntries is the number of entries that a batch call of SQS, SNS or EventBridge
	// accepts.
	MaxEntries = 10
	// DefaultTimeout limits a call.
	DefaultTimeout = 10 * time.Second
	// linger is how long an event may wait for others while calls are running.
	linger = 20 * time.Millisecond
	// maxCalls is how many calls run at once. At the usual 20 ms per call, it is far
	// more than the largest PBX needs.
	maxCalls = 32
)

// Config says how entries are sent.
type Config[E any] struct {
	// Target is what errors begin with, such as "SQS queue calls".
	Target string
	// Action is the IAM action that a call needs, such as "sqs:SendMessage".
	Action string
	// MaxSize limits the entries of one call, in bytes.
	MaxSize int
	// Size returns the size of an entry.
	Size func(E) int
	// InOrder makes calls one after another, so that they keep the order of entries.
	InOrder bool
	// Timeout limits a call. Zero means DefaultTimeout.
	Timeout time.Duration
	// Call sends entries. Its failures are by the index of the entry: an entry that has
	// none is accepted. The error is about all entries.
	Call func(context.Context, []E) (map[int]Failure, error)
}

// A Sender sends entries in batches.
type Sender[E any] struct {
	cfg     Config[E]
	batcher *batch.Batcher[E]
}

// New returns a Sender.
func New[E any](cfg Config[E]) *Sender[E] {
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	calls := maxCalls
	if cfg.InOrder {
		calls = 1
	}
	s := &Sender[E]{cfg: cfg}
	s.batcher = batch.New(batch.Config[E]{
		MaxItems: MaxEntries, MaxSize: cfg.MaxSize, Size: cfg.Size, MaxCalls: calls,
		Linger: linger, Timeout: cfg.Timeout, Send: s.call,
	})
	return s
}

// Send returns nil when the service has accepted the entry.
func (s *Sender[E]) Send(ctx context.Context, entry E) error {
	if size := s.cfg.Size(entry); size > s.cfg.MaxSize {
		return s.Refuse(fmt.Errorf("the event has %d bytes, more than the %d that one may have there", size, s.cfg.MaxSize))
	}
	if err := s.batcher.Do(ctx, entry); err != nil {
		return fmt.Errorf("%s: %w", s.cfg.Target, err)
	}
	return nil
}

// Refuse returns the error for an event that the service will never accept.
func (s *Sender[E]) Refuse(err error) error {
	return fmt.Errorf("%s: %w", s.cfg.Target, events.Permanent(err))
}

// Close waits until no call is running.
func (s *Sender[E]) Close() { s.batcher.Close() }

// call sends entries and returns the error of each.
func (s *Sender[E]) call(ctx context.Context, entries []E) []error {
	results := make([]error, len(entries))
	failures, err := s.cfg.Call(ctx, entries)
	if err != nil && len(entries) > 1 && isAboutContent(err) {
		return s.callEach(ctx, entries)
	}
	for i := range results {
		if err != nil {
			results[i] = CallError(s.cfg.Action, err)
		} else if f, failed := failures[i]; failed {
			results[i] = f.err(s.cfg.Action)
		}
	}
	return results
}

// callEach sends entries one by one, so that the one that the service refuses does not fail
// the others. If the service can't be reached any more, the rest is not tried.
func (s *Sender[E]) callEach(ctx context.Context, entries []E) []error {
	results := make([]error, len(entries))
	for i := range entries {
		if err := ctx.Err(); err != nil {
			results[i] = errors.New("no response in time")
			continue
		}
		results[i] = s.call(ctx, entries[i:i+1])[0]
	}
	return results
}
