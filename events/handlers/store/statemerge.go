package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"wildix-worker/events"
	"wildix-worker/events/calls"
	"wildix-worker/events/finish"
)

// A stateTable is the table of a [State] in one kind of database.
type stateTable interface {
	// merge merges calls with distinct keys into the table, and sets each to the result.
	// They are sorted by key.
	merge(ctx context.Context, tx *sql.Tx, batch []*stateCall) error
	// pruneOld deletes calls that were received before a time, at most limit.
	pruneOld(before time.Time, limit int) string
	// pruneOldest deletes the calls that were received first, at most limit.
	pruneOldest(limit int) string
}

// A stateCall is merged into a row of the table call_states.
type stateCall struct {
	key  calls.Key
	call finish.Call
}

// A stateRow is a row of the table call_states.
type stateRow struct {
	facts    []byte
	end      string
	finished []byte // nil if it is NULL
}

func (c *stateCall) row() stateRow {
	text, err := json.Marshal(c.call.Facts)
	if err != nil {
		panic(fmt.Sprintf("facts can't be encoded: %v", err)) // strings and numbers always can
	}
	return stateRow{text, c.call.End, c.call.Finished}
}

// mergeInto merges the call into what its row has. changed reports whether the row must be
// written.
func (c *stateCall) mergeInto(known stateRow) (changed bool, err error) {
	old := finish.Call{End: known.end, Finished: known.finished}
	if json.Unmarshal(known.facts, &old.Facts) != nil {
		return false, errFacts
	}
	c.call = old.Merge(c.call)
	merged := c.row()
	return !(slices.Equal(merged.facts, known.facts) && merged.end == known.end && slices.Equal(merged.finished, known.finished)), nil
}

// merge merges a batch, and sets the result of each, or its error. If the database refuses a
// row, each half of the batch is merged separately, and so on, until only the refused rows
// have failed.
func (s *State) merge(ctx context.Context, merges []*stateMerge, errs []error) {
	dialect := s.conn.dialect
	err := s.commit(ctx, merges)
	if dialect.stale(err) {
		dropConnection(ctx, s.conn.db)
		err = s.commit(ctx, merges)
	}
	if err == nil {
		return
	}
	oneRow := errors.Is(err, errFacts) || !dialect.temporary(err)
	if oneRow && len(merges) > 1 {
		half := len(merges) / 2
		s.merge(ctx, merges[:half], errs[:half])
		s.merge(ctx, merges[half:], errs[half:])
		return
	}
	permanent := dialect.refused(err)
	if err = dialect.redacted(err); permanent {
		err = events.Permanent(err)
	}
	for i := range errs {
		errs[i] = err
	}
}

// commit merges a batch in one transaction.
func (s *State) commit(ctx context.Context, merges []*stateMerge) error {
	batch := distinct(merges)
	if len(batch) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	tx, err := s.conn.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	sorted := slices.SortedFunc(maps.Values(batch), func(a, b *stateCall) int { return a.key.Compare(b.key) })
	if err := s.conn.table.merge(ctx, tx, sorted); err != nil {
		return err
	}
	if err := cmp.Or(tx.Commit(), s.conn.file.check()); err != nil {
		return err
	}
	for _, m := range merges {
		if m != nil {
			m.result = batch[stateKey(m)].call
		}
	}
	return nil
}

// distinct merges what a batch has about the same call, in its order.
func distinct(merges []*stateMerge) map[calls.Key]*stateCall {
	byKey := make(map[calls.Key]*stateCall)
	for _, m := range merges {
		if m == nil {
			continue
		}
		key := stateKey(m)
		if byKey[key] == nil {
			byKey[key] = &stateCall{key: key}
		}
		byKey[key].call = byKey[key].call.Merge(m.added)
	}
	return byKey
}

func stateKey(m *stateMerge) calls.Key {
	return calls.Key{Company: text(m.added.Facts.Company), ID: text(m.added.Facts.ID)}
}
