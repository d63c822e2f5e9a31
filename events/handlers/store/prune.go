package store

import (
	"context"
	"fmt"
	"time"
)

// MinRetention is the shortest time for which rows can be kept. It keeps 90m, written for 90
// days, from deleting nearly all rows.
const MinRetention = 24 * time.Hour

const (
	// rowsPerPrune limits one transaction, so that a worker that writes waits for a moment only.
	// pageBytes limits it too.
	rowsPerPrune = 500
	// lostEnd is how long a call goes on at most. Without an event for so long, its end was
	// lost.
	lostEnd = 7 * 24 * time.Hour
)

// Pruned counts the rows that Prune has deleted, or would delete.
type Pruned struct {
	Calls, Events int
}

// Prune deletes the calls whose latest event is from before the time, and the events from
// before then. With dryRun it only counts them.
//
// A call is deleted as a whole: while it has a newer event, all its events are kept. A call
// that goes on is kept with its events; it has no end, and an event of the last seven days.
//
// It deletes in small transactions, with a pause after each as long as the transaction, so
// that workers may write at the same time. After an error, also that of ctx, it returns
// what it has deleted until then. A SQLite file does not become smaller, but new rows use
// the space.
func Prune(ctx context.Context, cfg Config, before time.Time, dryRun bool) (Pruned, error) {
	purpose := toPrune
	if dryRun {
		purpose = toRead
	}
	target, err := parseURL(cfg.URL, purpose)
	if err != nil {
		return Pruned{}, fmt.Errorf("store: %w", err)
	}
	defer target.hangUp()
	db := target.open()
	defer db.Close()
	p := newPruner(db, target.dialect, before, dryRun)
	if err := p.run(ctx); err != nil {
		return p.pruned, fmt.Errorf("store: prune: %w", target.dialect.redacted(target.dialect.noTables(err)))
	}
	return p.pruned, nil
}
