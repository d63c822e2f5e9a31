package store

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
)

const (
	// firstPrune is soon, so that a worker that is restarted every day prunes too.
	firstPrune = time.Minute
	pruneEvery = time.Hour
)

var errRetention = errors.New("less than 1 day, so nearly all rows would be deleted")

// keep deletes rows that are older than the retention, until ctx ends.
func (s *Store) keep(ctx context.Context, conn *connection) {
	for wait := firstPrune; pause(ctx, wait) == nil; wait = pruneEvery {
		p := newPruner(conn.db, conn.dialect, time.Now().Add(-s.retention), false)
		err := p.run(ctx)
		if p.pruned != (Pruned{}) {
			s.log.Info("deleted old rows of the database", zap.Int("calls", p.pruned.Calls), zap.Int("events", p.pruned.Events))
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			s.log.Warn("deleting old rows of the database failed", zap.Error(conn.dialect.redacted(err)), zap.Duration("nextTry", pruneEvery))
		}
	}
}
