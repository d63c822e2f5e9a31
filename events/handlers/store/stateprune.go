package store

import (
	"context"
	"time"

	"go.uber.org/zap"
)

const (
	// pruneRows is how many calls one statement deletes, so that merges need not wait long.
	pruneRows = 2000
	// pruneInterval is the time between two statements while there is nothing to delete, and
	// pruneSoon while there is.
	pruneInterval = 10 * time.Minute
	pruneSoon     = 5 * time.Second
)

// pruneTimes are when calls are to be deleted.
type pruneTimes struct {
	next time.Time
	full bool // MaxCalls is exceeded, which was logged
}

// pruneNow deletes some calls that need not be kept any longer, if that is due. If that
// fails, the next try is later.
func (s *State) pruneNow(ctx context.Context) {
	now := time.Now()
	if now.Before(s.prune.next) {
		return
	}
	s.prune.next = now.Add(pruneInterval)
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	deleted, err := s.pruneSome(ctx, now)
	if err != nil {
		s.cfg.Logger.Warn("old calls can't be deleted from the state", zap.Error(s.conn.dialect.redacted(err)))
		return
	}
	if deleted == pruneRows {
		s.prune.next = now.Add(pruneSoon)
	}
}

func (s *State) pruneSome(ctx context.Context, now time.Time) (deleted int64, err error) {
	db := s.conn.db
	result, err := db.ExecContext(ctx, s.conn.table.pruneOld(now.Add(-s.cfg.MaxAge), pruneRows))
	if err != nil {
		return 0, err
	}
	if deleted, err = result.RowsAffected(); err != nil || deleted == pruneRows {
		return deleted, err
	}
	var count int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM call_states").Scan(&count); err != nil {
		return 0, err
	}
	excess := min(count-s.cfg.MaxCalls, pruneRows)
	if excess <= 0 {
		s.prune.full = false
		return deleted, nil
	}
	if !s.prune.full {
		s.cfg.Logger.Warn("state has too many calls, deleting the oldest", zap.Int("calls", count), zap.Int("max", s.cfg.MaxCalls))
		s.prune.full = true
	}
	if result, err = db.ExecContext(ctx, s.conn.table.pruneOldest(excess)); err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
